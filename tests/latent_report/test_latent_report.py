"""The report on a latent space: figures with known answers, sheets whose cells are what the pipeline gives."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import labelled_latents, tiny_pipeline

from modeling_vae.latent_report.dimensions import Dimensions
from modeling_vae.latent_report.latent_sample import LatentSample
from modeling_vae.latent_report.maps import MOST_VALUES, OTHERS, draw_map, neighbours, principal, shown_values
from modeling_vae.latent_report.plots import SHOWN, correlations, histograms, plane, shown_dimensions, usage
from modeling_vae.latent_report.strips import STEPS, STRENGTHS, averages, joint_averages, originals, strips
from modeling_vae.media import ENLARGED, enlarged
from modeling_vae.paper import PAPER, written

GAP = 2


def sample_of(means: torch.Tensor, logvar: float = -20.0) -> LatentSample:
    return LatentSample(means, torch.full_like(means, logvar), {})


def noise(count: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def test_distances_from_the_prior_have_their_closed_forms():
    """Of N(m, s) from N(0, 1): for s = 1 it is 2 Phi(m / 2) - 1, for m = 0 that at the crossing of the densities."""
    means = noise(20_000, 4) * torch.tensor([1.0, 1.0, 0.5, 0.0]) + torch.tensor([0.0, 1.0, 0.0, 0.0])
    found = Dimensions.of(sample_of(means))
    crossing = np.sqrt(2 * np.log(2) / 3)  # x with exp(-x^2 / 2) = 2 exp(-2 x^2)
    phi = torch.special.ndtr
    expected = [
        0.0,
        2 * phi(torch.tensor(0.5)).item() - 1,
        (phi(torch.tensor(2 * crossing)) - phi(torch.tensor(crossing))).item(),
        0.5,
    ]
    assert found.ks == pytest.approx(expected, abs=0.015)
    assert found.p[0] > 0.01 > max(found.p[1:])
    assert found.active == 3
    figures = found.figures()
    assert (figures["active_units"], figures["differ_from_the_prior"], figures["pictures"]) == (3, 3, 20_000)


def test_the_aggregate_posterior_is_of_draws_not_of_means():
    """Means with half of the variance and posteriors with the other half make N(0, 1) together."""
    half = sample_of(noise(20_000, 1) * 0.5**0.5, float(np.log(0.5)))
    assert Dimensions.of(half).p[0] > 0.01
    assert torch.equal(half.draw(3), half.draw(3))
    kl = 0.5 * (0.5 + 0.5 - 1 - np.log(0.5))
    assert Dimensions.of(half).kl == pytest.approx([kl], abs=0.01)


@pytest.mark.parametrize("width", [1, 2, 8, 200])
def test_every_width_has_its_plots_on_paper(width):
    dimensions = Dimensions.of(sample_of(noise(60, width)))
    chosen = shown_dimensions(dimensions)
    assert len(chosen) == min(width, SHOWN) == len(set(chosen.tolist()))
    assert (np.diff(dimensions.ks[chosen]) >= 0).all()
    assert {int(dimensions.ks.argmin()), int(dimensions.ks.argmax())} == {chosen[0], chosen[-1]}
    for draw in (histograms, usage, plane):
        picture = draw(dimensions)
        assert picture.getpixel((1, 1)) == tuple(bytes.fromhex(PAPER[1:]))
        assert len(picture.getcolors(1 << 20)) > 20


def test_principal_components_are_those_of_a_known_cloud():
    values = noise(500, 5) * torch.tensor([1.0, 5.0, 0.1, 3.0, 0.1])
    places, shares = principal(values)
    for place, dimension in zip(places.T, (1, 3), strict=True):
        assert abs(np.corrcoef(place, values[:, dimension])[0, 1]) > 0.98
    assert shares == pytest.approx([25 / 35, 9 / 35], abs=0.05)
    assert principal(values[:, :1])[0].shape == (500, 2)


def test_t_sne_puts_clusters_apart_and_is_the_same_again():
    centres = 20 * torch.eye(3, 60)
    values = torch.cat([centre + noise(40, 60, seed) for seed, centre in enumerate(centres)])
    places = neighbours(values)
    assert np.array_equal(places, neighbours(values))
    middles = [places[start : start + 40].mean(0) for start in (0, 40, 80)]
    nearest = np.stack([np.linalg.norm(places - middle, axis=1) for middle in middles]).argmin(0)
    assert (nearest == np.repeat([0, 1, 2], 40)).all()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_few_pictures_have_a_map_too(count):
    assert neighbours(noise(count, 4)).shape == (count, 2)


def test_maps_show_every_kind_of_column_and_none():
    latents, labels = labelled_latents(80)
    places = latents[:, :2].numpy()
    kinds = {"smiling": "boolean", "coat": "category", "age": "numeric"}
    assert draw_map(places, labels, kinds, "all").width > 1000
    assert len(draw_map(places, {}, {}, "nothing is known").getcolors(1 << 20)) > 10
    assert draw_map(places, {"x": [None] * 80}, {"x": "boolean"}, "nobody said").width > 1000


def test_what_the_font_of_plots_lacks_is_named():
    assert written("blé: き") == "blé: hiragana letter ki"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a box in the place of a character
        assert draw_map(np.zeros((2, 2)), {"字": ["き", "お"]}, {"字": "category"}, "characters").width > 1000


def test_as_many_values_as_colours_have_one_each():
    """With one more the rarest two share the last."""
    words = [str(value) for value in range(MOST_VALUES + 1) for _ in range(20 - value)]
    assert shown_values(words[:-10], "category") == [str(value) for value in range(MOST_VALUES)]
    assert shown_values(words, "category") == [*map(str, range(MOST_VALUES - 1)), OTHERS]
    assert shown_values(["yes"], "boolean") == ["no", "yes"]


def cell(sheet: Image.Image, line: int, column: int, lines: int, columns: int) -> np.ndarray:
    """One cell of a sheet whose cells lie in its lower right."""
    step = ENLARGED + GAP
    x, y = sheet.width - (columns - column) * step, sheet.height - (lines - line) * step
    return np.asarray(sheet.crop((x, y, x + ENLARGED, y + ENLARGED)))


def test_strips_and_morphs_are_what_the_pipeline_gives():
    pipe = tiny_pipeline()
    face, last = pipe.generate(2, seed=1)
    sheet = strips(pipe, face, ["age", "smiling"])
    for column, strength in enumerate(STRENGTHS):
        wanted = enlarged([pipe.edit(face, {"smiling": strength})])[0]
        assert np.array_equal(cell(sheet, 1, column, 2, len(STRENGTHS)), np.asarray(wanted))
    line = originals(pipe, face, last)
    shown = [face, *pipe.morph([face, last], frames=STEPS, easing="linear").frames, last]
    for column, picture in enumerate(enlarged(shown)):
        assert np.array_equal(cell(line, 0, column, 1, len(shown)), np.asarray(picture))


def test_the_average_without_is_that_of_all_others():
    """Of a boolean it is the average of its false; what is drawn for a category has the others' weighted mean."""
    pipe = tiny_pipeline()
    names = ["smiling", "coat:tabby", "age"]
    sheet = averages(pipe, names)
    wanted = enlarged([pipe.average("smiling:false"), pipe.average("smiling")])
    for column, picture in enumerate(wanted):
        near = np.abs(_cells(sheet, 2)[0][column].astype(int) - np.asarray(picture).astype(int))
        assert near.max() <= 1
    others = pipe.directions
    counts = {name: others.directions[name].positives for name in ("coat:black", "coat:white")}
    mean = sum(n * others.groups[name] for name, n in counts.items()) / sum(counts.values())
    difference = others.differences[others.names.index("coat:tabby")]
    assert torch.allclose(others.groups["coat:tabby"] - difference, mean, atol=1e-5)
    assert averages(pipe, ["age"]) is None


