"""What many tests share: a cache of their own, a tiny pipeline and its published folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# before anything of Hugging Face is imported: no network, and nobody's cache
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="hf-home-")
# before torch is: threads that wait for each other at every step of small models take ten times as long as one thread
# where anything else runs on the machine
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest  # noqa: E402
from planted_faces import trained_alignment  # noqa: E402
from tiny import tiny_pipeline  # noqa: E402

from modeling_vae import FaceAlignment, VAEPipeline  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes is run by hand."""
    if "SLOW" not in os.environ:
        by_hand = pytest.mark.skip(reason="minutes long, run by hand: SLOW=1")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(by_hand)


@pytest.fixture
def pipe() -> VAEPipeline:
    return tiny_pipeline()


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published folder; tests that change it copy it first."""
    folder = tmp_path_factory.mktemp("published") / "tiny"
    tiny_pipeline().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def alignment() -> FaceAlignment:
    """Trained on drawn faces of 32 x 32 pixels."""
    return trained_alignment()
