"""What is minimised: the negative ELBO, and beside it the terms that only training needs.

One module owns the model, its running average and the terms, each with its own state, and returns one loss, so that
the ordinary Trainer with one optimizer trains, checkpoints and resumes all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from modeling_vae.model.elbo import reconstruction_nll
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.recipes.objective_recipe import ObjectiveRecipe

from .terms.adversarial_term import AdversarialTerm
from .terms.attribute_distance import AttributeDistance
from .terms.attribute_term import AttributeTerm
from .terms.batch import Batch, Term, ramp
from .terms.edit_term import EditTerm
from .terms.likeness_term import LikenessTerm
from .terms.perceptual_terms import PerceptualTerm, TextureTerm
from .terms.running_fit import RunningFit
from .terms.spectrum_term import SpectrumTerm

FORMER_KEYS = {
    "critic.": "adversarial.critic.",
    "adversarial_factor": "adversarial.factor",
    "shares.": "attributes.shares.",
    "readouts.": "edits.readouts.",
}
"""What checkpoints of version 0.1 call the states of the terms."""


class TrainingObjective(nn.Module):
    """The training loss of a VAE, in nats per picture and dimension.

    loss = (nll + w(t) kl_weight KL) / (C H W) + perceptual + texture + spectrum + likeness + attribute + edit
    + adversarial terms, weighed as the recipe says. The last two look at samples, a quarter of a batch.

    Args:
        model: what is trained.
        recipe: which terms, and their weights.
        ema_decay: of the running average of the weights, which is what is evaluated and published. It is reached
            gradually: min(ema_decay, (1 + n) / (10 + n)) after n updates.
        attributes: for the attribute and edit terms, which are left out without.
    """

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
        self.perceptual = self.texture = self.attributes = self.edits = self.adversarial = self.fit = None
        config = model.config
        if recipe.perceptual is not None:
            self.perceptual = PerceptualTerm(recipe.perceptual)
            self.texture = TextureTerm(recipe.perceptual.texture_weight)
            if recipe.adversarial is not None:
                blank = torch.zeros(1, config.num_channels, *config.height_and_width)
                channels = [maps.shape[1] for maps in self.perceptual.distance.features(blank)]
                self.adversarial = AdversarialTerm(recipe.adversarial, recipe.perceptual.layers, channels)
        self.spectrum = SpectrumTerm(recipe.spectrum.weight) if recipe.spectrum is not None else None
        self.likeness = LikenessTerm(recipe.likeness) if recipe.likeness is not None else None
        if attributes is not None and recipe.attribute_consistency is not None:
            self.attributes = AttributeTerm(recipe.attribute_consistency.weight, attributes)
            if recipe.edits is not None:
                self.edits = EditTerm(recipe.edits, config.latent_dim, attributes.columns)
        if self.edits is not None or self.adversarial is not None:
            self.fit = RunningFit(config.latent_dim)
        self.register_load_state_dict_pre_hook(_with_present_keys)  # type: ignore[no-untyped-call]

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
        batch = self._batch(pixel_values, step, progress)
        loss = self._negative_elbo(batch)
        for term in _there(self.perceptual, self.texture, self.spectrum, self.likeness, self.attributes):
            loss = loss + term(batch)
        batch.visible = loss
        of_samples = _there(self.edits, self.adversarial)
        if self.fit is not None:
            for term in of_samples:
                term.observe(batch)
            self.fit.update(batch.latents)
            if started := [term for term in of_samples if term.started(progress)]:
                with still_statistics(self.model):
                    self._draw(batch)
                    for term in started:
                        loss = loss + term(batch)
        return {"loss": loss, **batch.figures}

    def _batch(self, pixel_values: Tensor, step: int, progress: float) -> Batch:
        output = self.model(pixel_values)
        reconstruction, latents, nll, kl = output.reconstruction, output.latents, output.reconstruction_loss, output.kl
        return Batch(self.model, pixel_values, reconstruction, latents, nll, kl, step, progress)

    def _negative_elbo(self, batch: Batch) -> Tensor:
        """Per dimension, with the KL weighed as far as its warm-up has come."""
        batch.note(nll=batch.nll, kl=batch.kl)
        config = self.model.config
        kl_weight = config.kl_weight * ramp(batch.progress, 0.0, self.recipe.kl_warmup_ratio)
        result: Tensor = (batch.nll + kl_weight * batch.kl) / config.dimensions
        return result

    def _draw(self, batch: Batch) -> None:
        """Pictures of latents from the running fit, moved where the edit term has started."""
        assert self.fit is not None
        with torch.no_grad(), torch.autocast(self.fit.queue.device.type, enabled=False):
            latents = self.fit.draw(max(1, len(batch.pixel_values) // 4))
            if self.edits is not None and self.edits.started(batch.progress):
                batch.edited = self.edits.move(latents)
                latents = latents if batch.edited is None else batch.edited.latents
        batch.samples = self.model.decode(latents.to(batch.latents.dtype))

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


def _there(*terms: Term | None) -> list[Term]:
    return [term for term in terms if term is not None]


def _with_present_keys(objective: TrainingObjective, state: dict[str, Tensor], *_: Any) -> None:
    """Rename the keys of a checkpoint of version 0.1, in place; a factor of no adversarial term is dropped."""
    for key in list(state):
        former = next((name for name in FORMER_KEYS if key.startswith(name)), None)
        if former is not None:
            weight = state.pop(key)
            if former != "adversarial_factor" or objective.adversarial is not None:
                state[FORMER_KEYS[former] + key.removeprefix(former)] = weight


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
