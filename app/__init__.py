"""The studio: a page on which people generate, morph and edit faces. `python -m app` opens it."""
