"""Sheets of a comparison: each cell is what a pipeline gives, and what a model lacks is left out."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from tiny import tiny_model, tiny_pipeline

from modeling_vae import VAEImageProcessor, VAEPipeline
from modeling_vae.evaluation.comparison_sheets import comparison_sheets, shared_groups, short_names
from modeling_vae.sheets import BACKGROUND

GAP = 2


def noisy(count: int, width: int = 32, height: int = 32) -> list[Image.Image]:
    values = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), np.uint8)
    return [Image.fromarray(value) for value in values]


def bare() -> VAEPipeline:
    """A model without directions and prior."""
    return VAEPipeline(tiny_model(1), VAEImageProcessor(size=32))


def cells(sheet: Image.Image, lines: int, columns: int, side: int = 96) -> list[list[Image.Image]]:
    """The cells of square pictures, which stand in the sheet's lower right, every cell as wide as its picture."""
    left = sheet.width - columns * (side + GAP)
    top = sheet.height - lines * (side + GAP)
    return [
        [sheet.crop((x, y, x + side, y + side)) for x in range(left, sheet.width, side + GAP)]
        for y in range(top, sheet.height, side + GAP)
    ]


def same(shown: Image.Image, picture: Image.Image) -> bool:
    """A cell shows the picture, each pixel repeated."""
    factor = shown.width // picture.width
    large = np.asarray(picture.convert("RGB")).repeat(factor, 0).repeat(factor, 1)
    return bool(np.array_equal(np.asarray(shown), large))


def test_each_cell_is_what_the_pipelines_give():
    pipes, pictures = {"runs/a/published": tiny_pipeline(), "runs/b/published": bare()}, noisy(3)
    sheets = comparison_sheets(pipes, dict.fromkeys(pipes, pictures), seed=5)
    assert list(sheets) == ["reconstructions", "interpolations", "samples", "averages"]
    first, second = pipes.values()
    expected = {
        "reconstructions": list(zip(pictures, first.reconstruct(pictures), second.reconstruct(pictures), strict=True)),
        "interpolations": [
            [pictures[0], *pipe.morph(pictures[:2], frames=8, easing="linear").frames, pictures[1]]
            for pipe in pipes.values()
        ],
        "samples": [first.generate(10, seed=5), second.generate(10, seed=5)],
    }
    for name, lines in expected.items():
        shown = cells(sheets[name], len(lines), len(lines[0]))
        for line, pictures_of_line in zip(shown, lines, strict=True):
            assert [same(*pair) for pair in zip(line, pictures_of_line, strict=True)] == [True] * len(line), name


def test_averages_are_of_the_models_that_know_the_group():
    """One row, that of the model with directions; cells are as wide as their headings, so each is looked for."""
    pipe = tiny_pipeline()
    groups = shared_groups([bare(), pipe])
    columns = {pipe.directions.directions[group].column for group in groups[:2]}
    assert len(groups) <= 4 and columns == {"smiling", "coat"}  # a numeric column has no groups
    pictures = noisy(2)
    sheet = comparison_sheets({"bare": bare(), "known": pipe}, {"bare": pictures, "known": pictures})["averages"]
    line = np.asarray(sheet)[sheet.height - 98 : sheet.height - 2]
    for group in groups:
        large = np.asarray(pipe.average(group)).repeat(3, 0).repeat(3, 1)
        assert any(np.array_equal(line[:, x : x + 96], large) for x in range(sheet.width - 95)), group
    assert "averages" not in comparison_sheets({"bare": bare()}, {"bare": pictures})


def test_groups_that_most_models_know_come_first():
    one, other = tiny_pipeline(), tiny_pipeline()
    one.directions = one.directions.prefixed("mine")
    assert shared_groups([one, other, other], most=2) == shared_groups([other], most=2)


@pytest.mark.parametrize(
    ("size", "factor"),
    [((64, 64), 2.0), ((48, 64), 1.5)],
)
def test_pictures_of_all_models_are_as_large_as_the_largest(size, factor):
    """96 x 96 cells for 48 x 64: enlarged by 2; a small one fills them as far as its proportions let it."""
    small, large = bare(), VAEPipeline(tiny_model(image_size=list(size)), VAEImageProcessor(size=size))
    pictures = {"small": noisy(2), "large": noisy(2, size[1], size[0])}
    sheet = comparison_sheets({"small": small, "large": large}, pictures)["reconstructions"]
    height, width = (side * 2 for side in size)
    top, left = sheet.height - 2 * (height + GAP), sheet.width - 3 * (width + GAP)
    original = sheet.crop((left, top, left + width, top + height))
    assert same(original, pictures["large"][0])
    cell = sheet.crop((left + width + GAP, top, left + 2 * width + GAP, top + height))
    (reconstruction,) = small.reconstruct(pictures["small"][:1])
    shown = round(32 * 2 * factor)
    method = Image.Resampling.NEAREST if (2 * factor).is_integer() else Image.Resampling.LANCZOS
    inside = Image.new("RGB", (width, height), BACKGROUND)
    inside.paste(reconstruction.resize((shown, shown), method), ((width - shown) // 2, (height - shown) // 2))
    assert inside.tobytes() == cell.tobytes()


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["runs/a/published", "runs/b/published"], ["a", "b"]),
        (["one/vae", "two/vae"], ["one/vae", "two/vae"]),
        (["hub_configs/cats-64", "user/cats"], ["cats-64", "cats"]),
        (["a", "a/published"], ["a", "a/published"]),
        (["./published"], ["published"]),
    ],
)
def test_names_are_short_and_told_apart(names, short):
    assert short_names(names) == short
