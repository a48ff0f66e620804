"""A probe learns what was planted into noise, tells left from right, and is the same for a seed."""

from __future__ import annotations

import math

import pytest
import torch

from modeling_vae.probing import probes
from modeling_vae.probing.probes import Probe, at_most, labelled_pictures, train_probe
from modeling_vae.probing.yes_no import YesNo
from modeling_vae.ranking import weighted_auc

SQUARE = [YesNo("square", "square", "true")]


def squares(count: int, height: int = 32, width: int = 32, channels: int = 3, seed: int = 0):
    """Noise, half of it with a bright square at some place of the left half; and where it is: [N, 1]."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randint(0, 160, (count, height, width, channels), generator=generator, dtype=torch.uint8)
    truth = (torch.arange(count) % 2).float()
    side = height // 4
    for i in torch.nonzero(truth)[:, 0].tolist():
        y, x = (int(torch.randint(0, most - side, (), generator=generator)) for most in (height, width // 2))
        pictures[i, y : y + side, x : x + side] += 80
    return pictures, truth[:, None]


def pixel_values(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.permute(0, 3, 1, 2).float() / 255


def auc_of(probe: Probe, pictures: torch.Tensor, truth: torch.Tensor) -> float:
    counts = torch.ones(1, len(pictures), dtype=torch.float64)
    return float(weighted_auc(probe(pixel_values(pictures))[:, 0], truth[:, 0] == 1, counts))


@pytest.mark.parametrize("height, width, channels", [(28, 28, 1), (32, 24, 3), (128, 128, 3)])
def test_a_bright_square_is_learnt(height, width, channels):
    pictures, truth = (
        torch.cat(parts) for parts in zip(*(squares(100, height, width, channels, s) for s in range(3)), strict=True)
    )
    kept, labels = labelled_pictures([(pixel_values(pictures), {"square": truth[:, 0].bool().tolist()})], ["square"])
    assert max(kept.shape[1:3]) <= 64 and len(labels["square"]) == 300
    probe = train_probe(kept, truth, SQUARE)
    unseen, known = squares(100, height, width, channels, seed=9)
    assert auc_of(probe, unseen, known) > 0.95
    says = (probe(pixel_values(unseen)) > 0).float().mean()
    assert float(says) == pytest.approx(0.5, abs=0.15)


def test_left_is_told_from_right():
    pictures, truth = squares(300)
    pictures[truth[:, 0] == 0] = squares(300, seed=1)[0][truth[:, 0] == 1].flip(2)
    probe = train_probe(pictures, truth, SQUARE)
    unseen, has = squares(100, seed=2)
    unseen = unseen[has[:, 0] == 1]
    both = torch.cat([unseen, unseen.flip(2)])
    assert auc_of(probe, both, (torch.arange(100) < 50).float()[:, None]) > 0.95


def test_the_same_for_a_seed_and_nothing_global_is_touched():
    pictures, truth = squares(60)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    a, b, c = (train_probe(pictures, truth, SQUARE, epochs=2, seed=seed)(pixel_values(pictures)) for seed in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c)
    assert torch.equal(torch.get_rng_state(), before) and torch.get_num_threads() == threads
    with torch.no_grad():  # as an evaluation calls it
        assert torch.equal(train_probe(pictures, truth, SQUARE, epochs=2, seed=1)(pixel_values(pictures)), a)


def test_what_is_unknown_teaches_nothing():
    """Two columns of one truth, the second known of every other picture only: it is learnt from those."""
    pictures, truth = squares(300)
    both = torch.cat([truth, truth], dim=1)
    both[torch.arange(300) % 4 < 2, 1] = float("nan")
    probe = train_probe(pictures, both, SQUARE * 2)
    unseen, known = squares(100, seed=5)
    scores = probe(pixel_values(unseen))
    assert scores.isfinite().all()
    counts = torch.ones(1, 100, dtype=torch.float64)
    assert float(weighted_auc(scores[:, 1], known[:, 0] == 1, counts)) > 0.9


def test_a_rare_attribute_is_seen_as_often_as_it_is_there():
    """What cannot be told from the pixels is still said of one picture in ten, not of none."""
    pictures, _ = squares(400)
    truth = (torch.rand(400, 1, generator=torch.Generator().manual_seed(0)) < 0.1).float()
    probe = train_probe(pictures, truth, SQUARE, epochs=3)
    says = (probe(pixel_values(squares(300, seed=4)[0])) > 0).float().mean()
    assert float(says) == pytest.approx(0.1, abs=0.07)


@pytest.mark.parametrize(
    ("scores", "answers", "threshold"),
    [
        ([-3.0, 5.0, -1.0, 4.0], [0, 1, 0, 1], 1.5),  # told apart: the middle between them
        ([-3.0, 5.0, 6.0, 4.0], [0, 1, 0, 1], 4.5),  # not: as often as the labels say yes
        ([-3.0, 5.0, -1.0, 4.0], [0, 1, None, None], 1.0),  # of what is known alone
        ([-3.0, 5.0, -1.0, 4.0], [0, 0, 0, 0], 5.5),
        ([-3.0, 5.0, -1.0, 4.0], [1, 1, 1, 1], -3.5),
        ([-3.0, 5.0, -1.0, 4.0], [None] * 4, 0.0),
    ],
)
def test_a_probe_says_yes_as_often_as_the_labels_of_pictures_set_aside(scores, answers, threshold):
    truth = torch.tensor([[math.nan if answer is None else float(answer)] for answer in answers])
    found = probes._thresholds(lambda part: torch.tensor(scores)[:, None], torch.zeros(4, 2, 2, 3).byte(), truth)
    assert found.tolist() == [threshold]


def test_pictures_without_labels_are_not_kept_and_memory_is_bounded(monkeypatch):
    values = torch.rand(6, 3, 8, 8)
    batch = (values, {"a": [None, True, None, False, None, None], "b": [None, None, "x", None, None, None]})
    kept, labels = labelled_pictures([batch], ["a", "b"])
    assert torch.equal(kept, values[1:4].mul(255).round().byte().permute(0, 2, 3, 1))
    assert labels == {"a": [True, None, False], "b": [None, "x", None]}
    monkeypatch.setattr(probes, "MOST_BYTES", 2 * kept.numel())
    kept, labels = labelled_pictures([batch] * 5, ["a", "b"])
    assert len(kept) == len(labels["a"]) == 6


def test_large_pictures_are_averaged_down():
    values = torch.zeros(1, 1, 128, 64)
    values[:, :, ::2] = 1.0
    small = at_most(values, 64)
    assert small.shape == (1, 1, 64, 32)
    assert small[:, :, 2:-2].sub(0.5).abs().max() < 0.01
    assert at_most(small, 64) is small
