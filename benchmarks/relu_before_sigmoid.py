"""What a ReLU before the sigmoid does to Kitten Mixer's third model, whose decoder has one there.

    python benchmarks/relu_before_sigmoid.py data.path=CATS --steps 600 --sheet third-model.webp

The network is trained twice, from the same weights and on the same pictures: as the recipe has it, and with the
activation that the original applies to what its last layer says. sigmoid(max(x, 0)) is never below one half, so that
no pixel can be darker than a middle grey. Printed for both are the loss of held-out pictures in nats a value, and the
brightness that one value in a hundred stays below; the sheet shows held-out pictures and what both make of them.
"""

from __future__ import annotations

import argparse
from itertools import chain, islice, repeat
from pathlib import Path

import torch
from torch import Tensor, nn

from modeling_vae import VAEImageProcessor, VAEModel
from modeling_vae.commands.whole_run import read
from modeling_vae.data import PictureData, labelled_batches
from modeling_vae.recipes import bundled
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.sheets import rows

BATCH, SHOWN, DARK = 64, 8, 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="of the recipe, such as data.path=PICTURES")
    parser.add_argument("--steps", type=int, default=600, help=f"of {BATCH} pictures")
    parser.add_argument("--sheet", type=Path, required=True, help="the picture to write")
    options = parser.parse_intermixed_args()
    recipe = Recipe.read(bundled.find("kitten-mixer-v3"), options.overrides)
    data = read(recipe)
    pictures, _ = next(iter(labelled_batches(data.validation, 500, 500)))
    columns = {"original": pictures}
    print(f"{len(pictures)} held-out pictures: one value in a hundred below {darkest(pictures):.3f}")
    for name, last in {"recipe": nn.Identity(), "with the ReLU": nn.ReLU()}.items():
        torch.manual_seed(0)
        model = VAEModel(recipe.config())
        model.decoder = nn.Sequential(model.decoder, last)
        trained(model, data, options.steps, recipe.training["learning_rate"])
        with torch.inference_mode():
            made = model(pictures, sample_posterior=False)
        columns[name] = made.reconstruction
        nats = (made.loss / pictures[0].numel()).item()
        print(f"{name}: loss {nats:.3f} nats a value, one in a hundred below {darkest(made.reconstruction):.3f}")
    shown = [VAEImageProcessor().postprocess(column[:SHOWN]) for column in columns.values()]
    larger = [[picture.resize((128, 128), 0) for picture in column] for column in shown]
    rows(larger, labels=list(columns)).save(options.sheet, quality=88)


def trained(model: VAEModel, data: PictureData, steps: int, learning_rate: float) -> None:
    """Adam over the training pictures in their order, again and again."""
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    epochs = chain.from_iterable(labelled_batches(data.train, BATCH) for _ in repeat(None))
    for pictures, _ in islice(epochs, steps):
        optimizer.zero_grad()
        model(pictures).loss.backward()
        optimizer.step()


def darkest(pictures: Tensor) -> float:
    """The brightness, 0 to 1, that one value in a hundred stays below."""
    values = pictures.flatten()
    return values.kthvalue(max(1, int(DARK * len(values)))).values.item()


if __name__ == "__main__":
    main()
