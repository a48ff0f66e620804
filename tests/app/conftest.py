"""One studio for all the tests of a session: the real process on a free port of this machine, with a tiny model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from serving import Server, serving

from app.shelf import open_studio
from app.studio import Studio
from modeling_vae import FaceAlignment, VAEConfig, VAEImageProcessor, VAEModel, VAEPipeline


@pytest.fixture(scope="session")
def aligned(published: Path, alignment: FaceAlignment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published folder of a model that finds (drawn) faces in photos."""
    folder = tmp_path_factory.mktemp("aligned") / "tiny"
    shutil.copytree(published, folder)
    alignment.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def studio(aligned: Path) -> Studio:
    return open_studio(aligned)


@pytest.fixture(scope="session")
def bare_studio() -> Studio:
    """Of a model of another shape: grey, not square, with neither directions nor a fitted prior."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = VAEModel(VAEConfig(image_size=[32, 48], num_channels=1, latent_dim=4, hidden_channels=[8]))
    return Studio(VAEPipeline(model, VAEImageProcessor({"height": 32, "width": 48}, num_channels=1)), "bare")


@pytest.fixture(scope="session")
def server(aligned: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(aligned, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of its own kind: not square, not small, JPEG."""
    y, x = np.mgrid[0:180, 0:240]
    pixels = np.stack([x, y, (x * y) % 256], axis=-1).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", quality=95)
    return tmp_path / "photo.jpg"
