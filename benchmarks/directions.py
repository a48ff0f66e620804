"""One pass for the directions of forty attributes beside the bare encoder: what labels and sums cost.

    python benchmarks/directions.py hub_configs/faces-128

Both encode the same pictures in the same batches, by turns, with one thread; the pass also makes batches of pictures
with their labels, and adds up the moments of all attributes. Given is the pass's rate as a share of the encoder's, by
processor time: the median and the range over the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from modeling_vae import VAEModel
from modeling_vae.data import labelled_batches
from modeling_vae.fitting.latent_passes import latent_moments
from modeling_vae.fitting.new_directions import BATCH
from modeling_vae.passes import posteriors


def seconds(call: Callable[[], object]) -> float:
    """Processor seconds of a call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a published folder")
    parser.add_argument("--attributes", type=int, default=40)
    parser.add_argument("--pictures", type=int, default=2 * BATCH)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = VAEModel.from_pretrained(options.folder).eval()
    generator = torch.Generator().manual_seed(0)
    shape = (model.config.num_channels, *model.config.height_and_width)
    pictures = torch.rand(options.pictures, *shape, generator=generator)
    truth = torch.rand(options.pictures, options.attributes, generator=generator) < 0.3
    columns = [f"attribute_{i}" for i in range(options.attributes)]
    items = [
        {"pixel_values": picture, "labels": dict(zip(columns, row, strict=True))}
        for picture, row in zip(pictures, truth.tolist(), strict=True)
    ]
    kinds = dict.fromkeys(columns, "boolean")

    def whole() -> None:
        latent_moments(model, labelled_batches(items, BATCH), kinds)

    def bare() -> None:
        with torch.inference_mode():
            for _ in posteriors(model, pictures.split(BATCH)):
                pass

    whole(), bare()
    shares = [seconds(bare) / seconds(whole) for _ in range(options.rounds)]
    spread = f"{min(shares):.3f} to {max(shares):.3f}"
    print(f"| directions of {len(columns)} attributes, to the encoder | {statistics.median(shares):.3f} ({spread}) |")


if __name__ == "__main__":
    main()
