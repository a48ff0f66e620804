"""A night of random files: mutated pictures and tables through every door, seeds fixed.

    python benchmarks/fuzz.py --tries 2000
    python benchmarks/fuzz.py --door pictures --seed 1234 --tries 1     # one try again

Each try is a whole file, damaged in one or a few ways, given to one door: to what a person's file first meets. Right
is an answer, or a ValueError or OSError in a sentence; wrong is any other exception, a message without words, more
than 10 seconds, or more than 2 GB of memory. The tries run in a worker process, which is replaced where one hangs or
dies, so that a crash of a decoder is a finding and not the end.

A door is a function (generator, folder) -> action: it writes what it needs into the folder, and the action is what is
tried. Add it to DOORS.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import resource
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

SECONDS = 10.0
BYTES = 2 * 2**30
Action = Callable[[], object]
Door = Callable[[np.random.Generator, Path], Action]


# --- mutations ---------------------------------------------------------------------------------------------------


def mutated(data: bytes, generator: np.random.Generator) -> bytes:
    """`data` damaged once or a few times: bytes, bits, lengths, cuts, repetitions, and pieces from elsewhere."""
    bytes_ = bytearray(data)
    for _ in range(generator.integers(1, 3)):
        if not bytes_:
            break
        place = int(generator.integers(len(bytes_)))
        if generator.random() < 0.5:  # most of what a decoder believes stands in the beginning
            place = int(generator.integers(min(len(bytes_), 200)))
        length = int(generator.integers(1, 40))
        match int(generator.integers(7)):
            case 0:
                bytes_[place] = int(generator.integers(256))
            case 1:
                bytes_[place] ^= 1 << int(generator.integers(8))
            case 2:
                number = int(generator.choice([0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x10000000]))
                bytes_[place : place + 4] = struct.pack(">I" if generator.random() < 0.5 else "<I", number)
            case 3:
                del bytes_[place:]
            case 4:
                del bytes_[place : place + length]
            case 5:
                bytes_[place:place] = bytes_[place : place + length] * int(generator.integers(1, 20))
            case 6:
                bytes_[place:place] = generator.bytes(length)
    return bytes(bytes_)


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose chunks' checksums are right again, so that what is in them is believed."""
    result, place = data[:8], 8
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        body = data[place + 4 : place + 8 + length]
        result += data[place : place + 4] + body + struct.pack(">I", zlib.crc32(body))
        place += 12 + length
    return result


# --- pictures ----------------------------------------------------------------------------------------------------


