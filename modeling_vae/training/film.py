"""The film of a training: the same faces and the same reconstructions, drawn by the running average as it learns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from transformers import TrainerCallback, TrainerState

from modeling_vae.files import write_whole
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor
from modeling_vae.model.latent_moments import LatentMoments
from modeling_vae.model.latents import normal_grid, sample_noise
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.passes import decode_all, encode_all, posteriors
from modeling_vae.sheets import grid, rows

from .divergence import diverged

FRAMES, FEWEST = 48, 12
STEPS_A_FRAME = 20
"""A short run has as many frames as it has twenties of steps, and no fewer than `FEWEST`: each takes half a step."""
FACES, COLUMNS = 12, 4
SIDE = 12
"""Of the grid of a model with two dimensions."""
RECONSTRUCTED = 8
SEED = 5
TRUNCATION = 0.8
FITTED_ON, BATCH = 256, 64
"""Pictures that each frame's Gaussian is fitted to: with four times as many the faces look the same."""
RECONSTRUCTIONS = "reconstructions"
"""Folder of their frames, within that of the samples."""


def frame_steps(max_steps: int) -> list[int]:
    """The steps after which a frame is taken, evenly spaced in the logarithm of the step, as the change is.

    The first ones are closer than whole steps, and are one then.
    """
    frames = min(FRAMES, max(FEWEST, max_steps // STEPS_A_FRAME))
    shares = [i / (frames - 1) for i in range(frames)]
    return sorted({round(max_steps**share) for share in shares})


class TrainingFilm(TrainerCallback):
    """Writes the frames FOLDER/000123.png, named by their step; a run that goes on after a stop completes them.

    The faces are samples: fixed noise, put through a Gaussian fitted to the latents of held-out pictures. It goes
    through the symmetric root of the covariance, which changes as little as the covariance does from frame to frame,
    so that a face stays itself once the latent space has settled. Of a model with two dimensions they are a fixed grid
    over N(0, I). FOLDER/reconstructions has frames of held-out pictures with their reconstructions, always the same.
    Nothing is taken from the training's random numbers.

    Args:
        folder: of the frames.
        pictures: data set of held-out pictures, as `load_data` gives it.
    """

    def __init__(self, folder: Path, pictures: Any) -> None:
        self.folder, self.pictures = folder, pictures

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Take away the frames of another run, or of what a killed run had done since its last checkpoint."""
        if state.is_world_process_zero:
            for file in [*frame_files(self.folder), *frame_files(self.folder / RECONSTRUCTIONS)]:
                if int(file.stem) > state.global_step:
                    file.unlink()

    def on_step_end(self, args: Any, state: TrainerState, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Take frames where they are due; `model` is the `TrainingObjective`."""
        if state.is_world_process_zero and state.global_step in frame_steps(state.max_steps):
            try:
                frames = {
                    self.folder: draw(model.ema, self._batches()),
                    self.folder / RECONSTRUCTIONS: draw_reconstructions(model.ema, next(self._batches(RECONSTRUCTED))),
                }
            except FloatingPointError:
                lost = {"what the running average makes of pictures": math.nan}
                raise diverged(state.global_step + 1, lost, args.learning_rate, Path(args.output_dir)) from None
            for folder, frame in frames.items():
                folder.mkdir(parents=True, exist_ok=True)
                content = BytesIO()
                frame.save(content, "PNG")
                write_whole(folder / f"{state.global_step:06d}.png", content.getvalue())

    def _batches(self, most: int = FITTED_ON) -> Iterator[Tensor]:
        from modeling_vae.data import labelled_batches

        return (pixel_values for pixel_values, _ in labelled_batches(self.pictures, BATCH, most))


@torch.no_grad()
def draw(model: VAEModel, batches: Iterable[Tensor]) -> Image.Image:
    """One frame of samples of a model in evaluation mode.

    Args:
        model: the running average.
        batches: of pixel_values, [N, C, H, W] each, that a Gaussian is fitted to.

    Raises:
        FloatingPointError: the model's answers are not finite.
    """
    training = model.training
    model.eval()  # type: ignore[no-untyped-call]  # of batch norms the running statistics, which then stay as they are
    on_grid = model.config.latent_dim == 2
    latents = normal_grid(SIDE) if on_grid else _fitted_samples(model, batches)
    pixel_values = _finite(decode_all(model, latents), "the pictures of samples")
    model.train(training)
    return grid(_pictures(model, pixel_values), columns=SIDE if on_grid else COLUMNS)


@torch.no_grad()
def draw_reconstructions(model: VAEModel, pixel_values: Tensor) -> Image.Image:
    """One frame of pictures [N, C, H, W], four in a row, each row with its reconstructions below."""
    training = model.training
    model.eval()  # type: ignore[no-untyped-call]
    drawn = _finite(decode_all(model, encode_all(model, pixel_values)), "reconstructions")
    model.train(training)
    lines = []
    for start in range(0, len(drawn), COLUMNS):
        lines += [_pictures(model, values[start : start + COLUMNS]) for values in (pixel_values, drawn)]
    return rows(lines)


def _fitted_samples(model: VAEModel, batches: Iterable[Tensor]) -> Tensor:
    moments = LatentMoments.empty(model.config.latent_dim, {})
    for posterior in posteriors(model, batches):
        moments.update(posterior.mean, posterior.logvar, {})
    _finite(torch.cat([moments.products, moments.variances[None]]), "the latents of pictures")
    gaussian, noise = moments.aggregate, sample_noise(FACES, model.config.latent_dim, SEED).double()
    return gaussian.mean + TRUNCATION * noise @ gaussian.root()


def _finite(values: Tensor, what: str) -> Tensor:
    if not values.isfinite().all():
        raise FloatingPointError(f"{what} are not finite.")
    return values


def _pictures(model: VAEModel, pixel_values: Tensor) -> list[Image.Image]:
    height, width = model.config.height_and_width
    processor = VAEImageProcessor(size={"height": height, "width": width}, num_channels=model.config.num_channels)
    return processor.postprocess(pixel_values)


def frame_files(folder: Path) -> list[Path]:
    """The frames in a folder, in their order."""
    return sorted(folder.glob("[0-9]" * 6 + ".png"))
