"""A reservoir: of rows that come in order, each is as likely to stay as any other."""

from __future__ import annotations

import torch

from modeling_vae.fitting.random_rows import RandomRows


def chosen(count: int, most: int, batch: int, seed: int = 0) -> torch.Tensor:
    rows, generator = RandomRows(most), torch.Generator().manual_seed(seed)
    for part in torch.arange(count).split(batch):
        rows.add(part[:, None], generator)
        assert sum(map(len, rows._rows)) <= 2 * most + batch
    return rows.chosen()[0][:, 0]


def test_all_stay_where_there_are_few():
    assert torch.equal(chosen(40, 50, 7).sort().values, torch.arange(40))


def test_the_last_of_many_are_as_likely_as_the_first():
    """20,000 rows, of which 1,000 stay: 100 of each tenth, give or take four standard deviations of 9.5."""
    rows = chosen(20_000, 1000, 64)
    assert len(rows) == 1000 and len(rows.unique()) == 1000
    of_each = torch.bincount(rows // 2000)
    assert len(of_each) == 10 and 62 <= of_each.min() and of_each.max() <= 138


def test_a_generator_decides_and_batches_do_not():
    assert torch.equal(chosen(500, 20, 64), chosen(500, 20, 7))
    assert not torch.equal(chosen(500, 20, 64), chosen(500, 20, 64, seed=1))


def test_shares_give_the_choice_of_the_whole():
    whole, shares = RandomRows(20), [RandomRows(20) for _ in range(3)]
    for number, part in enumerate(torch.arange(500)[:, None].split(64)):
        for rows in (whole, shares[number % 3]):
            rows.add(part, torch.Generator().manual_seed(number), [(str(row),) for row in part[:, 0].tolist()])
    first, second, third = shares
    merged, notes = third.merge(RandomRows(20).merge(first).merge(second)).chosen()
    assert torch.equal(merged, whole.chosen()[0]) and notes == whole.chosen()[1]
    assert notes == [(str(row),) for row in merged[:, 0].tolist()]
