"""`python -m modeling_vae`."""

import sys

from .cli import main

sys.exit(main())
