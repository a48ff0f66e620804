"""The likeness term: whoever knows the person in a picture shall know the reconstruction too."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from modeling_vae.hub.network import fetching
from modeling_vae.recipes.objective_recipe import Likeness

from .batch import Batch, Term
from .onlooker import Onlooker


class Recogniser(Onlooker):
    """A frozen network that tells people apart: two pictures of one person have nearly the same answer.

    Args:
        recipe: names the network, and says which part of a picture it sees, and how large.

    Raises:
        OSError: there is no such network.
        ValueError: it has no pooled output.
    """

    image_mean: Tensor
    image_std: Tensor

    def __init__(self, recipe: Likeness) -> None:
        super().__init__()
        from transformers import AutoImageProcessor, AutoModel

        assert recipe.backbone is not None  # a run without one is refused before
        with fetching(recipe.backbone):
            self.network = AutoModel.from_pretrained(recipe.backbone, dtype=torch.float32)
            seen = AutoImageProcessor.from_pretrained(recipe.backbone)
        self.network.eval().requires_grad_(False)
        self.window, self.size = recipe.window, recipe.size
        for name in ("image_mean", "image_std"):
            self.register_buffer(name, torch.tensor(getattr(seen, name))[:, None, None], persistent=False)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Who is seen in pictures [N, 3, H, W] in [0, 1]: directions of length 1, [N, E]."""
        height, width = pixel_values.shape[2:]
        left, top, right, bottom = self.window
        rows, columns = (slice(int(a * n), int(b * n)) for a, b, n in ((top, bottom, height), (left, right, width)))
        size = (self.size, self.size)
        with torch.autocast(pixel_values.device.type, enabled=False):
            face = F.interpolate(pixel_values[:, :, rows, columns].float(), size, mode="bicubic", antialias=True)
            answer = self.network((face - self.image_mean) / self.image_std)
            if getattr(answer, "pooler_output", None) is None:
                raise ValueError("objective.likeness.backbone has no pooled output: name a network that has.")
            return F.normalize(answer.pooler_output.flatten(1), dim=1)


class LikenessTerm(Term):
    """Of 1 - cos between who is seen in a reconstruction and in its picture (after Richardson and others 2021).

    The network sees a share of each batch, the first of it.
    """

    def __init__(self, recipe: Likeness) -> None:
        super().__init__(recipe.weight)
        self.recogniser, self.batch_ratio = Recogniser(recipe), recipe.batch_ratio

    def forward(self, batch: Batch) -> Tensor:
        count = max(1, int(self.batch_ratio * len(batch.pixel_values)))
        with torch.no_grad():
            known = self.recogniser(batch.pixel_values[:count])
        distance = 1 - (self.recogniser(batch.reconstruction[:count]) * known).sum(1).mean()
        batch.note(likeness=distance)
        result: Tensor = self.weight * distance
        return result
