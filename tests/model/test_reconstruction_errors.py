"""How far reconstructions usually are."""

from __future__ import annotations

import pytest
import torch

from modeling_vae import ReconstructionErrors
from modeling_vae.photos.reconstruction_errors import reconstruction_error


def test_the_error_of_a_known_difference():
    pictures = torch.full((2, 3, 4, 4), 0.5)
    reconstruction = pictures + torch.tensor([0.1, -0.2])[:, None, None, None]
    torch.testing.assert_close(reconstruction_error(reconstruction, pictures), torch.tensor([25.5, 51.0]))


def test_percentiles_survive_storage(tmp_path):
    errors = ReconstructionErrors.from_errors(torch.arange(201.0), "abc")
    assert errors.largest == pytest.approx(198.0)
    errors.save_pretrained(tmp_path)
    loaded = ReconstructionErrors.from_pretrained(tmp_path)
    torch.testing.assert_close(loaded.percentiles, errors.percentiles)
    assert "250 grey levels off" in loaded.sentence(250.0) and "at most 198 off" in loaded.sentence(250.0)
    loaded.check_weights("abc")
    with pytest.raises(ValueError, match="belong to weights abc"):
        loaded.check_weights("def")
    with pytest.raises(ValueError, match=r"shape \[3\]"):
        ReconstructionErrors(torch.zeros(3))