def _cells(sheet: Image.Image, lines: int, columns: int = 2) -> list[list[np.ndarray]]:
    """Cells may be wider than pictures, which stand in their middles."""
    white = (np.asarray(sheet) == 255).all(-1)
    step = ENLARGED + GAP
    top = sheet.height - lines * step
    row = ~white[top : top + ENLARGED].all(0)
    edges = np.flatnonzero(np.diff(np.r_[0, row.astype(int), 0]))
    starts = [a for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a == ENLARGED][-columns:]
    return [
        [np.asarray(sheet.crop((x, top + i * step, x + ENLARGED, top + i * step + ENLARGED))) for x in starts]
        for i in range(lines)
    ]


def test_joint_groups_are_those_of_the_pipeline_and_synonyms_are_left_out():
    pipe = tiny_pipeline()
    sheet = joint_averages(pipe, ["age", "smiling", "coat:tabby", "coat:white"])
    shown = _cells(sheet, 2)
    for line, group in enumerate(("coat:tabby", "coat:white")):
        for column, value in enumerate(("false", "true")):
            wanted = np.asarray(enlarged([pipe.average(f"{group} & smiling:{value}")])[0])
            assert np.array_equal(shown[line][column], wanted)
    assert joint_averages(pipe, ["age", "coat:tabby"]) is None
    assert joint_averages(pipe, ["smiling", "age"]) is None


def test_correlations_name_all_attributes():
    assert correlations(tiny_pipeline().directions).width > 400
