"""Small published folders to be measured, with recipe, directions and prior of the pictures they are given."""

from __future__ import annotations

from pathlib import Path

from tiny import tiny_model

from modeling_vae import VAEPipeline
from modeling_vae.data import labelled_batches, load_data
from modeling_vae.fitting.fit_directions import fit_directions
from modeling_vae.fitting.fit_prior import fit_prior
from modeling_vae.fitting.latent_passes import read_held_out, read_training
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor
from modeling_vae.model.tensor_files import weights_sha256
from modeling_vae.recipes.recipe import Recipe

ATTRIBUTES = {"bright": "boolean", "side": "numeric"}


def publish_tiny(folder: Path, pictures: Path, seed: int = 0, **config) -> Path:
    """A model of 32 x 32 pictures (see `tiny_model`) as a run on these pictures would publish it."""
    recipe = Recipe.model_validate({"data": {"path": str(pictures)}, "attributes": ATTRIBUTES})
    model = tiny_model(seed, **config)
    size, channels = model.config.height_and_width, model.config.num_channels
    data = load_data(recipe.data, image_size=size, num_channels=channels, attributes=ATTRIBUTES)
    sha256 = weights_sha256(model.state_dict())
    training = read_training(model, labelled_batches(data.train, 64), ATTRIBUTES)
    held_out = read_held_out(model, labelled_batches(data.validation, 64), ATTRIBUTES)
    fitted = fit_directions(training.moments, held_out, weights_sha256=sha256)
    prior = fit_prior(training, held_out, weights_sha256=sha256)
    processor = VAEImageProcessor(size=size, num_channels=channels)
    VAEPipeline(model, processor, fitted.directions, prior, sha256=sha256).save_pretrained(folder)
    recipe.published().write(folder / "recipe.yaml")
    return folder
