"""Features come from the network itself, on pictures prepared as stated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from modeling_vae.evaluation.features import FeatureNetwork


def pictures(n: int = 3, channels: int = 3, side: int = 16) -> torch.Tensor:
    return torch.rand(n, channels, side, side, generator=torch.Generator().manual_seed(0))


def test_features_are_the_pooled_output_of_normalised_pictures(feature_folder: Path):
    from transformers import AutoModel

    x = pictures(side=32)
    network = AutoModel.from_pretrained(feature_folder).eval()
    mean, std = torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1), torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1)
    with torch.no_grad():
        expected = network((x - mean) / std).pooler_output.flatten(1)
    features = FeatureNetwork(str(feature_folder), resolution=32)(x)
    assert features.shape == (3, 12) and not features.requires_grad
    torch.testing.assert_close(features, expected)


def test_pictures_are_resized_as_pil_does(feature_folder: Path):
    """Bicubic with antialiasing, also downwards; PIL rounds to grey levels."""
    grey_levels = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    picture = Image.fromarray(grey_levels)
    resized = np.asarray(picture.resize((32, 32), Image.Resampling.BICUBIC))
    network = FeatureNetwork(str(feature_folder), resolution=32)
    x, y = (torch.from_numpy(v.copy()).permute(2, 0, 1)[None].float() / 255 for v in (grey_levels, resized))
    torch.testing.assert_close(network(x), network(y), rtol=0, atol=0.02)


def test_grey_stands_for_three_channels(feature_folder: Path):
    network = FeatureNetwork(str(feature_folder), resolution=24)
    x = pictures(channels=1)
    torch.testing.assert_close(network(x), network(x.expand(-1, 3, -1, -1)))


def test_batches_do_not_matter_and_training_mode_is_refused(feature_folder: Path):
    network = FeatureNetwork(str(feature_folder), resolution=24).train()
    x = pictures(5)
    torch.testing.assert_close(network(x), torch.cat([network(x[:2]), network(x[2:])]))


def test_bad_input_is_refused(feature_folder: Path, tmp_path: Path):
    network = FeatureNetwork(str(feature_folder), resolution=24)
    with pytest.raises(ValueError, match="give \\[N, 1 or 3, height, width\\]"):
        network(pictures(channels=2))
    with pytest.raises(ValueError, match="resolution is 0"):
        FeatureNetwork(str(feature_folder), resolution=0)
    with pytest.raises(OSError):
        FeatureNetwork(str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="empty cannot be loaded: give the folder of a vision model"):
        FeatureNetwork(str(tmp_path / "empty"))
