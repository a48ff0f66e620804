"""Features of pictures by a pretrained network: what Fréchet and kernel distances are measured on."""

from __future__ import annotations

import re
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modeling_vae.hub.network import fetching

RESIZE_FILTER = "bicubic, antialiased"
HUB_ID = re.compile(r"\w[\w.-]*(/[\w.-]+)?")


class FeatureNetwork(nn.Module):
    """Any vision model of transformers as a map from pictures to pooled features [N, F].

    Pictures are resized to `resolution` x `resolution` (bicubic, antialiased), normalised by the mean and standard
    deviation of the network's own preprocessor, and a single grey channel is repeated to three. The features are the
    network's `pooler_output` where it has one, or else the mean over its last map or tokens. Figures made with
    different networks, resolutions or numbers of pictures cannot be compared.

    Args:
        folder_or_id: folder or Hub id of the network.
        resolution: side in pixels that the network is shown.
        revision, token: of a network on the Hub.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, folder_or_id: str, resolution: int = 128, revision: str | None = None, token: str | None = None
    ) -> None:
        super().__init__()
        from transformers import AutoImageProcessor, AutoModel

        if resolution < 1:
            raise ValueError(f"resolution is {resolution}; the feature network needs pictures of at least 1 pixel.")
        if not Path(folder_or_id).is_dir() and not HUB_ID.fullmatch(folder_or_id):
            raise FileNotFoundError(
                f"The feature network {folder_or_id!r} is no folder, and no Hub id such as user/name."
            )
        source = {"revision": revision, "token": token}
        try:
            with fetching(folder_or_id):
                processor = AutoImageProcessor.from_pretrained(folder_or_id, **source)
                network = AutoModel.from_pretrained(folder_or_id, dtype=torch.float32, **source)
        except OSError as error:
            raise OSError(
                f"The network {folder_or_id} cannot be loaded: give the folder of a vision model of transformers, or "
                f"the Hub id of one where the Hub can be reached. ({str(error).splitlines()[0]})"
            ) from error
        mean, std = (getattr(processor, name, None) for name in ("image_mean", "image_std"))
        if mean is None or std is None:
            raise ValueError(
                f"The preprocessor of {folder_or_id} has no image_mean and image_std; choose a network that says how "
                "its pictures are normalised."
            )
        self.network = network.eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1), persistent=False)
        self.resolution = resolution
        self.architecture = type(network).__name__

    def train(self, mode: bool = True) -> FeatureNetwork:
        return super().train(False)  # the statistics of a pretrained network stay as they are

    @torch.no_grad()
    def forward(self, pixel_values: Tensor) -> Tensor:
        """pixel_values [N, 1 or 3, H, W] in [0, 1] -> features float32 [N, F], on the network's device."""
        if pixel_values.ndim != 4 or pixel_values.shape[1] not in (1, 3):
            raise ValueError(f"pixel_values has shape {list(pixel_values.shape)}; give [N, 1 or 3, height, width].")
        pixel_values = pixel_values.to(self.mean).expand(-1, 3, -1, -1)
        size = (self.resolution, self.resolution)
        if tuple(pixel_values.shape[2:]) != size:
            pixel_values = F.interpolate(pixel_values, size=size, mode="bicubic", antialias=True)
            pixel_values = pixel_values.clamp(0.0, 1.0)  # the filter overshoots at hard edges; pictures don't
        output = self.network((pixel_values - self.mean) / self.std)
        pooled = getattr(output, "pooler_output", None)
        if pooled is not None:
            return torch.flatten(pooled, 1)
        last = output.last_hidden_state  # a map [N, F, h, w] or tokens [N, T, F]
        result: Tensor = last.mean(dim=(2, 3)) if last.ndim == 4 else last.mean(dim=1)
        return result
