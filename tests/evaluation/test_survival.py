"""Survival of planted attributes: whole where the decoder keeps them, chance where it does not."""

from __future__ import annotations

import pytest
import torch

from modeling_vae.data import labelled_batches
from modeling_vae.evaluation.survival import Judged, judge, survival_figures
from modeling_vae.evaluation.weighted import resample_counts

from .planted import PlantedModel, planted_dataset, planted_probe


def figures(lost: tuple[int, ...] = (), count: int = 200) -> dict[str, torch.Tensor]:
    batches = labelled_batches(planted_dataset(count), 64)
    judged = judge(PlantedModel(lost), planted_probe(), batches)
    return survival_figures(judged, resample_counts(count, 10, seed=0))


def test_what_the_decoder_keeps_survives():
    for name, draws in figures().items():
        assert draws[0].tolist() == pytest.approx([1.0] * 4), name


def test_what_the_decoder_loses_is_at_chance():
    """The right half's brightness comes out grey: nobody has it any more, and the AUC is that of a coin."""
    found = {name: draws[0].tolist() for name, draws in figures(lost=(1,)).items()}
    assert found["auc_on_reconstructions"] == pytest.approx([1.0, 0.5, 1.0, 1.0], abs=1e-9)
    assert found["survival"] == pytest.approx([1.0, 0.5, 1.0, 1.0])
    assert found["right_on_reconstructions"] == pytest.approx([1.0, 0.5, 1.0, 1.0])
    assert found["kept"][1] + found["stayed_without"][1] == pytest.approx(1.0)
    assert found["probe_auc"] == pytest.approx([1.0] * 4)


def test_labels_and_the_probe_itself_are_two_standards():
    """The probe misses one of two; in reconstructions it finds it, which is right, and another, which is not."""
    truth = torch.tensor([[1.0], [1.0], [0.0], [0.0], [float("nan")]])
    real = torch.tensor([[1.0], [-1.0], [-1.0], [-1.0], [-1.0]])
    reconstructed = torch.tensor([[1.0], [1.0], [1.0], [-1.0], [-1.0]])
    found = survival_figures(Judged(torch.zeros(5, 2), truth, real, reconstructed), resample_counts(5, 1, seed=0))
    assert found["probe_right"][0, 0] == pytest.approx((1 / 2 + 1) / 2)
    assert found["right_on_reconstructions"][0, 0] == pytest.approx((1 + 1 / 2) / 2)
    assert found["survival"][0, 0] == pytest.approx((1 + 2 / 4) / 2)


def test_how_many_go_through_at_once_does_not_matter():
    dataset = planted_dataset(30)
    whole = judge(PlantedModel(), planted_probe(), labelled_batches(dataset, 64))
    parts = judge(PlantedModel(), planted_probe(), labelled_batches(dataset, 7))
    assert whole.latents.shape == (30, 4) and whole.truth.shape == whole.real.shape == (30, 4)
    assert torch.equal(whole.real, parts.real) and torch.equal(whole.reconstructed, parts.reconstructed)


def test_what_no_picture_has_is_unknown():
    dataset = [item for item in planted_dataset(100) if not item["labels"]["left"]]
    judged = judge(PlantedModel(), planted_probe(), labelled_batches(dataset, 64))
    found = survival_figures(judged, resample_counts(len(dataset), 5, seed=0))
    assert found["kept"][0, 0].isnan() and found["probe_auc"][0, 0].isnan() and found["survival"][0, 0].isnan()
    assert found["stayed_without"][0, 0] == 1
