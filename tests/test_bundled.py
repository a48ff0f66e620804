"""What comes with the repository is whole, small, and of the code beside it."""

import json
from pathlib import Path

import numpy as np
import pytest

from modeling_vae import VAEPipeline
from modeling_vae.contents import CODE

BUNDLED = sorted(path.parent for path in (Path(__file__).parents[1] / "hub_configs").glob("*/model.safetensors"))
pytestmark = pytest.mark.skipif(not BUNDLED, reason="no bundled model is in this checkout")


@pytest.fixture(params=BUNDLED, ids=lambda folder: folder.name)
def folder(request) -> Path:
    return request.param


def test_it_is_at_most_12_megabytes_and_four_of_pictures_and_films(folder):
    sizes = {file: file.stat().st_size for file in folder.rglob("*") if file.is_file()}
    assert sum(sizes.values()) <= 16e6
    assert sum(size for file, size in sizes.items() if file.parent.name != "media") <= 12e6


def test_no_code_lies_beside_the_weights(folder, tmp_path):
    """It joins them when the folder is saved or pushed."""
    assert [path.name for path in folder.rglob("*.py")] == []
    VAEPipeline.from_pretrained(folder).save_pretrained(tmp_path)
    for file in CODE:
        assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name


def test_it_loads_and_draws(folder):
    pipe = VAEPipeline.from_pretrained(folder)
    faces = pipe.generate(4, seed=1)
    assert all(np.asarray(face).std() > 10 for face in faces)
    assert pipe.attributes
    for name in pipe.attributes[:3]:
        latent = pipe.sample(1, seed=2)
        edited = pipe.edit_latents(latent, {name: 2.0})
        before, after = (pipe.directions.read(z)[0][name].value for z in (latent, edited))
        assert after == pytest.approx(before + 2.0, abs=1e-4)


def test_a_film_of_48_frames_at_256_pixels_is_under_2_megabytes(folder):
    pipe = VAEPipeline.from_pretrained(folder)
    assert len(pipe.morph(list(pipe.sample(4, seed=3)), frames=48).to_bytes("gif", size=256)) < 2e6


def test_its_card_shows_what_the_run_measured(folder):
    card = (folder / "README.md").read_text(encoding="utf-8")
    report = json.loads((folder / "evaluation.json").read_text())
    assert f"{report['reconstruction']['psnr']['value']:.2f}" in card
    for picture in ("samples.webp", "reconstructions.webp", "morphs.webp", "edits.webp", "morph.gif"):
        assert f"media/{picture}" in card and (folder / "media" / picture).stat().st_size > 10_000
