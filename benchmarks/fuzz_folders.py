"""Hostile published folders by the hundred: mutated tables and files of tensors through `VAEPipeline.from_pretrained`.

    python benchmarks/fuzz_folders.py --tries 600
    python benchmarks/fuzz_folders.py --seed 1234 --tries 1     # one try again

Each try is a whole folder of a small model with one file changed: a value of a JSON file or of a description in its
tensors' header, a shape, a type or a byte of the header, or bytes anywhere; where the header says a digest, it is the
right one again. Right is a pipeline that draws a face, or a ValueError or OSError in one line; wrong is any other
exception, more than 10 seconds, or more than 2 GB of memory. The tries run in a worker process with that much address
space above what it has at the start, which is replaced where one hangs or dies.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import struct
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

SECONDS, BYTES = 10.0, 2 * 2**30
TABLES = ("config.json", "preprocessor_config.json")
STRANGE = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2,
        3.5,
        1e308,
        float("nan"),
        float("inf"),
        10**6,
        10**30,
        "",
        "x",
        "8",
        "\x00",
        "😀",
    ),
    *(
        [],
        [1],
        [1, 2, 3],
        [None],
        [[]],
        {},
        {"a": 1},
        {"model_type": "vit"},
        {"model_type": "timm_wrapper"},
        "a" * 10**5,
    ),
)
KEYS = ("__class__", "dtype", "return_dict", "attn_implementation", "x")


# --- mutations ---------------------------------------------------------------------------------------------------


def places(values: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every value in nested tables and lists."""
    found = [path] if path else []
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in items:
        found += places(value, (*path, key))
    return found


def with_a_strange_value(values: Any, generator: np.random.Generator) -> Any:
    """The values with one changed, taken out, doubled or added."""
    values = json.loads(json.dumps(values))
    way = places(values)[int(generator.integers(len(places(values))))]
    parent = values
    for key in way[:-1]:
        parent = parent[key]
    strange = STRANGE[int(generator.integers(len(STRANGE)))]
    match int(generator.integers(6)):
        case 0:
            del parent[way[-1]]
        case 1 if isinstance(parent, list):
            parent += parent
        case 1:
            parent[("__class__", "dtype", "return_dict", "attn_implementation", "x")[int(generator.integers(5))]] = (
                strange
            )
        case _:
            parent[way[-1]] = strange
    return values


