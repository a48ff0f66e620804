"""Small data sets made on the spot, and what comes out of them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from modeling_vae.data import labelled_batches


def noise(seed: int, height: int = 12, width: int = 10) -> Image.Image:
    """An RGB picture like no other."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def write_folder(folder: Path, seeds: range) -> Path:
    """A folder of pictures 000.png, 001.png, ..., one for each seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        noise(seed).save(folder / f"{number:03d}.png")
    return folder


def write_tar(path: Path, samples: list[dict[str, bytes]]) -> Path:
    """A webdataset archive: each sample is {suffix: bytes}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for number, sample in enumerate(samples):
            for suffix, data in sample.items():
                member = tarfile.TarInfo(f"{path.stem}-{number:03d}.{suffix}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


def contents(dataset: Any) -> dict[bytes, dict]:
    """Every picture's bytes, as uint8 [H, W, C], with its labels."""
    found: dict[bytes, dict] = {}
    for pixel_values, labels in labelled_batches(dataset, 7):
        assert pixel_values.dtype == torch.float32
        pictures = (pixel_values * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        for number, picture in enumerate(pictures):
            key = picture.tobytes()
            assert key not in found, "a picture came twice"
            found[key] = {column: values[number] for column, values in labels.items()}
    return found


def expected(seeds: Iterable[int], label: Callable[[int], dict] | None = None) -> dict[bytes, dict]:
    return {np.asarray(noise(seed)).tobytes(): label(seed) if label else {} for seed in seeds}
