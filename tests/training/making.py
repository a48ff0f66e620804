"""Small pictures with attributes, and a small recipe that uses every part of the objective."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from transformers import MobileNetV2Config, MobileNetV2ImageProcessorPil, MobileNetV2Model

from modeling_vae.probing.probes import ProbeNetwork
from modeling_vae.training.terms.attribute_distance import AttributeDistance


def write_pictures(folder: Path, count: int = 120) -> Path:
    """An imagefolder of bright and dark squares on coloured grounds, with two annotated columns."""
    rng = np.random.default_rng(0)
    rows = []
    for split, number in (("train", count), ("validation", count // 2)):
        (folder / split).mkdir(parents=True)
        for i in range(number):
            pixels = np.zeros((32, 32, 3), np.uint8) + rng.integers(60, 190, 3).astype(np.uint8)
            bright, side = bool(i % 2), int(rng.integers(8, 14))
            pixels[16 - side : 16 + side, 16 - side : 16 + side] = 240 if bright else 15
            noisy = pixels + rng.integers(0, 10, pixels.shape).astype(np.uint8)
            Image.fromarray(noisy).save(folder / split / f"{i:03d}.png")
            rows.append({"file_name": f"{split}/{i:03d}.png", "bright": bright, "side": float(side)})
    for split in ("train", "validation"):
        lines = [
            json.dumps(row | {"file_name": Path(row["file_name"]).name}) for row in rows if split in row["file_name"]
        ]
        (folder / split / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def pixels(count: int = 8) -> torch.Tensor:
    """Noise [count, 3, 32, 32] in 0 to 1."""
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def write_backbone(folder: Path) -> Path:
    """A small network with random weights in the place of a pretrained one."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = MobileNetV2Model(MobileNetV2Config(depth_multiplier=0.25, image_size=32))
    network.save_pretrained(folder)
    MobileNetV2ImageProcessorPil().save_pretrained(folder)
    return folder


def probe(channels: int = 3, seed: int = 0) -> ProbeNetwork:
    """One whose answers are not all the same."""
    network = ProbeNetwork(channels, 5, torch.Generator().manual_seed(seed), [8, 16])
    torch.nn.init.normal_(network.head.weight, std=2.0, generator=torch.Generator().manual_seed(seed + 1))
    return network


def looking(channels: int = 3) -> AttributeDistance:
    """What attribute and edit terms look through: two probes of five columns."""
    return AttributeDistance([probe(channels), probe(channels, 7)], ["a", "b", "c", "d", "e"])


def recipe_values(pictures: Path, backbone: Path) -> dict:
    return {
        "model": {
            "image_size": 32, "latent_dim": 8, "hidden_channels": [8, 16], "decoder_block": "modulated",
            "modulation_dim": 16, "norm": "batch",
        },
        "objective": {
            "kl_warmup_ratio": 0.5,
            "perceptual": {"backbone": str(backbone), "weight": 0.5, "layers": ["conv_stem", "layer.1"]},
            "attribute_consistency": {"weight": 2.0},
            "adversarial": {"start_ratio": 0.2, "ramp_ratio": 0.2, "channels": 8, "layers": ["layer.1"]},
            "edits": {"weight": 0.1, "reencoding_weight": 0.1, "start_ratio": 0.1},
        },
        "data": {"path": str(pictures), "augment": {"horizontal_flip": True}},
        "training": {
            "warmup_steps": 0, "max_steps": 24, "per_device_train_batch_size": 16, "learning_rate": 1e-3, "seed": 3,
            "save_steps": 4, "eval_steps": 8, "logging_steps": 4, "per_device_eval_batch_size": 200,
        },
        "attributes": {"bright": "boolean", "side": "numeric"},
    }  # fmt: skip


def write_recipe(folder: Path, values: dict) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text(yaml.safe_dump(values))
    return folder
