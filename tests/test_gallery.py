"""The gallery: every film that the page shows is there, and is made by the lines below it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"\(pictures/gallery/([\w-]+)\.gif\)", TEXT)


def drawing():
    specification = importlib.util.spec_from_file_location("draw_gallery", ROOT / "docs" / "draw_gallery.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_each_film_is_shown_above_what_makes_it():
    films = drawing().films(TEXT)
    assert list(films) == SHOWN and len(SHOWN) >= 6
    for name, lines in films.items():
        assert TEXT.index(f"{name}.gif)") < TEXT.index(lines)
        compile(lines, name, "exec")


@pytest.mark.parametrize("name", SHOWN)
def test_the_films_move_and_are_small_enough_for_a_page(name):
    file = ROOT / "docs" / "pictures" / "gallery" / f"{name}.gif"
    assert file.stat().st_size < 2_500_000
    with Image.open(file) as film:
        assert film.n_frames > 10 and min(film.size) >= 160


def test_one_is_drawn_again(tmp_path, monkeypatch):
    module = drawing()
    if not (ROOT / "hub_configs" / "kmnist-28" / "model.safetensors").exists():
        pytest.skip("the bundled model is not in this checkout")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "gallery")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with Image.open(module.draw("characters", module.films(TEXT)["characters"])) as film:
        assert film.n_frames == 60


def test_a_name_that_is_no_film_is_refused():
    with pytest.raises(SystemExit, match="no film of gallery.md"):
        drawing().main(["dogs"])
