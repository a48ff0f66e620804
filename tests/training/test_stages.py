"""Stages: what they inherit, how one begins where the other ends, and that a run goes on in the stage it was in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import train
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training.film_files import read_frames
from modeling_vae.training.stages import stage_recipes

from .making import recipe_values, write_backbone, write_pictures, write_recipe

SMALL = {
    "model": {"image_size": 32, "hidden_channels": [8, 16], "decoder_channels": [16, 8, 8]},
    "objective": {"adversarial": None, "edits": None, "perceptual": {"weight": 0.25}},
    "training": {"max_steps": 3, "lr_scheduler_kwargs": {"num_decay_steps": 1}},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Pictures, a network that looks on, and a recipe that grows from 32 to 64 pixels."""
    place = tmp_path_factory.mktemp("stages")
    values = recipe_values(write_pictures(place / "pictures"), write_backbone(place / "backbone"))
    values["model"] |= {
        "image_size": 64, "hidden_channels": [8, 8, 16], "decoder_channels": [16, 8, 8, 8], "norm": "none",
    }  # fmt: skip
    values["training"] |= {"max_steps": 2, "save_steps": 1, "lr_scheduler_type": "warmup_stable_decay"}
    values["training"]["lr_scheduler_kwargs"] = {"num_decay_steps": 2}
    write_recipe(place / "recipe", values | {"stages": {"small": SMALL}})
    return place


def test_a_stage_says_only_what_differs(place):
    recipe = Recipe.read(place / "recipe")
    small = stage_recipes(recipe)["small"]
    assert small.config().image_size == [32, 32] and small.config().latent_dim == recipe.config().latent_dim
    assert small.objective.adversarial is None and recipe.objective.adversarial is not None
    assert small.objective.perceptual.weight == 0.25
    assert small.objective.perceptual.layers == recipe.objective.perceptual.layers
    assert small.training == recipe.training | {"max_steps": 3, "lr_scheduler_kwargs": {"num_decay_steps": 1}}
    assert not small.stages and (small.data, small.attributes) == (recipe.data, recipe.attributes)


def test_what_the_recipe_leaves_out_no_stage_has(place):
    overrides = ["objective.perceptual=null", "objective.adversarial=null"]
    assert stage_recipes(Recipe.read(place / "recipe", overrides))["small"].objective.perceptual is None


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("stages.small.objective.kl_wieght=1", "stages.small: objective.kl_wieght.*did you mean objective.kl_weight"),
        ("stages.small.model.image_size=30", "image_size"),
        ("stages.small.modle.image_size=64", "did you mean"),
        ("stages.small.model.pretrained=there", "stages.small.model.pretrained is the same for all stages"),
        ("stages.small.objective.perceptual.backbone=there", "is the same for all stages"),
    ],
)
def test_impossible_stages_are_refused(place, override, words):
    with pytest.raises(ValueError, match=words):
        stage_recipes(Recipe.read(place / "recipe", [override]))


def test_a_run_goes_through_its_stages_and_stays_in_the_last(place):
    run = place / "run"
    unseen = ["objective.perceptual=null", "objective.adversarial=null", "objective.attribute_consistency=null",
              "objective.edits=null", "attributes={}"]  # fmt: skip
    published = train.main([str(place / "recipe"), "--output", str(run), *unseen])
    small = load_file(run / "stages" / "small" / "checkpoints" / "checkpoint-3" / "model.safetensors")
    first = load_file(run / "checkpoints" / "checkpoint-1" / "model.safetensors")
    # what the small model's second convolution was, the large one's third is, but for one step
    before, after = small["average.module.encoder.blocks.1.conv.weight"], first["model.encoder.blocks.2.conv.weight"]
    assert before.shape == after.shape and 0 < (before - after).abs().max() < 2e-3
    report = json.loads((published / "evaluation.json").read_text())
    assert report["run"]["steps"] == 2 and report["run"]["steps of stages before"] == {"small": 3}
    frames = read_frames(run / "stages" / "small" / "film", run / "film")
    with Image.open(run / "film" / "000002.png") as last:
        assert frames[-1].picture.tobytes() == last.tobytes() and frames[-1].step == 3 + 2
        assert {frame.picture.size for frame in frames} == {last.size}
    written = {file: file.stat().st_mtime_ns for file in run.glob("**/checkpoint-*/model.safetensors")}
    train.main([str(place / "recipe"), "--output", str(run), *unseen, "training.max_steps=3"])
    assert all(file.stat().st_mtime_ns == then for file, then in written.items() if file.exists())
    third = load_file(run / "checkpoints" / "checkpoint-3" / "model.safetensors")
    assert torch.equal(third["average.n_averaged"], torch.tensor(3))
