"""How well faces are found and levelled: on held-out pictures that were turned, scaled and shifted, and on photos.

    python benchmarks/alignment.py FOLDER --data PICTURES          # corners, in shares of the side
    python benchmarks/alignment.py FOLDER --photos FOLDER --sheet crops.png

The first plants held-out pictures (turned by up to 15 degrees, scaled by 0.8 to 1.25, shifted by up to 15 % of the
side) before a background, and asks `pipe.crop` where they are: in a photo of the picture's own size, which cuts some
of it off, and in ones two and three times as large. The second draws what `pipe.crops` finds in each photo, to be
looked at. Sheets of photos of people are for looking at, not for publishing.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from modeling_vae import VAEPipeline, to_picture
from modeling_vae.data import labelled_batches, load_data
from modeling_vae.fitting.fit_alignment import PLANTED, plant
from modeling_vae.recipes.recipe import DataRecipe

TILE, THUMBNAIL, MOST_SHOWN = 224, 72, 6


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/alignment.py", description="Measure the crops of a model.")
    parser.add_argument("folder", type=Path, help="a published folder with an alignment")
    parser.add_argument("--data", help="the pictures, as data.path in a recipe")
    parser.add_argument("--pictures", type=int, default=200, help="held-out pictures to plant (default: 200)")
    parser.add_argument("--photos", type=Path, help="a folder of photos")
    parser.add_argument("--sheet", type=Path, help="picture file to draw the crops of the photos into")
    options = parser.parse_args(argv)
    pipe = VAEPipeline.from_pretrained(options.folder)
    if pipe.alignment is None:
        raise ValueError(f"{options.folder} has no alignment.safetensors: train the model again to get one.")
    if options.data:
        print(json.dumps({"planted": PLANTED} | planted_figures(pipe, options.data, options.pictures), indent=2))
    if options.photos:
        for name, line in draw_photos(pipe, options.photos, options.sheet).items():
            print(f"{name:24} {line}")


def planted_figures(pipe: VAEPipeline, path: str, count: int) -> dict[str, dict[str, float]]:
    """Errors of the corners of `pipe.crop`, in sides, for photos of the picture's size, twice and three times that."""
    config = pipe.model.config
    data = load_data(
        DataRecipe(path=path), image_size=config.height_and_width, num_channels=config.num_channels, attributes={}
    )
    batches = labelled_batches(data.validation, count)
    pictures = (next(iter(batches))[0] * 255).round().to(torch.uint8)[:count]
    figures = {}
    for room in (1.0, 2.0, 3.0):
        random, errors, found, started = np.random.default_rng(1), [], 0, time.perf_counter()
        for i, picture in enumerate(pictures):
            photo, wanted = plant(picture, pictures[(i + 1) % len(pictures)], random, room)
            crop = pipe.crop(photo)
            found += crop.found is not None
            errors.append(np.linalg.norm(crop.crop.corners - wanted.corners, axis=1).mean() / wanted.height)
        figures[f"photo of {room:g} sides"] = {
            "pictures": len(pictures),
            "found": found / len(pictures),
            "median": float(np.median(errors)),
            "90 %": float(np.quantile(errors, 0.9)),
            "seconds each": (time.perf_counter() - started) / len(pictures),
        }
    return figures


def draw_photos(pipe: VAEPipeline, folder: Path, sheet: Path | None) -> dict[str, str]:
    """What is found in each photo, in words, and drawn into a sheet where one is asked for."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    columns, high = 6, TILE + 2 * THUMBNAIL + 16
    picture = Image.new("RGB", (columns * TILE, -(-len(paths) // columns) * high), "white")
    words = {}
    for i, path in enumerate(paths):
        photo = to_picture(path)
        crops = pipe.crops(photo)
        words[path.name] = "; ".join(
            f"{c.found} {c.crop.height:.0f} px at ({c.crop.center[0]:.0f}, {c.crop.center[1]:.0f}), "
            f"{c.crop.angle:+.0f} degrees"
            for c in crops
        )
        x, y = i % columns * TILE, i // columns * high
        for number, crop in enumerate(crops[:MOST_SHOWN]):
            thumbnail = crop.picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
            picture.paste(thumbnail, (x + number % 3 * (THUMBNAIL + 2), y + TILE + 14 + number // 3 * THUMBNAIL))
        draw = ImageDraw.Draw(photo)
        for crop in crops:
            corners = [(float(u), float(v)) for u, v in crop.crop.corners]
            draw.line([*corners, corners[0]], fill="red", width=max(2, max(photo.size) // 200))
        photo.thumbnail((TILE - 4, TILE - 4))
        picture.paste(photo, (x, y + 12))
        ImageDraw.Draw(picture).text((x, y), path.name, fill="black")
    if sheet is not None:
        picture.save(sheet)
    return {name: line or "no face" for name, line in words.items()}


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
