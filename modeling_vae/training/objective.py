"""What is minimised: the negative ELBO, and beside it the terms that only training needs.

One module owns the model, its running average, its critic, its perceptual network and its probes, and returns one
loss, so that the ordinary Trainer with one optimizer trains, checkpoints and resumes all of it. The critic's loss sees
detached feature maps, and the model's adversarial loss passes through a critic whose weights are detached: the two
never mix, but for the norm at which the Trainer clips all gradients together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim.swa_utils import AveragedModel

from modeling_vae.model.elbo import reconstruction_nll
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.recipes.recipe import Adversarial, Edits, ObjectiveRecipe

from .attribute_term import AttributeDistance
from .critic import Critic, taken_for_real, told_apart
from .edit_term import Edited, RunningReadouts
from .perceptual import Comparison, PerceptualDistance, random_place
from .running_fit import RunningFit
from .running_shares import RunningShares

MEASURE_EVERY = 16
"""Steps between two measurements of the adversarial term's adaptive weight."""
MEASURE_MEMORY = 0.8
"""Share of the old value that each measurement keeps."""


def ramp(progress: float, start: float, length: float) -> float:
    """0 up to `start`, then linearly to 1 within `length`; all are shares of the training."""
    if progress < start:
        return 0.0
    return min(1.0, (progress - start) / length) if length else 1.0


