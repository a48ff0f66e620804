"""How long a model takes to decode one picture, in units of what Kitten Mixer's decoder takes.

    .venv/bin/python benchmarks/decoding.py                    # of the bundled cats
    .venv/bin/python benchmarks/decoding.py FOLDER --pairs 1000

Kitten Mixer's decoder is that of hub_configs/kitten-mixer-v6, four transposed 4 x 4 convolutions (256-128-64-32), with
new weights, as time does not depend on them. Both decode one latent in float32, one straight after the other and each
first in turn, so that what else the machine does meets both alike. The figure is the median over the pairs of the
ratio of the two times, and its spread from the 5th to the 95th percentile. A slider stays real time where it is at
most 5. On a machine that is busy with other work it is noisy, and two threads wait for each other.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch

from modeling_vae import VAEModel, VAEPipeline
from modeling_vae.recipes.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
BASELINE = ROOT / "hub_configs" / "kitten-mixer-v6"
WARM_UP = 10
"""Pairs that are decoded before any is timed."""
AT_MOST = 5.0
"""The ratio that is aimed for."""


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/decoding.py", description="Time a model's decoder.")
    parser.add_argument("folder", nargs="?", default=str(ROOT / "hub_configs" / "cats-128"), help="a published folder")
    parser.add_argument("--pairs", type=int, default=300, help="of pictures to time (default: 300)")
    parser.add_argument("--threads", type=int, default=2, help="for both (default: 2)")
    options = parser.parse_args(argv)
    if options.pairs < 1 or options.threads < 1:
        raise ValueError("--pairs and --threads are whole numbers of at least 1.")
    torch.set_num_threads(options.threads)
    model = VAEPipeline.from_pretrained(options.folder).model
    baseline = VAEModel(Recipe.read(BASELINE).config()).eval()
    ours, theirs = paired_seconds(model, baseline, options.pairs).T
    ratios = ours / theirs
    figures = {
        "pairs": options.pairs,
        "threads": torch.get_num_threads(),
        "machine": f"{platform.machine()}, torch {torch.__version__}",
        "model": described(model, ours),
        "kitten_mixer": described(baseline, theirs),
        "ratio": {"median": median(ratios), "5 %": quantile(ratios, 0.05), "95 %": quantile(ratios, 0.95)},
        "at_most": AT_MOST,
        "reached": median(ratios) <= AT_MOST,
    }
    print(json.dumps(figures, indent=2))


@torch.inference_mode()
def paired_seconds(model: VAEModel, baseline: VAEModel, pairs: int) -> np.ndarray:
    """Seconds that each takes to decode one latent: [pairs, 2]."""
    generator = torch.Generator().manual_seed(0)
    players = [(each, torch.randn(1, each.config.latent_dim, generator=generator)) for each in (model, baseline)]
    seconds = np.empty((WARM_UP + pairs, 2))
    for pair in range(len(seconds)):
        for place in (pair % 2, 1 - pair % 2):
            each, latent = players[place]
            started = time.perf_counter()
            each.decode(latent)
            seconds[pair, place] = time.perf_counter() - started
    return seconds[WARM_UP:]


def described(model: VAEModel, seconds: np.ndarray) -> dict[str, object]:
    config = model.config
    return {
        "image_size": list(config.height_and_width),
        "decoder_parameters": sum(weight.numel() for weight in model.decoder.parameters()),
        "median_milliseconds": median(1000 * seconds),
    }


def median(values: np.ndarray) -> float:
    return quantile(values, 0.5)


def quantile(values: np.ndarray, share: float) -> float:
    return round(float(np.quantile(values, share)), 3)


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
