"""What `evaluate` and `compare` share: one protocol for any number of models."""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from modeling_vae.evaluation.attributes import EDITED
from modeling_vae.evaluation.features import FeatureNetwork
from modeling_vae.evaluation.measuring import evaluate
from modeling_vae.hub.downloads import fetch
from modeling_vae.model.configuration_image_vae import VAEConfig
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.probing.probes import Probe, learn_probe
from modeling_vae.recipes.recipe import FILE_NAME, DataRecipe, Recipe, checked_data

if TYPE_CHECKING:
    from modeling_vae.data import PictureData

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examination:
    """One protocol for any number of models: the same pictures, seed, feature network and probe.

    Args:
        data: its validation pictures are measured on; the training pictures are the real ones to compare with.
        network: what distances are measured with.
        probe: what judges attributes; it learnt from the training pictures and knows of no model.
        pictures: of the validation pictures at most so many are used.
        edited: of these at most so many are edited for each attribute.
        seed: of all that is drawn.
    """

    data: PictureData
    network: FeatureNetwork | None
    probe: Probe | None
    pictures: int
    edited: int
    seed: int

    @classmethod
    def prepare(cls, config: VAEConfig, recipe: Recipe, options: argparse.Namespace) -> Examination:
        """Read the pictures that the recipe names as the model wants them, and train the probe.

        Raises:
            ValueError, OSError: there is no such network, or no such pictures.
        """
        from modeling_vae.data import load_data

        network = FeatureNetwork(options.features, options.resize) if options.features else None
        data = load_data(
            recipe.data,
            image_size=config.height_and_width,
            num_channels=config.num_channels,
            attributes=recipe.columns,
        )
        logger.info("%s", data.report)
        leave_out, seed, device = recipe.publish.leave_out, options.seed, torch.device(options.device)
        probe = learn_probe(data.train, recipe.columns, leave_out=leave_out, seed=seed, device=device)
        network = network.to(device) if network is not None else None
        return cls(data, network, probe, options.pictures, options.edited or EDITED, seed)

    def figures(self, pipe: VAEPipeline, nearest: int = 0) -> dict[str, Any]:
        """The figures of `evaluate`; for `nearest` fitted samples the nearest training picture is looked for."""
        return evaluate(
            pipe,
            self.data.validation,
            self.data.train,
            network=self.network,
            probe=self.probe,
            most=self.pictures,
            nearest=nearest,
            edited=self.edited,
            seed=self.seed,
        )

    def held_out(self, pipe: VAEPipeline, most: int) -> list[Image.Image]:
        """Validation pictures as the model wants them, at most so many, always the same."""
        from modeling_vae.data import labelled_batches

        batches = labelled_batches(self.data.validation, most, most)
        return [picture for pixel_values, _ in batches for picture in pipe.processor.postprocess(pixel_values)]


def recipe_of(pipe: VAEPipeline, name: str, options: argparse.Namespace) -> Recipe:
    """The recipe that a model was trained by, with the data that the figures are made on.

    Where the model has no recipe, the attributes are those of its directions.

    Args:
        pipe: the model.
        name: of the folder or repository that it came from.
        options: see `examination_options`.

    Raises:
        ValueError: neither the recipe nor the command line says where the pictures are.
    """
    recipe = published_recipe(pipe, name)
    if recipe is None:
        logger.warning("%s has no %s: attributes are taken from its directions.", name, FILE_NAME)
        directions = pipe.directions.directions.values() if pipe.directions is not None else ()
        kinds: Any = {direction.column: direction.kind for direction in directions}
        recipe = Recipe(
            attributes=kinds, data=DataRecipe(crop="center" if pipe.processor.crop == "face" else pipe.processor.crop)
        )
    said = {
        "path": options.data,
        "name": options.name,
        "train": options.train_split,
        "validation": options.split,
        "image_column": options.image_column,
        "crop": options.crop,
    }
    changes = {key: value for key, value in said.items() if value is not None}
    data = checked_data(recipe.data.model_dump() | changes) if changes else recipe.data
    if data.path is None:
        raise ValueError(f"the recipe of {name} does not say where its pictures are: give --data PATH_OR_ID.")
    from modeling_vae.data import boolean_columns

    return recipe.model_copy(update={"data": data}).resolved(boolean_columns)


def published_recipe(pipe: VAEPipeline, name: str) -> Recipe | None:
    """The recipe in the folder or repository of this name that a model came from; None where it has none."""
    file = _recipe_file(pipe, Path(name))
    return None if file is None else Recipe.read(file)


def _recipe_file(pipe: VAEPipeline, folder: Path) -> Path | None:
    if pipe.hub_id is None:
        file = folder / FILE_NAME
        return file if file.is_file() else None
    commit = pipe.folder.name if pipe.folder is not None else None
    try:
        return fetch(pipe.hub_id, (FILE_NAME,), revision=commit) / FILE_NAME
    except FileNotFoundError:
        return None
