"""What is fitted follows the recipe; a folder that a killed run had put aside comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny import tiny_model, tiny_pipeline, two_kinds

from modeling_vae import VAEPipeline
from modeling_vae.fitting import fit_prior
from modeling_vae.fitting.fit import fit
from modeling_vae.fitting.learn import learn
from modeling_vae.publishing.folder import recover, write_published_folder
from modeling_vae.recipes.recipe import Recipe


def test_a_folder_that_was_put_aside_comes_back(published, tmp_path):
    """Killed between the two renames, the run finds it under its name."""
    shutil.copytree(published, tmp_path / "cats.old")
    recover(tmp_path / "cats")
    assert "cats.old" not in os.listdir(tmp_path)
    assert VAEPipeline.from_pretrained(tmp_path / "cats").weights_sha256


def items(count: int, seed: int) -> list[dict]:
    return [{"pixel_values": picture, "labels": {}} for batch, _ in two_kinds(count, seed) for picture in batch]


@pytest.mark.parametrize(("count", "flows"), [(1200, True), (300, False)])
def test_the_report_says_whether_the_prior_has_a_flow(count, flows, monkeypatch):
    monkeypatch.setattr(fit_prior, "MOST_STEPS", 500)
    model = tiny_model()
    torch.nn.init.constant_(model.to_posterior.bias[8:], -10.0)  # all but certain
    data = SimpleNamespace(train=items(count, 1), validation=items(300, 2))
    recipe = Recipe.model_validate({"data": {"crop": "none", "augment": {"horizontal_flip": False}}})
    parts, report = fit(model, recipe, data, learn(recipe, data, steps=1))
    assert report["prior"] == {"flow": flows} and (parts.prior.velocity is not None) == flows


HALF_WAY = """
import sys, time
from pathlib import Path
from tiny import tiny_pipeline
from modeling_vae.publishing.folder import write_published_folder
from modeling_vae.recipes.recipe import Recipe

class Media(dict):
    def items(self):
        print("half way", flush=True)
        time.sleep(900)

write_published_folder(Path(sys.argv[1]), tiny_pipeline(seed=1).parts, Recipe(), REPORT, Media(), original=Recipe())
"""
REPORT = {
    "protocol": {"pictures": 2, "image_size": [32, 32]},
    "reconstruction": {"psnr": {"value": 20.0, "low": 19.0, "high": 21.0}, "active_units": 8, "latent_dim": 8},
    "sharpness": {"validation": {"value": 9.0, "low": 8.0, "high": 10.0}},
}


def test_a_kill_amid_the_writing_leaves_the_folder_as_it_was_and_the_same_call_ends_it(published, tmp_path):
    folder = tmp_path / "cats"
    shutil.copytree(published, folder)
    before = VAEPipeline.from_pretrained(folder).weights_sha256
    root = Path(__file__).parents[2]
    script = HALF_WAY.replace("REPORT", repr(REPORT))
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"}
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True, env=environment
    ) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == "half way\n"
        writer.kill()
    assert VAEPipeline.from_pretrained(folder).weights_sha256 == before
    parts = tiny_pipeline(seed=1).parts
    write_published_folder(folder, parts, Recipe(), REPORT, {"samples.webp": b"a"}, original=Recipe())
    assert VAEPipeline.from_pretrained(folder).weights_sha256 == parts.sha256 != before
    assert os.listdir(tmp_path) == ["cats"] and (folder / "media" / "samples.webp").read_bytes() == b"a"