def header_of(data: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_header(header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def with_strange_tensors(folder: Path, name: str, generator: np.random.Generator) -> None:
    """Another shape, number of rows, type or value of one tensor, or another description, in a file that is whole."""
    import torch

    from modeling_vae.model.tensor_files import read_tensors, write_tensors

    tensors, description = read_tensors(folder / name)
    chosen = list(tensors)[int(generator.integers(len(tensors)))]
    tensor = tensors[chosen].clone()
    match int(generator.integers(7)):
        case 0:
            tensor = tensor[None]
        case 1:
            tensor = tensor[:0] if tensor.ndim else tensor
        case 2:
            tensor = torch.cat([tensor, tensor]) if tensor.ndim else tensor
        case 3:
            tensor = tensor.to([torch.int64, torch.float64, torch.bool, torch.bfloat16][int(generator.integers(4))])
        case 4 if tensor.numel():
            value = [float("nan"), float("inf"), -1.0, 0.0, 6e4][int(generator.integers(5))]
            tensor.view(-1)[int(generator.integers(tensor.numel()))] = value
        case 5 if tensor.is_floating_point():
            tensor = tensor * float([-1, 0, 1e4, 1e-6][int(generator.integers(4))])
        case _:
            description = with_a_strange_value(description, generator) if description else description
    write_tensors(folder / name, tensors | {chosen: tensor}, description)


def with_strange_bytes(data: bytes, generator: np.random.Generator) -> bytes:
    content = bytearray(data)
    place = int(generator.integers(len(content) if generator.random() < 0.5 else min(len(content), 400)))
    match int(generator.integers(4)):
        case 0:
            content[place] ^= 1 << int(generator.integers(8))
        case 1:
            del content[place:]
        case 2:
            content[place:place] = generator.bytes(int(generator.integers(1, 40)))
        case 3:
            content[:8] = struct.pack("<Q", int(generator.choice([0, 1, 2**20, 2**32, 2**62])))
    return bytes(content)


def with_no_file(path: Path, generator: np.random.Generator) -> None:
    path.unlink()
    match int(generator.integers(4)):
        case 0:
            os.mkfifo(path)
        case 1:
            path.mkdir()
        case 2:
            path.symlink_to("/dev/zero")
        case 3:
            path.symlink_to(path.parent / "nowhere")


def mutate(folder: Path, seed: int) -> str:
    """Change one file of a folder; its name."""
    generator = np.random.default_rng(seed)
    names = sorted(p.name for p in folder.iterdir() if p.suffix == ".safetensors" or p.name in TABLES)
    name = names[int(generator.integers(len(names)))]
    path, kind = folder / name, generator.random()
    if kind < 0.05:
        with_no_file(path, generator)
    elif kind < 0.2:
        path.write_bytes(with_strange_bytes(path.read_bytes(), generator))
    elif name in TABLES:
        path.write_text(json.dumps(with_a_strange_value(json.loads(path.read_text()), generator)))
    elif kind < 0.5:
        header, body = header_of(path.read_bytes())
        path.write_bytes(with_header(with_a_strange_value(header, generator), body))
    else:
        with_strange_tensors(folder, name, generator)
    return name


# --- tries -------------------------------------------------------------------------------------------------------


def write_folder(folder: Path) -> None:
    """A published folder of a small model with every part there is."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    import torch
    from tiny import tiny_pipeline

    from modeling_vae import FaceAlignment
    from modeling_vae.photos.reconstruction_errors import ReconstructionErrors

    pipe = tiny_pipeline(norm="batch")
    pipe.alignment = FaceAlignment().eval()
    pipe.errors = ReconstructionErrors(torch.linspace(0, 20, 101), pipe.weights_sha256)
    pipe.save_pretrained(folder)


def work(folder: str, seeds: Any, answers: Any) -> None:
    import torch
    from PIL import Image

    from modeling_vae import VAEPipeline

    torch.set_num_threads(1)
    VAEPipeline.from_pretrained(folder).generate(1)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))
    for seed in iter(seeds.get, None):
        with tempfile.TemporaryDirectory() as temporary:
            mutated = Path(shutil.copytree(folder, Path(temporary) / "vae"))
            name, started = mutate(mutated, seed), time.monotonic()
            answers.put((seed, name, "begun", ""))
            try:
                pipe = VAEPipeline.from_pretrained(mutated)
                pipe.crops(Image.new("RGB", (60, 40)))
                pipe.read(pipe.sample(1))
                pipe.generate(1)
                said, words = "taken", ""
            except (ValueError, OSError) as error:
                words = str(error)
                said = "refused" if words.strip() and "\n" not in words else "no sentence"
            except BaseException:  # noqa: BLE001 - each is a finding
                said, words = "fault", traceback.format_exc()
            if time.monotonic() - started > SECONDS:
                said = "slow"
            answers.put((seed, name, said, words))


def run(folder: Path, seeds: list[int]) -> tuple[Counter[str], list[str]]:
    context = multiprocessing.get_context("spawn")
    waiting, findings, counts = list(seeds), [], Counter[str]()
    while waiting:
        tasks, answers = context.Queue(), context.Queue()
        for seed in [*waiting, None]:
            tasks.put(seed)
        worker = context.Process(target=work, args=(str(folder), tasks, answers), daemon=True)
        worker.start()
        patience, current = 120.0, None
        while waiting:
            try:
                seed, name, said, words = answers.get(timeout=patience)
            except Exception:  # noqa: BLE001 - the queue is empty: the worker hangs or is dead
                counts["hung or died"] += 1
                findings.append(f"seed {current or waiting[0]}: hung or died (exit code {worker.exitcode})")
                waiting.remove(current or waiting[0])
                break
            patience, current = 3 * SECONDS, seed
            if said != "begun":
                counts[said] += 1
                waiting.remove(seed)
                if said not in ("taken", "refused"):
                    findings.append(f"seed {seed}, {name}: {said}\n{words}")
        worker.kill()
        worker.join()
    return counts, findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0, help="of the first try; the others follow")
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "vae"
        write_folder(folder)
        counts, findings = run(folder, list(range(options.seed, options.seed + options.tries)))
    print("\n".join(findings))
    seconds = time.monotonic() - started
    print(
        f"{options.tries} folders in {seconds:.0f} s: {', '.join(f'{n} {said}' for said, n in counts.most_common())}"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
