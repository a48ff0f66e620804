"""The film of a training: the same faces, drawn by the running average as it learns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import TrainerCallback, TrainerState

from modeling_vae.files import write_whole
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor
from modeling_vae.model.latent_moments import LatentMoments
from modeling_vae.model.latents import sample_noise
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.passes import decode_all, posteriors
from modeling_vae.sheets import grid

from .divergence import diverged

FRAMES = 40
FIRST_STEP = 10
FACES, COLUMNS = 12, 4
SEED = 5
TRUNCATION = 0.8
FITTED_ON, BATCH = 1024, 128
"""Pictures that each frame's Gaussian is fitted to."""


def frame_steps(max_steps: int, frames: int = FRAMES) -> list[int]:
    """The steps after which a frame is taken, evenly spaced in the logarithm of the step, as the change is."""
    first = min(FIRST_STEP, max_steps)
    shares = [i / max(1, frames - 1) for i in range(frames)]
    return sorted({round(first * (max_steps / first) ** share) for share in shares})


class TrainingFilm(TrainerCallback):
    """Writes the frames FOLDER/000123.png, named by their step; a run that goes on after a stop completes them.

    The faces are samples, so that no picture of the data is shown: fixed noise, put through a Gaussian fitted to the
    latents of held-out pictures. It goes through the symmetric root of the covariance, which changes as little as the
    covariance does from frame to frame, so that a face stays itself once the latent space has settled. Nothing is
    taken from the training's random numbers.

    Args:
        folder: of the frames.
        pictures: data set of held-out pictures, as `load_data` gives it.
    """

    def __init__(self, folder: Path, pictures: Any) -> None:
        self.folder, self.pictures = folder, pictures

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        """Take away the frames of another run, or of what a killed run had done since its last checkpoint."""
        if state.is_world_process_zero:
            for file in _files(self.folder):
                if int(file.stem) > state.global_step:
                    file.unlink()

    def on_step_end(self, args: Any, state: TrainerState, control: Any, model: Any = None, **kwargs: Any) -> None:
        """Take a frame where one is due; `model` is the `TrainingObjective`."""
        if state.is_world_process_zero and state.global_step in frame_steps(state.max_steps):
            self.folder.mkdir(parents=True, exist_ok=True)
            frame = BytesIO()
            try:
                draw(model.ema, self._batches()).save(frame, "PNG")
            except FloatingPointError:
                lost = {"what the running average makes of pictures": math.nan}
                raise diverged(state.global_step + 1, lost, args.learning_rate, Path(args.output_dir)) from None
            write_whole(self.folder / f"{state.global_step:06d}.png", frame.getvalue())

    def _batches(self) -> Iterable[Tensor]:
        from modeling_vae.data import collate

        loader = DataLoader(self.pictures, batch_size=BATCH, collate_fn=collate, generator=torch.Generator())
        return (batch["pixel_values"] for batch in islice(loader, FITTED_ON // BATCH))


@torch.no_grad()
def draw(model: VAEModel, batches: Iterable[Tensor]) -> Image.Image:
    """One frame: samples of a model in evaluation mode, from a Gaussian fitted to the latents of pictures.

    Args:
        model: the running average.
        batches: of pixel_values, [N, C, H, W] each.

    Raises:
        FloatingPointError: the model's answers are not finite.
    """
    training = model.training
    model.eval()  # type: ignore[no-untyped-call]  # of batch norms the running statistics, which then stay as they are
    moments = LatentMoments.empty(model.config.latent_dim, {})
    for posterior in posteriors(model, batches):
        moments.update(posterior.mean, posterior.logvar, {})
    if not (moments.products.isfinite().all() and moments.variances.isfinite().all()):
        raise FloatingPointError("the latents of pictures are not finite.")
    gaussian, noise = moments.aggregate, sample_noise(FACES, model.config.latent_dim, SEED).double()
    pixel_values = decode_all(model, gaussian.mean + TRUNCATION * noise @ gaussian.root())
    if not pixel_values.isfinite().all():
        raise FloatingPointError("the pictures of samples are not finite.")
    model.train(training)
    height, width = model.config.height_and_width
    processor = VAEImageProcessor(size={"height": height, "width": width}, num_channels=model.config.num_channels)
    return grid(processor.postprocess(pixel_values), columns=COLUMNS)


def read_frames(*folders: Path) -> list[Image.Image]:
    """The frames in their order, smaller ones enlarged to the size of the last; [] where there are none.

    Of several folders, one of each stage of a run, every so-many-th frame: the film is as long as that of one.
    """
    frames = [Image.open(file).convert("RGB") for folder in folders for file in _files(folder)]
    return [frame.resize(frames[-1].size) for frame in frames[:: -len(folders)]][::-1]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9]" * 6 + ".png"))
