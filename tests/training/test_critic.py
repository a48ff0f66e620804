"""The critic alone: its loss, how it standardises what it sees, and that it learns."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from modeling_vae.training.critic import Critic, taken_for_real, told_apart


def maps_of(seed: int, count: int = 8, shift: float = 0.0) -> list[torch.Tensor]:
    """Maps of two depths, with channels of very different size."""
    generator = torch.Generator().manual_seed(seed)
    large = 50 + 20 * torch.randn(count, 4, 6, 6, generator=generator)
    return [large, 0.1 * (shift + torch.randn(count, 3, 2, 2, generator=generator))]


def test_the_critics_loss_is_the_hinge():
    """Two judges of one place each; what lies beyond a margin of 1 counts no more."""
    real, fake = [torch.tensor([[3.0], [0.5]]), torch.tensor([[0.0]])], [torch.tensor([[-2.0]]), torch.tensor([[1.0]])]
    assert told_apart(real, fake).item() == pytest.approx(((0 + 0.5) / 2 + 0 + 1 + 2) / 2)
    assert taken_for_real(fake).item() == pytest.approx(0.5)


def test_the_critic_sees_maps_standardised_by_all_real_ones():
    critic = Critic([4, 3], 8)
    batches = [maps_of(seed, shift=seed) for seed in range(5)]
    for batch in batches:
        critic.update(batch)
    for i, standard in enumerate(critic.standards):
        seen = torch.cat([batch[i] for batch in batches])
        found = standard(seen).transpose(0, 1).flatten(1)
        torch.testing.assert_close(found.mean(1), torch.zeros(seen.shape[1]), rtol=0, atol=1e-3)
        variance = seen.transpose(0, 1).flatten(1).var(1, correction=0)
        torch.testing.assert_close(found.var(1, correction=0), variance / (variance + 1e-3), rtol=1e-3, atol=1e-3)
    before = copy.deepcopy(critic.standards.state_dict())
    critic(maps_of(9, shift=30.0))
    for name, value in critic.standards.state_dict().items():
        assert torch.equal(value, before[name]), f"{name} is of real pictures, and others changed it"
    Critic([4, 3], 8).update([maps[:1, :, :1, :1] for maps in maps_of(0)])  # one place of one picture


def test_the_critic_judges_every_place_and_learns_what_is_not_real():
    torch.manual_seed(0)
    critic = Critic([4, 3], 8)
    assert [tuple(logits.shape) for logits in critic(maps_of(0))] == [(8, 36), (8, 4)]
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-2, betas=(0.0, 0.99))
    losses = []
    for step in range(150):
        real, fake = maps_of(2 * step), maps_of(2 * step + 1, shift=3.0)
        critic.update(real)
        losses.append(told_apart(critic(real), critic(fake)))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    real, fake = critic(maps_of(1001)), critic(maps_of(1002, shift=3.0))
    assert real[1].mean() > fake[1].mean() + 1.0  # the second depth differs, the first does not
    assert abs(real[0].mean() - fake[0].mean()) < 0.3
    assert losses[-1] < losses[0]
    for module in critic.modules():
        if isinstance(module, nn.Conv2d):
            largest = torch.linalg.svdvals(module.weight.detach().flatten(1))[0]
            assert largest.item() == pytest.approx(1.0, abs=0.05)
