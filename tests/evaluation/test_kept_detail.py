"""Edits that keep the photo's detail, where it is known how strong they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import tiny_pipeline
from torch import nn

from modeling_vae.evaluation.kept_detail import kept_detail_figures, pictures_at, scores_of_edits
from modeling_vae.evaluation.weighted import resample_counts
from modeling_vae.figures.attribute_table import kept_detail_sentence
from modeling_vae.photos.photo import faded
from modeling_vae.probing.probes import Probe
from modeling_vae.probing.yes_no import YesNo

from .planted import ATTRIBUTES, SIDE, PlantedModel, Sees, planted_directions, planted_latents

MOVE = 2 / 3**0.5
"""Two deviations of a number drawn evenly from -1 to 1."""


class SeesTheMiddle(Sees):
    """Sees the four quarters but for the outermost pixels."""

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return super().forward(pixel_values[:, :, 1:-1, 1:-1])


def textured(latents: torch.Tensor) -> torch.Tensor:
    """What the model draws, and a texture that it does not know, of mean 0 in any quarter of any even size."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    rings = torch.where((x + y) % 2 == 0, 0.1, -0.1)
    rings[:, 7] = rings[:, 8] = rings[7] = rings[8] = 0  # what is left is 6 x 6 of each quarter's middle
    return PlantedModel().decode(latents) + rings


def figures(model: nn.Module, network: nn.Module, photos: torch.Tensor, latents: torch.Tensor) -> dict:
    probe = Probe(ATTRIBUTES, network, torch.zeros(4), {})
    counts = resample_counts(len(latents), 20, seed=0)
    names, found = kept_detail_figures(model, planted_directions(), probe, photos, latents, counts, batch_size=7)
    assert names == planted_directions().names
    return found


def shown(network: nn.Module) -> float:
    """The share of a quarter's edit that a network still sees when the edit has faded towards the picture's edges."""
    edited = torch.zeros(1, 3, SIDE, SIDE)
    edited[..., : SIDE // 2, : SIDE // 2] = 0.5
    none, all_of_it, faded_one = (network(0.5 + change)[0, 0] for change in (0 * edited, edited, faded(edited)))
    return float((faded_one - none) / (all_of_it - none))


def test_the_ratio_is_the_share_that_has_not_faded():
    latents = planted_latents(30)
    found = figures(PlantedModel(), SeesTheMiddle(), textured(latents), latents)
    wanted = torch.full((21, 4), shown(SeesTheMiddle()), dtype=torch.float64)
    assert 0.5 < wanted[0, 0] < 0.9
    torch.testing.assert_close(found["detail_ratio"], wanted, atol=1e-4, rtol=0)
    assert found["plain_change"][0].tolist() == pytest.approx([MOVE] * 4, abs=1e-4)
    assert found["plain_success"].tolist() == [[1.0] * 4] * 21
    assert (found["detail_success"] < 1).all()  # a fraction of the edit does not reach all thresholds


def test_what_fades_at_the_edge_is_missing_from_the_ratio():
    latents = planted_latents(30)
    found = figures(PlantedModel(), Sees(), PlantedModel().decode(latents), latents)
    assert shown(Sees()) < shown(SeesTheMiddle())
    assert found["detail_ratio"][0].tolist() == pytest.approx([shown(Sees())] * 4, abs=1e-4)


def test_a_clear_edit_shows_in_a_photo_that_is_nothing_like_its_reconstruction():
    """Added to a white photo, +2 alone would change nothing: there is nothing lighter than white."""
    latents = planted_latents(30)
    found = figures(PlantedModel(), SeesTheMiddle(), torch.ones(30, 3, SIDE, SIDE), latents)
    assert found["detail_ratio"][0].tolist() == pytest.approx([shown(SeesTheMiddle())] * 4, abs=1e-2)


def test_no_ratio_to_an_edit_that_does_nothing():
    latents = planted_latents(30)
    found = figures(PlantedModel(lost=(1,)), SeesTheMiddle(), textured(latents), latents)
    assert found["detail_ratio"].isnan().any(dim=0).tolist() == [False, True, False, False]
    assert found["detail_success"][0, 1] == found["plain_success"][0, 1] == 0.5


def test_what_the_probe_does_not_know_is_left_out():
    latents = planted_latents(12)
    probe = Probe([YesNo("else", "else", "true")], Sees(), torch.zeros(1), {})
    counts = resample_counts(12, 5, seed=0)
    names, found = kept_detail_figures(PlantedModel(), planted_directions(), probe, textured(latents), latents, counts)
    assert names == [] and found == {}


def test_it_is_what_the_pipeline_gives():
    pipe, asked = tiny_pipeline(), []

    class Keeps(nn.Module):
        def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
            asked.append(pixel_values)
            return pixel_values.mean(dim=(1, 2, 3))[:, None]

    probe = Probe([YesNo("smiling", "smiling", "true")], Keeps(), torch.zeros(1), {})
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    pixel_values = pipe.processor(photo, return_tensors="pt")["pixel_values"]
    latents = pipe.encode(photo)
    assert pipe.directions is not None
    scores_of_edits(pipe.model, pipe.directions, probe, pixel_values, latents, pipe.decode_pixels(latents), "smiling")
    for pictures, strength in ((asked[:2], 2.0), (asked[2:], -2.0)):
        for picture, preserve_detail in zip(pictures, (False, True), strict=True):
            expected = pipe.edit(photo, {"smiling": strength}, preserve_detail=preserve_detail)
            found = pipe.processor.postprocess(picture)[0]
            assert np.abs(np.asarray(found).astype(int) - np.asarray(expected)).max() <= 1


def test_pictures_of_rows_come_in_the_order_of_the_rows():
    pictures = torch.arange(10.0).view(10, 1, 1, 1)
    batches = [(part, {}) for part in pictures.split(4)]
    assert pictures_at(batches, torch.tensor([8, 0, 5])).flatten().tolist() == [8.0, 0.0, 5.0]


def test_the_sentence_says_it():
    def of(value):
        return {"value": value, "low": value - 0.02, "high": value + 0.02}

    mean = {"detail_success": of(0.8), "plain_success": of(0.82), "detail_ratio": of(0.97)}
    text = kept_detail_sentence({"mean": mean})
    assert "0.800 ± 0.020" in text and "0.820 ± 0.020" in text and "0.970 ± 0.020 times as far" in text
    assert kept_detail_sentence({"mean": {"success": of(0.8)}}) == ""
