"""The adversarial term: reconstructions and samples shall look real to a critic, which learns beside the model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call

from modeling_vae.processes import mean_of_all_processes
from modeling_vae.recipes.objective_recipe import Adversarial

from .batch import Batch, Term, ramp
from .critic import Critic, taken_for_real, told_apart
from .perceptual_distance import random_place

MEASURE_EVERY = 16
"""Steps between two measurements of the adaptive factor."""
MEASURE_MEMORY = 0.8
"""Share of the old value that each measurement keeps."""


class AdversarialTerm(Term):
    """The weighed model's loss, and the critic's own.

    The critic's loss sees detached feature maps, and the model's passes through a critic whose weights are detached:
    the two never mix, but for the norm at which the Trainer clips all gradients together.

    Args:
        recipe: weight, schedule, and which maps are judged.
        layers: names of the maps that the perceptual term compares.
        channels: of each of them.
    """

    factor: Tensor

    def __init__(self, recipe: Adversarial, layers: Sequence[str], channels: Sequence[int]) -> None:
        super().__init__(recipe.weight, recipe.start_ratio)
        self.most, self.ramp_ratio, self.learning_rate = recipe.most, recipe.ramp_ratio, recipe.learning_rate
        self.judged = [list(layers).index(name) for name in recipe.layers or layers]
        self.critic = Critic([channels[i] for i in self.judged], recipe.channels)
        self.register_buffer("factor", torch.zeros(()))

    def forward(self, batch: Batch) -> Tensor:
        real, fake = self._players(batch)
        self.critic.update(real)
        frozen = {name: weight.detach() for name, weight in self.critic.named_parameters()}
        model_loss = taken_for_real(functional_call(self.critic, frozen, (fake,)))
        if batch.step % MEASURE_EVERY == 0:
            self._measure(batch, model_loss)
        critic_loss = told_apart(self.critic(real), self.critic([maps.detach() for maps in fake]))
        factor = self.factor.clone()
        batch.note(adversarial=model_loss, critic=critic_loss, adversarial_factor=factor)
        strength = ramp(batch.progress, self.start_ratio, self.ramp_ratio) * self.weight
        return strength * factor * model_loss + critic_loss

    def _players(self, batch: Batch) -> tuple[list[Tensor], list[Tensor]]:
        """What the critic has to tell apart: the maps of real pictures, and those of reconstructions and samples."""
        compared, samples = batch.compared, batch.samples
        assert compared is not None and samples is not None and batch.eyes is not None  # as the objective sees to it
        of_samples = batch.eyes.features(samples, random_place())
        fake = [torch.cat([compared.outputs[i], of_samples[i]]) for i in self.judged]
        return [compared.targets[i] for i in self.judged], fake

    def _measure(self, batch: Batch, model_loss: Tensor) -> None:
        """Update the factor that makes both terms' gradients at the last layer equally long (Esser et al. 2021)."""
        assert batch.visible is not None
        weight = last_layer(batch.model.decoder).weight
        (wanted,) = torch.autograd.grad(batch.visible, weight, retain_graph=True)
        (got,) = torch.autograd.grad(model_loss, weight, retain_graph=True)
        measured = (wanted.float().norm() / got.float().norm().clamp_min(1e-8)).clamp_max(self.most)
        measured = mean_of_all_processes(measured)
        memory = MEASURE_MEMORY if self.factor > 0 else 0.0
        self.factor.mul_(memory).add_((1 - memory) * measured)


def last_layer(decoder: nn.Module) -> nn.Conv2d | nn.ConvTranspose2d:
    """The convolution that makes the decoder's picture."""
    return [m for m in decoder.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)][-1]
