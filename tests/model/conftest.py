"""What tests of pictures share."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def noise() -> Image.Image:
    """An RGB picture 7 wide and 5 high in which no two pixels are alike."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8))
