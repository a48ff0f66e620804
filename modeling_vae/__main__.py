"""`python -m modeling_vae`."""

import sys

from .commands.main import main

sys.exit(main())
