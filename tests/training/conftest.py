"""What several tests of the training share."""

from __future__ import annotations

from pathlib import Path

import pytest

from .making import write_backbone


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network to look through."""
    return write_backbone(tmp_path_factory.mktemp("networks") / "backbone")