@cache
def seeds_of_pictures() -> list[tuple[str, bytes]]:
    """Small whole files of every format, with profiles, Exif, palettes, 16 bits and several frames."""
    import modeling_vae  # noqa: F401  # registers the reader of HEIC
    from modeling_vae.model.picture_colours import _matrix_profile

    profile = _matrix_profile((0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06), None)
    levels = np.random.default_rng(0).integers(0, 256, (40, 48, 4), dtype=np.uint8)
    smooth = Image.fromarray(levels).resize((12, 10)).resize((96, 80), Image.Resampling.BICUBIC)
    rgb, exif = smooth.convert("RGB"), Image.Exif()
    exif[0x0112] = 6
    sixteen = Image.fromarray(np.asarray(smooth.convert("L")).astype(np.uint16) * 257)
    files = [(kind, rgb, {"icc_profile": profile, "exif": exif}) for kind in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")]
    files += [(kind, rgb, {}) for kind in ("GIF", "BMP", "PPM", "JPEG2000", "ICO")]
    files += [("PNG", smooth, {}), ("PNG", smooth.convert("P"), {"transparency": 3}), ("PNG", sixteen, {})]
    files += [("PNG", sixteen, {"transparency": 1000}), ("PNG", rgb.convert("1"), {})]
    files += [("WEBP", smooth, {"lossless": True}), ("TIFF", rgb.convert("CMYK"), {}), ("TIFF", sixteen, {})]
    files += [
        ("JPEG", rgb.convert("CMYK"), {}),
        ("JPEG", rgb, {"progressive": True}),
        ("TIFF", rgb, {"compression": "tiff_lzw"}),
    ]
    files += [(kind, rgb, {"save_all": True, "append_images": [rgb] * 3}) for kind in ("GIF", "PNG", "WEBP")]
    if "HEIF" in Image.SAVE:
        files += [("HEIF", rgb, {"icc_profile": profile, "exif": exif.tobytes()}), ("HEIF", smooth, {})]
    found = []
    for kind, picture, options in files:
        data = io.BytesIO()
        picture.save(data, kind, **options)
        found.append((kind, data.getvalue()))
    gamma = struct.pack(">I", 4) + b"gAMA" + struct.pack(">I", 100_000)
    png = found[0][1]
    found.append(("PNG", png[:33] + gamma + struct.pack(">I", zlib.crc32(gamma[4:])) + png[33:]))
    return found


def mutated_picture(generator: np.random.Generator) -> bytes:
    kinds = seeds_of_pictures()
    kind, data = kinds[int(generator.integers(len(kinds)))]
    data = mutated(data, generator)
    return with_right_checksums(data) if kind == "PNG" and generator.random() < 0.7 else data


def pictures(generator: np.random.Generator, folder: Path) -> Action:
    """One file through `to_picture`, as bytes or as a file, and through the crop that keeps its colours."""
    from modeling_vae import Crop, PhotoCrop, to_picture
    from modeling_vae.model.image_processing_image_vae import upright

    data, way = mutated_picture(generator), int(generator.integers(3))

    def action() -> object:
        if way == 0:
            return to_picture(data)
        if way == 1:
            (folder / "photo").write_bytes(data)
            return to_picture(folder / "photo")
        import torch

        photo = upright(data)
        crop = PhotoCrop(photo, Crop.of_box((0, 0, *photo.size)))
        return crop.changed(torch.zeros(3, 8, 8)) if photo.width * photo.height < 10**6 else crop

    return action


# --- tables ------------------------------------------------------------------------------------------------------


@cache
def seeds_of_tables() -> list[tuple[str, bytes]]:
    """Whole tables of 24 pictures, of every kind that is read."""
    import pyarrow
    import pyarrow.parquet

    columns = ("file_name", "smile", "age", "coat")
    rows = [(f"{n:03d}.png", "yes" if n % 2 else "no", f"{n / 2}", f"Kätzchen {n % 3}") for n in range(24)]
    text = {sep: "\n".join(sep.join(row) for row in [columns, *rows]) + "\n" for sep in ",;\t"}
    files = [("metadata.csv", text[","].encode()), ("metadata.csv", text[";"].encode("cp1252"))]
    files += [("metadata.csv", text["\t"].encode("utf-16")), ("metadata.tsv", text["\t"].encode("utf-8-sig"))]
    lines = [json.dumps(dict(zip(columns, row, strict=True))) for row in rows]
    files.append(("metadata.jsonl", "\n".join(lines).encode()))
    table = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({c: [r[i] for r in rows] for i, c in enumerate(columns)}), table)
    files.append(("metadata.parquet", table.getvalue()))
    listed = [f"{row[0]} {1 if n % 2 else -1} {-1}" for n, row in enumerate(rows)]
    files.append(("list_attr_celeba.txt", "\n".join(["24", "smile young", *listed, ""]).encode()))
    files.append(("list_eval_partition.txt", "\n".join(f"{row[0]} {n % 3}" for n, row in enumerate(rows)).encode()))
    return files


def tables(generator: np.random.Generator, folder: Path) -> Action:
    """A folder of 24 good pictures beside a damaged table through `load_data`, cached or streamed."""
    names = seeds_of_tables()
    name, data = names[int(generator.integers(len(names)))]
    _write_pictures(folder / "data")
    (folder / "data" / name).write_bytes(mutated(data, generator))
    attributes: dict[str, str] = {"smile": "boolean"}
    if name.startswith("metadata") and generator.random() < 0.7:
        attributes |= {"age": "numeric", "coat": "category"}
    if name == "list_eval_partition.txt":
        attributes = {}
    return _loading(folder, attributes, generator)


def folders(generator: np.random.Generator, folder: Path) -> Action:
    """A folder in which a few of 60 pictures are damaged, and files have any names, through `load_data`."""
    data = folder / "data"
    _write_pictures(data, 60)
    for _ in range(int(generator.integers(1, 4))):
        letters = "".join(generator.choice(list("aB1. _-[]*?:;%#~äé\u0301train"), size=int(generator.integers(1, 12))))
        place = data / str(generator.choice(["", "train", "val", "a b", "test [1]"]))
        place.mkdir(exist_ok=True)
        name = letters.strip(".") or "x"
        (place / f"{name}{generator.choice(['', '.jpg', '.PNG', '.txt', '.heic', '.csv'])}").write_bytes(
            mutated_picture(generator)
        )
    return _loading(folder, {}, generator)


