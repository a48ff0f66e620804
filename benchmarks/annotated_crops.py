"""How near crops by annotated eyes come to a data set of crops that somebody else made of the same photographs.

    python benchmarks/annotated_crops.py PHOTOS --data CROPS --sheet crops.png

PHOTOS is a folder of photographs with points (`NAME.jpg.cat` beside each), CROPS a data set as data.path in a recipe.
Each photograph is cropped by `data.crop.points`; of all crops the one is looked for whose thumbnail correlates most
with it. Where that is the same photograph, the affine map from ours to theirs (found by the enhanced correlation
coefficient, Evangelidis and Psarakis 2008) says where our eyes lie in their picture: figures are distances from where
the recipe puts them, in shares of the side. The sheet shows ours above theirs: for looking at, not for publishing.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from torch import Tensor

from modeling_vae.data import labelled_batches, load_data
from modeling_vae.recipes.recipe import DataRecipe
from modeling_vae.sheets import rows

EYES = {"left_eye": (18 / 64, 26 / 64), "right_eye": (46 / 64, 26 / 64)}
THUMBNAIL, SAME = 16, 0.9
"""Side of the thumbnails, and their correlation above which two crops are of one photograph."""
COLUMNS, ENLARGED = 12, 96


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/annotated_crops.py", description="Compare crops.")
    parser.add_argument("photos", help="a folder of photographs with .cat files")
    parser.add_argument("--data", required=True, help="the other crops, as data.path in a recipe")
    parser.add_argument("--side", type=int, default=64, help="of the crops, in pixels (default: 64)")
    parser.add_argument("--sheet", type=Path, help="picture file to draw both into")
    options = parser.parse_args(argv)
    ours = pictures(DataRecipe(path=options.photos, validation=0.5, crop={"points": EYES}), options.side)
    theirs = pictures(DataRecipe(path=options.data), options.side)
    best, similarity = nearest(thumbnails(ours), thumbnails(theirs))
    same = np.flatnonzero(similarity > SAME)
    distances = {int(i): eye_distances(ours[i], theirs[best[i]]) for i in same}
    found = {i: errors for i, errors in distances.items() if errors is not None}
    errors = np.array(list(found.values()))  # [N, 2]
    figures = {
        "photographs": len(ours),
        "the same photograph found": len(same),
        "registered": len(found),
        "eyes, median": float(np.median(errors)),
        "eyes, 90 %": float(np.quantile(errors, 0.9)),
        "within 2 %": float((errors < 0.02).mean()),
    }
    print(json.dumps(figures, indent=2))
    if options.sheet is not None:
        draw(ours, theirs, [(i, int(best[i])) for i in found]).save(options.sheet)


def pictures(data: DataRecipe, side: int) -> np.ndarray:
    """All pictures of a data set, uint8 [N, side, side, 3]."""
    loaded = load_data(data, image_size=(side, side), num_channels=3, attributes={})
    splits = (loaded.train, loaded.validation)
    batches = [values for split in splits for values, _ in labelled_batches(split, 256)]
    return np.concatenate([_grey_levels(values) for values in batches])


def _grey_levels(pixel_values: Tensor) -> np.ndarray:
    levels: np.ndarray = (pixel_values * 255).round().byte().permute(0, 2, 3, 1).numpy()
    return levels


def thumbnails(pictures: np.ndarray) -> np.ndarray:
    """[N, D]: grey thumbnails without their mean, of length 1."""
    size = (THUMBNAIL, THUMBNAIL)
    small = [cv2.resize(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA) for p in pictures]
    flat = np.stack(small).reshape(len(small), -1).astype(np.float64)
    flat -= flat.mean(1, keepdims=True)
    result: np.ndarray = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    return result


def nearest(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each of ours the most similar of theirs, and the correlation."""
    correlations = ours @ theirs.T
    best = correlations.argmax(1)
    return best, correlations[np.arange(len(ours)), best]


def eye_distances(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float] | None:
    """How far each eye of ours lies in theirs from where it lies in ours; None where they cannot be registered."""
    side = len(ours)
    template, moved = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (ours, theirs))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 300, 1e-7)
    try:
        _, warp = cv2.findTransformECC(
            template, moved, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, criteria, None, 3
        )
    except cv2.error:
        return None
    first, second = (
        float(np.linalg.norm(warp @ [x * side - 0.5, y * side - 0.5, 1] - [x * side - 0.5, y * side - 0.5])) / side
        for x, y in EYES.values()
    )
    return first, second


def draw(ours: np.ndarray, theirs: np.ndarray, pairs: list[tuple[int, int]]) -> Image.Image:
    """Ours above theirs, with the eyes' places marked."""
    lines: list[list[Image.Image]] = []
    for start in range(0, len(pairs), COLUMNS):
        part = pairs[start : start + COLUMNS]
        lines.append([_marked(ours[i]) for i, _ in part])
        lines.append([_marked(theirs[j]) for _, j in part])
    return rows(lines, labels=["ours", "theirs"] * (len(lines) // 2))


def _marked(picture: np.ndarray) -> Image.Image:
    shown = Image.fromarray(picture).resize((ENLARGED, ENLARGED), Image.Resampling.LANCZOS)
    for x, y in EYES.values():
        shown.putpixel((round(x * ENLARGED), round(y * ENLARGED)), (255, 0, 0))
    return shown


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
