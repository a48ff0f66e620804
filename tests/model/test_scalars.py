"""Numbers of numpy and torch are numbers, and one name is a name: wherever somebody passes them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from modeling_vae import Animation, VAEImageProcessor
from modeling_vae.model.latents import keyframe_path, lerp, sample_noise, truncate
from modeling_vae.model.scalars import is_pair, names_of, real_number, whole_number

HALVES = [
    0.5,
    np.float32(0.5),
    np.float64(0.5),
    np.float16(0.5),
    np.array(0.5),
    torch.tensor(0.5),
    torch.tensor(0.5).half(),
]
THREES = [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3), torch.tensor(3, dtype=torch.uint8)]
NO_NUMBERS = [
    True,
    np.True_,
    torch.tensor(True),
    "3",
    None,
    [3],
    np.array([3]),
    torch.tensor([3.0]),
    1j,
]


@pytest.mark.parametrize("value", HALVES + THREES, ids=repr)
def test_a_number_is_a_number(value):
    assert real_number(value) in (0.5, 3.0) and type(real_number(value)) is float


@pytest.mark.parametrize("value", [*NO_NUMBERS, math.nan, np.inf, torch.tensor(-torch.inf), 10**400], ids=repr)
def test_what_is_none(value):
    assert real_number(value) is None


@pytest.mark.parametrize("value", THREES, ids=repr)
def test_a_whole_number_is_an_int(value):
    assert whole_number(value) == 3 and type(whole_number(value)) is int


@pytest.mark.parametrize("value", [*NO_NUMBERS, 3.0, np.float32(3), torch.tensor(3.0)], ids=repr)
def test_what_is_no_whole_number(value):
    assert whole_number(value) is None


def test_pairs_and_names():
    assert all(map(is_pair, [(1, 2), [1, 2], np.array([1, 2]), torch.tensor([1.0, 2.0])]))
    assert not any(map(is_pair, ["ab", b"ab", 2, (1,), {1: 2, 3: 4}, np.zeros((2, 2)), np.array(2), None]))
    assert names_of("Bangs") == names_of(["Bangs"]) == names_of({"Bangs": 1}) == ["Bangs"]
    assert names_of(()) == []


@pytest.mark.parametrize("names", [None, 3, b"age", ["age", None], [["age"]], {3: 1}, np.float32(1)], ids=repr)
def test_what_is_no_name_is_said_to_be_none(pipe, names):
    latent = pipe.sample(1)
    with pytest.raises(ValueError, match="is no name: give the names of attributes, as text"):
        pipe.edit(latent, {"smiling": 1}, hold=names)
    with pytest.raises(ValueError, match="is no name|is no attribute|give names with their strengths"):
        pipe.edit(latent, names)
    with pytest.raises(ValueError, match="is no name"):
        pipe.average(names)
    assert pipe.edit(latent, {np.str_("smiling"): 1}, hold=np.array(["age"])).size == (32, 32)


@pytest.mark.parametrize("latents", [None, 3, "x", [[0.0]], np.zeros((1, 8)), torch.zeros(8), torch.zeros(1, 8).int()])
def test_what_are_no_latents_are_said_to_be_none(pipe, latents):
    with pytest.raises(ValueError, match="latents must be a floating-point tensor|latents has shape"):
        pipe.decode(latents)


@pytest.mark.parametrize("word", [[], {}, None, 3, "Slerp"], ids=repr)
def test_words_of_films(pipe, word):
    with pytest.raises(ValueError, match="path is .*; choose 'slerp', 'linear', 'flow'"):
        pipe.morph(list(pipe.sample(2)), 2, path=word)
    with pytest.raises(ValueError, match="easing is .*; choose"):
        pipe.morph(list(pipe.sample(2)), 2, easing=word)


@pytest.mark.parametrize("half", HALVES, ids=repr)
def test_latents(half):
    a, b = torch.zeros(4), torch.full((4,), 2.0)
    assert torch.equal(truncate(b, a, half), torch.ones(4))
    if not isinstance(half, torch.Tensor) or half.ndim == 0:
        assert torch.equal(lerp(a, b, half), torch.ones(4))


@pytest.mark.parametrize("three", THREES, ids=repr)
def test_counts(three):
    assert torch.equal(sample_noise(three, three, three), sample_noise(3, 3, 3))
    assert keyframe_path(torch.randn(2, 4), three).shape == (3, 4)
    assert VAEImageProcessor(size=three).size == {"height": 3, "width": 3}
    assert VAEImageProcessor(size=torch.tensor([3, 4])).size == {"height": 3, "width": 4}
    assert VAEImageProcessor(size={"height": three, "width": np.int32(4)}).to_dict()["size"] == {
        "height": 3,
        "width": 4,
    }


def test_films(pipe):
    film = pipe.sweep(
        pipe.sample(np.int64(1), seed=torch.tensor(3)), {"smiling": np.array([-1, 1])}, frames=np.int64(4)
    )
    assert len(film) == 4
    expected = film.to_bytes("gif", seconds=2, size=(40, 20))
    for seconds in (np.float32(2), np.int64(2), torch.tensor(2.0)):
        for size in ((np.int64(40), torch.tensor(20)), np.array([40, 20]), torch.tensor([40, 20])):
            assert film.to_bytes("gif", seconds=seconds, size=size) == expected
    assert film.to_bytes("gif", size=np.int64(16)) == film.to_bytes("gif", size=16)
    assert film.sheet(columns=np.int64(2)).size == film.sheet(columns=torch.tensor(2)).size == (64, 64)


def test_edits(pipe):
    latent = pipe.sample(1, seed=3)
    expected = pipe.edit_latents(latent, {"smiling": 2.0}, hold=["age"])
    for two in (2, np.float32(2), np.int64(2), torch.tensor(2.0), torch.tensor(2)):
        assert torch.equal(pipe.edit_latents(latent, {"smiling": two}, hold="age"), expected)
    assert pipe.edit(latent, {"smiling": 2.0}, hold="age").tobytes() == pipe.decode(expected)[0].tobytes()
    held, alike = (pipe.sweep(latent, {"smiling": (0, 2)}, 2, hold=names) for names in ("age", ["age"]))
    assert held[1].tobytes() == alike[1].tobytes()
    for prior in (pipe.prior, None):
        pipe.prior = prior
        samples = [pipe.sample(2, truncation=half) for half in HALVES]
        assert all(torch.equal(sample, samples[0]) for sample in samples)


def test_what_is_refused_is_named(pipe):
    latent = pipe.sample(1)
    for strengths, message in (
        ({"smiling": "2"}, "the strength of smiling is '2': give a finite number"),
        ({"smiling": np.array([1.0, 2.0])}, "the strength of smiling is array"),
        ({"smiling": torch.tensor(torch.nan)}, "the strength of smiling is tensor"),
        ("smiling", "strengths is 'smiling': give names with their strengths"),
    ):
        with pytest.raises(ValueError, match=message):
            pipe.edit_latents(latent, strengths)
    with pytest.raises(ValueError, match="'Age' is not an attribute of this model; .* Did you mean age?"):
        pipe.edit_latents(latent, {"smiling": 1.0}, hold="Age")
    with pytest.raises(ValueError, match="strengths is 'smiling': give names with two strengths"):
        pipe.sweep(latent, "smiling")
    with pytest.raises(ValueError, match="the strengths of smiling are 'ab'"):
        pipe.sweep(latent, {"smiling": "ab"})
    with pytest.raises(ValueError, match="seconds is array"):
        Animation(pipe.generate(2)).to_bytes("gif", seconds=np.array([1.0]))
