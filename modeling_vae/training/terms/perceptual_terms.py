"""The perceptual terms: a reconstruction shall look to a pretrained network as the picture does."""

from __future__ import annotations

from torch import Tensor

from modeling_vae.recipes.objective_recipe import Perceptual

from .batch import Batch, Term
from .perceptual_distance import PerceptualDistance


class PerceptualTerm(Term):
    """Of the distance place by place. What it saw is left for the terms behind it."""

    def __init__(self, recipe: Perceptual) -> None:
        super().__init__(recipe.weight)
        self.distance = PerceptualDistance(recipe.backbone, recipe.layers, recipe.enlargement, recipe.batch_ratio)

    def forward(self, batch: Batch) -> Tensor:
        batch.eyes = self.distance
        batch.compared = compared = self.distance(batch.reconstruction, batch.pixel_values)
        batch.note(perceptual=compared.places)
        result: Tensor = self.weight * compared.places
        return result


class TextureTerm(Term):
    """Of the distance of local deviations, in what the perceptual term saw."""

    def forward(self, batch: Batch) -> Tensor:
        assert batch.compared is not None  # the perceptual term stands before it
        batch.note(texture=batch.compared.textures)
        return self.weight * batch.compared.textures