class TrainingObjective(nn.Module):
    """The training loss of a VAE, in nats per picture and dimension.

    loss = (nll + w(t) kl_weight KL) / (C H W) + perceptual + texture + attribute + edit + adversarial terms,
    weighed as the recipe says, + the critic's own loss. The last two look at samples, a quarter of a batch.

    Args:
        model: what is trained.
        recipe: which terms, and their weights.
        ema_decay: of the running average of the weights, which is what is evaluated and published. It is reached
            gradually: min(ema_decay, (1 + n) / (10 + n)) after n updates.
        attributes: for the attribute and edit terms, which are left out without.
    """

    adversarial_factor: Tensor

    def __init__(
        self,
        model: VAEModel,
        recipe: ObjectiveRecipe,
        ema_decay: float = 0.999,
        attributes: AttributeDistance | None = None,
    ) -> None:
        super().__init__()
        self.model, self.recipe = model, recipe

        def average(averaged: Sequence[Tensor], current: Sequence[Tensor], updates: Tensor | int) -> None:
            if averaged[0].is_floating_point():
                decay = min(ema_decay, (1 + float(updates)) / (10 + float(updates)))
                torch._foreach_lerp_(list(averaged), list(current), 1 - decay)
            else:  # counters of batch norms
                torch._foreach_copy_(list(averaged), list(current))

        self.average = AveragedModel(model, multi_avg_fn=average, use_buffers=True).requires_grad_(False)
        perceptual, adversarial, config = recipe.perceptual, recipe.adversarial, model.config
        self.perceptual = self.critic = None
        if perceptual is not None:
            self.perceptual = PerceptualDistance(
                perceptual.backbone, perceptual.layers, perceptual.enlargement, perceptual.batch_ratio
            )
            if adversarial is not None:
                self.judged = [perceptual.layers.index(name) for name in adversarial.layers or perceptual.layers]
                blank = torch.zeros(1, config.num_channels, *config.height_and_width)
                channels = [maps.shape[1] for maps in self.perceptual.features(blank)]
                self.critic = Critic([channels[i] for i in self.judged], adversarial.channels)
        self.attributes = attributes
        self.shares = RunningShares(len(attributes.columns)) if attributes is not None else None
        columns = attributes.columns if recipe.edits and attributes is not None else None
        self.readouts = RunningReadouts(config.latent_dim, columns) if columns else None
        self.fit = RunningFit(config.latent_dim) if adversarial or columns else None
        self.register_buffer("adversarial_factor", torch.zeros(()))

    @property
    def ema(self) -> VAEModel:
        """The model whose weights are the running average."""
        return cast(VAEModel, self.average.module)

    def activation_checkpointing_enable(self, *args: Any, **kwargs: Any) -> None:
        """Compute the model's activations again in the backward pass, as the Trainer's setting of this name asks.

        Raises:
            ValueError: the model has batch norms, which would take in the statistics of every batch twice.
        """
        if any(isinstance(module, nn.BatchNorm2d) for module in self.model.modules()):
            raise ValueError(
                "training.activation_checkpointing shows batch norms every picture twice: set model.norm to group or "
                "none, or leave it out."
            )
        self.model.activation_checkpointing_enable(*args, **kwargs)

    def update_average(self) -> None:
        """Take the model's present weights into the running average; once after every step."""
        self.average.update_parameters(self.model)

    def forward(self, pixel_values: Tensor, step: int = 0, progress: float = 0.0) -> dict[str, Tensor]:
        """The loss of one batch and the terms it is made of.

        Args:
            pixel_values: [N, C, H, W] in [0, 1].
            step: optimizer steps done so far.
            progress: share of the training done so far, which every schedule follows.
        """
        pixel_values = pixel_values.contiguous(memory_format=torch.channels_last)
        config, recipe = self.model.config, self.recipe
        output = self.model(pixel_values)
        kl_weight = config.kl_weight * ramp(progress, 0.0, recipe.kl_warmup_ratio)
        elbo = (output.reconstruction_loss + kl_weight * output.kl) / config.dimensions
        terms = {"nll": output.reconstruction_loss.detach(), "kl": output.kl.detach()}

        visible, compared = elbo, None  # the terms that pull at the reconstruction
        if self.perceptual is not None and recipe.perceptual is not None:
            compared = self.perceptual(output.reconstruction, pixel_values)
            terms["perceptual"], terms["texture"] = compared.places, compared.textures
            visible = visible + recipe.perceptual.weight * terms["perceptual"]
            visible = visible + recipe.perceptual.texture_weight * terms["texture"]
        if self.attributes is not None and recipe.attribute_consistency is not None:
            assert self.shares is not None
            distances, seen = self.attributes(output.reconstruction, pixel_values)
            self.shares.update(seen)
            terms["attributes"] = (self.shares.balance(seen) * distances).mean()
            visible = visible + recipe.attribute_consistency.weight * terms["attributes"]
            if self.readouts is not None:
                self.readouts.update(output.latents, seen)
        loss = visible
        if self.fit is not None:
            self.fit.update(output.latents)
            adversarial = _started(recipe.adversarial, progress)
            edits = _started(recipe.edits, progress) if self.readouts is not None else None
            if adversarial or edits:
                quarter = max(1, len(pixel_values) // 4)
                latents, edited = self._draw(quarter, edits)
                with still_statistics(self.model):
                    samples = self.model.decode(latents.to(output.latents.dtype))
                    if edits and edited is not None:
                        loss = loss + self._edits(edits, edited, samples, terms)
                if adversarial and compared is not None:
                    players = self._players(compared, samples)
                    loss = loss + self._adversarial(adversarial, players, visible, step, progress, terms)
        terms = {name: term.detach() for name, term in terms.items()}
        return {"loss": loss, **terms}

    @torch.no_grad()
    def _draw(self, count: int, edits: Edits | None) -> tuple[Tensor, Edited | None]:
        """Latents [count, D] from the running fit; edited where that is asked for, and what was asked of them."""
        assert self.fit is not None
        with torch.autocast(self.fit.queue.device.type, enabled=False):
            mean, factor = self.fit.gaussian()
            latents = mean + torch.randn(count, len(mean), device=mean.device) @ factor.T
            readouts = self.readouts.fit() if edits and self.readouts is not None else None
            if edits is None or readouts is None:
                return latents, None
            edited = readouts.edit(latents, edits.strength)
            return edited.latents, edited

    def _edits(self, recipe: Edits, edited: Edited, samples: Tensor, terms: dict[str, Tensor]) -> Tensor:
        """How far what probes see, and what the encoder reads, in samples is from what their latents say."""
        assert self.attributes is not None
        encoded = self.model.encode(samples).mean
        with torch.autocast(samples.device.type, enabled=False):
            wanted = edited.answers
            terms["reencoding"] = edited.mean((edited.readouts.values(encoded) - edited.values).square())
        terms["edits"] = edited.mean(self.attributes.asked(samples, wanted))  # the probes compute as autocast says
        return recipe.weight * terms["edits"] + recipe.reencoding_weight * terms["reencoding"]

    def _players(self, compared: Comparison, samples: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """What the critic has to tell apart: the maps of real pictures, and those of reconstructions and samples."""
        assert self.perceptual is not None
        of_samples = self.perceptual.features(samples, random_place())
        fake = [torch.cat([compared.outputs[i], of_samples[i]]) for i in self.judged]
        return [compared.targets[i] for i in self.judged], fake

    def _adversarial(
        self,
        recipe: Adversarial,
        players: tuple[list[Tensor], list[Tensor]],
        visible: Tensor,
        step: int,
        progress: float,
        terms: dict[str, Tensor],
    ) -> Tensor:
        """The weighed model's loss and the critic's own."""
        assert self.critic is not None
        real, fake = players
        self.critic.update(real)
        frozen = {name: weight.detach() for name, weight in self.critic.named_parameters()}
        model_loss = taken_for_real(functional_call(self.critic, frozen, (fake,)))
        if step % MEASURE_EVERY == 0:
            self._measure(visible, model_loss, recipe.most)
        critic_loss = told_apart(self.critic(real), self.critic([maps.detach() for maps in fake]))
        factor = self.adversarial_factor.clone()
        terms |= {"adversarial": model_loss, "critic": critic_loss, "adversarial_factor": factor}
        strength = ramp(progress, recipe.start_ratio, recipe.ramp_ratio) * recipe.weight
        return strength * factor * model_loss + critic_loss

    def _measure(self, visible: Tensor, model_loss: Tensor, most: float) -> None:
        """Update the factor that makes both terms' gradients at the last layer equally long (Esser et al. 2021)."""
        weight = last_layer(self.model.decoder).weight
        (wanted,) = torch.autograd.grad(visible, weight, retain_graph=True)
        (got,) = torch.autograd.grad(model_loss, weight, retain_graph=True)
        measured = (wanted.float().norm() / got.float().norm().clamp_min(1e-8)).clamp_max(most)
        memory = MEASURE_MEMORY if self.adversarial_factor > 0 else 0.0
        self.adversarial_factor.mul_(memory).add_((1 - memory) * measured)

    @torch.no_grad()
    def evaluate(self, pixel_values: Tensor, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Figures of the running average on a batch, one per picture: nll and kl in nats, mse, each [N]."""
        model, config = self.ema, self.model.config
        posterior = model.encode(pixel_values)
        reconstruction = model.decode(posterior.sample(generator))
        nll = reconstruction_nll(reconstruction, pixel_values, config.likelihood, config.variance)
        mean_picture = model.decode(posterior.mean)
        mse = (mean_picture.float() - pixel_values.float()).square().flatten(1).mean(1)
        return {"nll": nll, "kl": posterior.kl().sum(1), "mse": mse}


Term = TypeVar("Term", Adversarial, Edits)


def _started(term: Term | None, progress: float) -> Term | None:
    """The term, once the training has come to where it starts."""
    return term if term is not None and progress >= term.start_ratio else None


@contextmanager
def still_statistics(model: nn.Module) -> Iterator[None]:
    """Within it batch norms leave their running statistics alone: those are of pictures, and not of samples."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def last_layer(decoder: nn.Module) -> nn.Conv2d | nn.ConvTranspose2d:
    """The convolution that makes the decoder's picture."""
    return [m for m in decoder.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)][-1]
