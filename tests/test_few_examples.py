"""Directions from few examples: against the formula written out, and against what is planted."""

from __future__ import annotations

import pytest
import torch
from tiny import tiny_pipeline

from modeling_vae import AttributeDirections
from modeling_vae.few_examples import SCALES, teach
from modeling_vae.model.attribute_directions import Direction
from modeling_vae.ranking import auc

WIDTH = 96


@pytest.fixture(scope="module")
def known() -> AttributeDirections:
    """Twelve published directions in a space whose variances differ a thousandfold."""
    generator = torch.Generator().manual_seed(0)
    turn, _ = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=generator, dtype=torch.float64))
    covariance = turn * torch.logspace(-2, 1, WIDTH, dtype=torch.float64) @ turn.T
    differences = torch.randn(12, WIDTH, generator=generator, dtype=torch.float64) @ covariance * 0.4
    names = [Direction(f"a{i}", "boolean", 100, 100, float(d.norm())) for i, d in enumerate(differences)]
    return AttributeDirections(names, differences, torch.full((WIDTH,), 0.2), covariance, weights_sha256="0" * 64)


def latents(known: AttributeDirections, count: int, seed: int, shift: torch.Tensor | float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, WIDTH, generator=generator, dtype=torch.float64)
    return known.mean + shift + noise @ torch.linalg.cholesky(known.covariance).T


def planted(known: AttributeDirections, share: float) -> torch.Tensor:
    """A difference two deviations long: so much of it lies in what is published, the rest where variance is."""
    spread, axes = torch.linalg.eigh(known.covariance)
    own = torch.randn(WIDTH, generator=torch.Generator().manual_seed(5), dtype=torch.float64) * spread.sqrt()
    inside = known.differences[:3].mean(0) @ axes / spread.sqrt()
    mixed = share * inside / inside.norm() + (1 - share) * own / own.norm()
    return 2 * axes * spread.sqrt() @ (mixed / mixed.norm())


def test_it_is_the_formula_written_out(known):
    having, lacking = latents(known, 7, 1, planted(known, 0.5) / 2), latents(known, 11, 2, -planted(known, 0.5) / 2)
    spread, axes = torch.linalg.eigh(known.covariance)
    whiten = torch.linalg.inv(axes * spread.sqrt())
    units = known.differences @ whiten.T
    units /= units.norm(dim=1, keepdim=True)
    prior = (torch.diag(spread.sqrt() / spread.sqrt().sum()) + units.T @ units / len(units)) / 2
    noise = (1 / 7 + 1 / 11) * torch.eye(WIDTH, dtype=torch.float64)
    seen = whiten @ (having.mean(0) - lacking.mean(0))
    likeliest = max(
        SCALES,
        key=lambda t: torch.distributions.MultivariateNormal(torch.zeros_like(seen), t * prior + noise).log_prob(seen),
    )
    expected = torch.linalg.inv(whiten) @ (likeliest * prior @ torch.linalg.solve(likeliest * prior + noise, seen))
    found = teach(known, "new", having, lacking).directions.differences[0]
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_many_examples_give_the_plain_difference(known):
    true = planted(known, 0.0)
    having, lacking = latents(known, 20_000, 1, true / 2), latents(known, 20_000, 2, -true / 2)
    taught = teach(known, "new", having, lacking).directions
    plain = having.mean(0) - lacking.mean(0)
    assert torch.allclose(taught.differences[0], plain, atol=0.02 * float(plain.norm()))


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_few_examples_read_better_than_their_plain_difference_does(known, share):
    true = planted(known, share)
    tested = torch.cat([latents(known, 2000, 98, true / 2), latents(known, 2000, 99, -true / 2)])
    labels = torch.arange(4000) < 2000
    figures = []
    for seed in range(8):
        having, lacking = latents(known, 8, 2 * seed, true / 2), latents(known, 8, 2 * seed + 1, -true / 2)
        taught = teach(known, "new", having, lacking)
        plain = torch.linalg.solve(known.covariance, having.mean(0) - lacking.mean(0))
        figures.append((auc(taught.directions.values(tested)[:, 0], labels), auc(tested @ plain, labels)))
    ours, plain = torch.tensor(figures).mean(0).tolist()
    assert ours > plain + 0.02


def test_the_figure_is_what_new_pictures_give(known):
    """Without bias: over many lessons of 12 and 12 it is the AUC on pictures that no lesson saw, chance included."""
    for true in (planted(known, 0.7), torch.zeros(WIDTH, dtype=torch.float64)):
        tested = torch.cat([latents(known, 1000, 998, true / 2), latents(known, 1000, 999, -true / 2)])
        labels = torch.arange(2000) < 1000
        figures = []
        for seed in range(30):
            having, lacking = latents(known, 12, 2 * seed, true / 2), latents(known, 12, 2 * seed + 1, -true / 2)
            taught = teach(known, "new", having, lacking)
            figures.append((taught.held_out, auc(taught.directions.values(tested)[:, 0], labels)))
        said, is_so = torch.tensor(figures).mean(0).tolist()
        assert abs(said - is_so) < 0.06


def test_a_strength_moves_what_it_says(known):
    true = planted(known, 0.7)
    taught = teach(known, "new", latents(known, 20, 1, true / 2), latents(known, 20, 2, -true / 2))
    both = known.joined(taught.directions)
    before = latents(known, 3, 3)
    moved = both.values(both.edit(before, {"new": 1.0})) - both.values(before)
    expected = torch.tensor([*(taught.moves[name] for name in known.names), 1.0], dtype=torch.float64)
    assert torch.allclose(moved, expected.expand(3, -1), atol=1e-9)
    assert [abs(move) for move in taught.moves.values()] == sorted(map(abs, taught.moves.values()), reverse=True)
    assert both.directions["new"].held_out == taught.held_out  # the metric is the same, so the figure holds


def test_a_model_without_published_directions_can_be_taught(known):
    true = planted(known, 0.0)
    bare = AttributeDirections([], torch.zeros(0, WIDTH), known.mean, known.covariance, weights_sha256="0" * 64)
    taught = teach(bare, "new", latents(known, 30, 1, true / 2), latents(known, 30, 2, -true / 2))
    assert taught.moves == {} and taught.held_out > 0.6


def test_what_cannot_be_taught_is_refused(known):
    some = latents(known, 6, 1)
    with pytest.raises(ValueError, match="'a3' already"):
        teach(known, "a3", some, some + 1)
    with pytest.raises(ValueError, match="4 examples without it came: give 5"):
        teach(known, "new", some, some[:4])
    with pytest.raises(ValueError, match="same mean"):
        teach(known, "new", some, some)
    with pytest.raises(ValueError, match="give \\[N, 96\\]"):
        teach(known, "new", some[:, :5], some)


def test_the_pipeline_teaches_and_takes_directions():
    pipe = tiny_pipeline()
    faces = pipe.sample(20, seed=3)
    order = faces[:, 0].argsort()
    taught = pipe.teach("left", list(faces[order[10:]]), faces[order[:10]])
    assert "left" not in pipe.attributes
    assert pipe.add_directions(taught.directions) == ["left"]
    assert pipe.read(pipe.generate(1, seed=1)[0])["left"].probability is None
    edited = pipe.edit_latents(faces[:1], {"left": 2.0})
    reading = pipe.directions.read(edited)[0]["left"].value - pipe.directions.read(faces[:1])[0]["left"].value
    assert reading == pytest.approx(2.0, abs=1e-3)
