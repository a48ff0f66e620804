"""The studio: a page on which people generate, morph and edit faces. `python -m app` opens it."""

import os

from .memory import share_arenas

# Threads that compute a picture together wait for each other asleep, and not busily, which on a machine that has other
# work too, such as a second visitor's, costs up to a hundred times the time. Read when PyTorch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
share_arenas()
