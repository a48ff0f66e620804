"""Re-encoding errors where they are known: none where the encoder undoes the decoder."""

from __future__ import annotations

import pytest
import torch

from modeling_vae.evaluation.reencoding import reencoding_errors, reencoding_figures
from modeling_vae.evaluation.weighted import resample_counts

from .planted import PlantedModel, planted_directions, planted_latents


def test_an_encoder_that_undoes_the_decoder_reads_what_was_asked_for():
    errors = reencoding_errors(PlantedModel(), planted_directions(), planted_latents(30), "left", batch_size=7)
    assert {size: error.shape for size, error in errors.items()} == {0.0: (30, 1), 1.0: (30, 2), 2.0: (30, 2)}
    assert all(float(error.max()) < 1e-4 for error in errors.values())


def test_what_is_lost_is_missing_by_its_value_and_strength():
    directions, latents = planted_directions(), planted_latents(30)
    errors = reencoding_errors(PlantedModel(lost=(0,)), directions, latents, "left")
    values = directions.values(latents)[:, 0]
    assert errors[0.0][:, 0].tolist() == pytest.approx(values.abs().tolist(), abs=1e-4)
    for column, strength in enumerate((2, -2)):
        assert errors[2.0][:, column].tolist() == pytest.approx((values + strength).abs().tolist(), abs=1e-4)


def test_figures_are_medians_over_pictures_and_signs():
    directions, latents = planted_directions(), planted_latents(31)
    model, counts = PlantedModel(lost=(0,)), resample_counts(31, 5, seed=0)
    figures = reencoding_figures(model, directions, latents, counts)
    errors = reencoding_errors(model, directions, latents, "left")
    assert float(figures["reencoding_error_2"][0, 0]) == float(errors[2.0].flatten().median())
    both = torch.cat([errors[1.0], errors[2.0]]).flatten()
    assert float(figures["reencoding_error"][0, 0]) == float(both.median())
    assert figures["reencoding_error_0"].shape == (6, 4)