def _write_pictures(folder: Path, count: int = 24) -> None:
    folder.mkdir()
    for number in range(count):
        colour = tuple(int(level) for level in np.random.default_rng(number).integers(0, 256, 3))
        Image.new("RGB", (8, 8), colour).save(folder / f"{number:03d}.png")


def _loading(folder: Path, attributes: dict[str, str], generator: np.random.Generator) -> Action:
    from modeling_vae.data import load_data
    from modeling_vae.recipes.recipe import DataRecipe

    streaming = bool(generator.random() < 0.3)

    def action() -> object:
        recipe = DataRecipe(path=str(folder / "data"), validation=0.3, streaming=streaming)
        data = load_data(recipe, image_size=(8, 8), num_channels=3, attributes=attributes, cache_dir=folder / "cache")
        return str(data.report), next(iter(data.train.plain()), None)

    return action


DOORS: dict[str, Door] = {"pictures": pictures, "tables": tables, "folders": folders}


# --- one try, and many -------------------------------------------------------------------------------------------


def attempt(door: str, seed: int) -> str:
    """What came of one try: "answered", "refused: ...", or "WRONG: ..."."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        action = DOORS[door](np.random.default_rng([seed, list(DOORS).index(door)]), Path(folder))
        try:
            action()
        except (ValueError, OSError) as error:
            if isinstance(error.__cause__, MemoryError):
                return f"WRONG: out of {BYTES // 2**30} GB of memory"
            sentence = str(error).replace(folder, "FOLDER")
            return f"refused: {sentence}" if " " in sentence else f"WRONG: {type(error).__name__} without words"
        except Exception as error:  # noqa: BLE001  # which is what is looked for
            frame = traceback.extract_tb(error.__traceback__)[-1]
            return f"WRONG: {type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno})"
    return "answered"


def _serve(connection) -> None:
    """The worker: tries what it is sent, with 2 GB beyond what it holds at the start."""
    import torch

    torch.set_num_threads(1)
    attempt("pictures", 0)
    attempt("tables", 0)
    with open("/proc/self/statm") as status:
        held = int(status.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + BYTES, held + BYTES))
    while (asked := connection.recv()) is not None:
        connection.send(attempt(*asked))


def run(door: str, seeds: range) -> list[tuple[int, str, float]]:
    """Seed, outcome and seconds of each try."""
    context = multiprocessing.get_context("spawn")
    found: list[tuple[int, str, float]] = []
    worker, ours = None, None
    for seed in seeds:
        if worker is None:
            ours, theirs = context.Pipe()
            worker = context.Process(target=_serve, args=(theirs,), daemon=True)
            worker.start()
            theirs.close()
            ours.send((door, 0))  # the first is slow, as it imports everything
            ours.recv()
        started = time.monotonic()
        ours.send((door, seed))
        try:
            outcome = ours.recv() if ours.poll(SECONDS) else f"WRONG: no answer after {SECONDS:g} s"
        except EOFError:
            worker.join()
            outcome = f"WRONG: the process died ({worker.exitcode})"
        if outcome.startswith(("WRONG: no answer", "WRONG: the process")):
            worker.kill()
            worker = None
        found.append((seed, outcome, time.monotonic() - started))
    if worker is not None:
        ours.send(None)
        worker.join()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--door", choices=DOORS, help="one of them; all by default")
    parser.add_argument("--tries", type=int, default=700, help="for each door")
    parser.add_argument("--seed", type=int, default=1, help="of the first try; those after it count upwards")
    arguments = parser.parse_args()
    wrong = 0
    for door in [arguments.door] if arguments.door else DOORS:
        found = run(door, range(arguments.seed, arguments.seed + arguments.tries))
        kinds = Counter(outcome.split(":")[0] for _, outcome, _ in found)
        slowest = max(found, key=lambda one: one[2])
        print(f"{door}: {dict(kinds)}; slowest {slowest[2]:.1f} s (seed {slowest[0]})", flush=True)
        for seed, outcome, _ in found:
            if outcome.startswith("WRONG"):
                wrong += 1
                print(f"  seed {seed}: {outcome}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
