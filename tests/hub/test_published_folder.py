"""What is fitted follows the recipe; a folder that a killed run had put aside comes back."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace

import torch
from tiny import tiny_model, two_kinds

from modeling_vae import VAEPipeline
from modeling_vae.fitting.fit import fit
from modeling_vae.publishing.folder import recover
from modeling_vae.recipes.recipe import Recipe


def test_a_folder_that_was_put_aside_comes_back(published, tmp_path):
    """Killed between the two renames, the run finds it under its name."""
    shutil.copytree(published, tmp_path / "cats.old")
    recover(tmp_path / "cats")
    assert "cats.old" not in os.listdir(tmp_path)
    assert VAEPipeline.from_pretrained(tmp_path / "cats").weights_sha256


def items(count: int, seed: int) -> list[dict]:
    return [{"pixel_values": picture, "labels": {}} for batch, _ in two_kinds(count, seed) for picture in batch]


def test_the_prior_has_no_more_gaussians_than_the_recipe_allows():
    model = tiny_model()
    torch.nn.init.constant_(model.to_posterior.bias[8:], -10.0)  # all but certain
    data = SimpleNamespace(train=items(1200, 1), validation=items(300, 2))

    def gaussians(publish: dict) -> int:
        recipe = Recipe.model_validate({"data": {"crop": "none"}, "publish": publish})
        parts, report = fit(model, recipe, data, steps=1)
        assert report["prior"] == {"gaussians": len(parts.prior.weights)}
        return len(parts.prior.weights)

    assert gaussians({}) >= 2 and gaussians({"most_gaussians": 1}) == 1
