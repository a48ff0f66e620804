"""What tuning brings a photo: how near the picture comes, whether it is still the person, and what it costs.

    python benchmarks/tuning.py FOLDER PICTURE [PICTURE ...] --table tuning.md --sheet tuning.png

Identity is the distance of dlib's face embeddings from that of the photo's own crop; below 0.6 dlib takes two pictures
for one person. Nothing of the project was trained with it. It takes two packages, which nothing else here needs:
`pip install --no-deps dlib-bin face-recognition-models`. Without them the column is empty. Sheets of photos of people
are for looking at, not for publishing.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from modeling_vae import VAEPipeline

SMILE, STRENGTH = "Smiling", 2.0
Row = dict[str, float | str | None]
Identity = Callable[[Image.Image], "np.ndarray | None"]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/tuning.py", description="Measure tuned faces, photo by photo.")
    parser.add_argument("folder", type=Path, help="a published folder")
    parser.add_argument("photos", type=Path, nargs="+", help="photos that it was never trained on")
    parser.add_argument("--table", type=Path, help="Markdown file to write")
    parser.add_argument("--sheet", type=Path, help="picture file to draw photo, plain, tuned and smile into")
    options = parser.parse_args(argv)
    pipe, identity = VAEPipeline.from_pretrained(options.folder), embedding()
    rows, sheet = [], []
    for path in options.photos:
        row, pictures = measure(pipe, path, identity)
        rows.append(row)
        sheet.append(np.concatenate([np.asarray(picture) for picture in pictures], axis=1))
        print(" | ".join(cells(row)), flush=True)
    text = table(rows)
    print(text)
    if options.table is not None:
        options.table.write_text(text, encoding="utf-8")
    if options.sheet is not None:
        Image.fromarray(np.concatenate(sheet)).save(options.sheet)


def measure(
    pipe: VAEPipeline, path: Path, identity: Identity
) -> tuple[dict[str, float | str | None], list[Image.Image]]:
    """Figures of one photo, and its crop, plain, tuned, smiling, and tuned smiling picture."""
    crop = pipe.crop(path)
    seen = pipe.processor.fit(crop.picture)
    plain = pipe.reconstruct(crop)[0]
    started, used = time.perf_counter(), time.process_time()
    tuned = pipe.tune(crop)
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    drawn = tuned.reconstruct()
    smiles = SMILE in pipe.attributes
    plain_smile = pipe.edit(crop, {SMILE: STRENGTH}) if smiles else plain
    tuned_smile = tuned.edit({SMILE: STRENGTH}) if smiles else drawn
    row: dict[str, float | str | None] = {
        "photo": path.stem,
        "PSNR plain, dB": psnr(plain, seen),
        "tuned, dB": psnr(drawn, seen),
        "identity plain": distance(identity, plain, seen),
        "tuned": distance(identity, drawn, seen),
        "smile plain": distance(identity, plain_smile, seen),
        "smile tuned": distance(identity, tuned_smile, seen),
        "seconds": seconds,
        "CPU seconds": cpu,
    }
    return row, [seen, plain, drawn, plain_smile, tuned_smile]


def psnr(picture: Image.Image, wanted: Image.Image) -> float:
    error = np.asarray(picture, dtype=np.float64) - np.asarray(wanted, dtype=np.float64)
    return float(-10 * np.log10(max((error**2).mean() / 255**2, 1e-12)))


def distance(identity: Identity, picture: Image.Image, wanted: Image.Image) -> float | None:
    ours, theirs = identity(picture), identity(wanted)
    return None if ours is None or theirs is None else float(np.linalg.norm(ours - theirs))


def embedding() -> Identity:
    """dlib's 128 numbers of the face in a picture, as a whole where its own finder sees none; None without dlib."""
    package = importlib.util.find_spec("face_recognition_models")
    if package is None or package.origin is None or importlib.util.find_spec("dlib") is None:
        return lambda picture: None
    import dlib

    models = Path(package.origin).parent / "models"
    finder = dlib.get_frontal_face_detector()
    points = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))

    def embed(picture: Image.Image) -> np.ndarray:
        pixels = np.asarray(picture.convert("RGB").resize((256, 256), Image.Resampling.BICUBIC))
        faces = finder(pixels, 1)
        box = max(faces, key=lambda face: face.area()) if faces else dlib.rectangle(50, 60, 206, 216)
        return np.array(network.compute_face_descriptor(pixels, points(pixels, box)))

    return embed


def cells(row: dict[str, float | str | None]) -> list[str]:
    return [
        "" if value is None else value if isinstance(value, str) else f"{value:.2f}" if value < 10 else f"{value:.1f}"
        for value in row.values()
    ]


def table(rows: list[dict[str, float | str | None]]) -> str:
    """A row for each photo, the median of each column, and how many are below 0.6."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *map(cells, rows)]
    numbers = {name: [row[name] for row in rows if isinstance(row[name], float)] for name in names[1:]}
    medians = {name: statistics.median(values) if values else None for name, values in numbers.items()}
    lines.append(cells({"photo": "median", **medians}))
    below = []
    for name in names:
        values = numbers.get(name, [])
        is_identity = name in ("identity plain", "tuned", "smile plain", "smile tuned")
        below.append(f"{sum(value < 0.6 for value in values)} of {len(values)}" if is_identity and values else "")
    lines.append(["below 0.6", *below[1:]])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
