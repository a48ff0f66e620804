"""A model whose every attribute is a brightness: the four quarters of its pictures are its four latents."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch import Tensor, nn

from modeling_vae.model.attribute_directions import AttributeDirections, Direction
from modeling_vae.pipeline import VAEPipeline
from modeling_vae.probing.probes import Probe
from modeling_vae.probing.yes_no import YesNo

SIDE = 16
KINDS = {"left": "boolean", "right": "boolean", "tone": "category"}
ATTRIBUTES = [
    YesNo("left", "left", "true"),
    YesNo("right", "right", "true"),
    YesNo("tone:dark", "tone", "dark"),
    YesNo("tone:light", "tone", "light"),
]


class PlantedModel(nn.Module):
    """Latents in about [-1, 1] are the quarters' brightness; `lost` of them come out grey."""

    def __init__(self, lost: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.lost = list(lost)
        self.config = SimpleNamespace(latent_dim=4, num_channels=3, image_size=[SIDE, SIDE])
        self.device, self.dtype = self.anchor.device, self.anchor.dtype

    def encode(self, pixel_values: Tensor) -> SimpleNamespace:
        means = nn.functional.adaptive_avg_pool2d(pixel_values.mean(1, keepdim=True), 2).flatten(1)
        return SimpleNamespace(mean=(means - 0.5) * 10, logvar=torch.full_like(means, -4.0))

    def decode(self, latents: Tensor) -> Tensor:
        latents = latents.clone()
        latents[:, self.lost] = 0
        quarters = (0.5 + latents / 10).view(-1, 1, 2, 2)
        return quarters.repeat_interleave(SIDE // 2, 2).repeat_interleave(SIDE // 2, 3).expand(-1, 3, -1, -1)


class Sees(nn.Module):
    """Logits of the four attributes, exactly as they were planted."""

    def forward(self, pixel_values: Tensor) -> Tensor:
        z = PlantedModel().encode(pixel_values).mean
        return torch.stack([z[:, 0], z[:, 1], -z[:, 2], z[:, 2]], dim=1)


def planted_probe() -> Probe:
    return Probe(ATTRIBUTES, Sees(), torch.zeros(4), {})


def planted_latents(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def labels_of(latents: Tensor) -> dict[str, list]:
    tones = ["dark" if z < 0 else "light" for z in latents[:, 2].tolist()]
    return {"left": (latents[:, 0] > 0).tolist(), "right": (latents[:, 1] > 0).tolist(), "tone": tones}


def planted_dataset(count: int, seed: int = 0, noise: float = 0.0) -> list[dict]:
    """Items as `load_data` gives them."""
    latents = planted_latents(count, seed)
    labels = labels_of(latents)
    generator = torch.Generator().manual_seed(seed)
    pictures = PlantedModel().decode(latents)
    pictures = (pictures + noise * torch.randn(pictures.shape, generator=generator)).clamp(0, 1)
    return [
        {"pixel_values": picture, "labels": {column: labels[column][i] for column in KINDS}}
        for i, picture in enumerate(pictures)
    ]


def planted_directions() -> AttributeDirections:
    """Each along its own quarter, as endless many pictures would give them."""
    axes = torch.eye(4)
    differences = torch.stack([axes[0], axes[1], -axes[2], axes[2]])
    directions = [Direction(a.name, "category" if ":" in a.name else "boolean", 500, 500, 1.0) for a in ATTRIBUTES]
    variance = 1 / 3  # of uniform numbers in [-1, 1]
    return AttributeDirections(directions, differences, torch.zeros(4), variance * axes, weights_sha256="planted")


def planted_pipeline(lost: tuple[int, ...] = ()) -> VAEPipeline:
    return VAEPipeline(PlantedModel(lost), None, planted_directions(), sha256="planted")  # type: ignore[arg-type]
