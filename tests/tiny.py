"""A tiny model whose latent space is known."""

from __future__ import annotations

import torch

from modeling_vae import (
    AttributeDirections,
    FlowPrior,
    LatentMoments,
    VAEConfig,
    VAEImageProcessor,
    VAEModel,
    VAEPipeline,
)
from modeling_vae.model.attribute_directions import Direction
from modeling_vae.model.label_code import LabelCode
from modeling_vae.model.label_reader import LabelReader
from modeling_vae.model.tensor_files import weights_sha256
from modeling_vae.model.velocity import Velocity

ATTRIBUTES = {"smiling": "boolean", "coat": "category", "age": "numeric"}


def tiny_model(seed: int = 0, **config) -> VAEModel:
    """A VAE of 32 x 32 pictures with 8 latent dimensions, in evaluation mode; the same for a seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return VAEModel(VAEConfig(**{"image_size": 32, "latent_dim": 8, "hidden_channels": [8, 16]} | config)).eval()


def two_kinds(count: int, seed: int):
    """Batches of 32 x 32 pictures that are either dark or bright, with no labels."""
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, count, 64):
        number = min(64, count - start)
        bright = (torch.rand(number, 1, 1, 1, generator=generator) > 0.5).float()
        yield (0.7 * bright + 0.3 * torch.rand(number, 3, 32, 32, generator=generator)), {}


def labelled_latents(count: int = 600, width: int = 8, seed: int = 0) -> tuple[torch.Tensor, dict[str, list]]:
    """Correlated latents [count, width] in float64, and labels that lie in known dimensions; some are unknown."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=generator, dtype=torch.float64)
    latents = torch.randn(count, width, generator=generator, dtype=torch.float64) @ mixing.T + 0.3
    scores = latents / latents.std(0)
    labels = {
        "smiling": [None if i % 7 == 0 else bool(s > 0.2) for i, s in enumerate(scores[:, 0])],
        "coat": [None if i % 5 == 0 else ["tabby", "black", "white"][int(s > -0.4) + int(s > 0.4)]
                 for i, s in enumerate(scores[:, 1])],
        "age": [None if i % 3 == 0 else float(40 + 10 * s) for i, s in enumerate(scores[:, 2])],
    }  # fmt: skip
    return latents, labels


def moments_of(latents: torch.Tensor, labels: dict[str, list], batch: int = 64) -> LatentMoments:
    moments = LatentMoments.empty(latents.shape[1], ATTRIBUTES)
    for start in range(0, len(latents), batch):
        part = slice(start, start + batch)
        columns = {name: values[part] for name, values in labels.items()}
        moments.update(latents[part], torch.full_like(latents[part], -4.0), columns)
    return moments


def tiny_pipeline(**config) -> VAEPipeline:
    model = tiny_model(**config)
    sha256 = weights_sha256(model.state_dict())
    moments = moments_of(*labelled_latents(width=model.config.latent_dim))
    directions, _ = AttributeDirections.from_moments(moments, weights_sha256=sha256)
    height, width = model.config.image_size
    processor = VAEImageProcessor(size={"height": height, "width": width}, num_channels=model.config.num_channels)
    return VAEPipeline(model, processor, directions, FlowPrior.from_moments(moments, sha256))


def told_pipeline(**config) -> VAEPipeline:
    """A tiny pipeline whose prior is a flow, of random weights, that is told coats and smiles."""
    pipe = tiny_pipeline(**config)
    names = [*(f"coat:{coat}" for coat in ("black", "tabby", "white")), "smiling:false", "smiling:true"]
    together = torch.ones(5, 5)
    together[0, 4] = together[4, 0] = 0  # black ones never smile
    with torch.random.fork_rng():
        torch.manual_seed(0)
        velocity, reader = Velocity(8, len(names), width=16, blocks=2), LabelReader(8, len(names))
        for weight in velocity.parameters():
            weight.data = 0.2 * torch.randn(weight.shape)
    code = LabelCode(names, together)
    pipe.prior = FlowPrior(pipe.prior.mean, pipe.prior.factor, velocity, pipe.weights_sha256, code, reader)
    return pipe


def many_attributes(count: int) -> VAEPipeline:
    """A tiny pipeline whose every latent dimension is an attribute; the figures of its readouts rise and fall."""
    pipe = tiny_pipeline(latent_dim=count)
    known = [Direction(f"a{i}", "boolean", 50, 50, 1.0, 0.5 + 0.4 * (7 * i % count) / count) for i in range(count)]
    axes = torch.eye(count)
    pipe.directions = AttributeDirections(known, axes, torch.zeros(count), axes, weights_sha256=pipe.weights_sha256)
    return pipe
