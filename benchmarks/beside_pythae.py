"""A training beside pythae's trainer (version 0.1.2) with the same network, the same pictures and the plain ELBO.

    python benchmarks/beside_pythae.py pictures-64 data.path=PICTURES data.max_pictures=2400

pythae and what it needs alone go to a temporary folder, which its process sees before the packages of this
environment. Each side trains in a new process, by turns, with one thread; both evaluate after every epoch and keep the
best weights or a checkpoint, and ours mirrors, averages and films beside. Counted are pictures a second of processor
time, from the first to the last of `train()`: the median and the range over the rounds. A third side is pythae with
glibc told to keep freed memory, as ours tells it; the rest is what the trainers themselves differ in.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from recipe_options import recipe_parser

from modeling_vae.commands.whole_run import filmed, read
from modeling_vae.data import labelled_batches
from modeling_vae.recipes import bundled
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training.allocator import keep_freed_memory
from modeling_vae.training.run import train

ROOT = Path(__file__).resolve().parents[1]
PYTHAE = "pythae==0.1.2"
PLAIN = {"perceptual": None, "attribute_consistency": None, "edits": None, "adversarial": None}
KEPT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**62)}
"""What `keep_freed_memory` does, said to glibc from outside."""


def installed(folder: Path) -> dict[str, str]:
    """The surroundings of a process that finds pythae, whose own demands on other packages are not met."""
    install = ["install", "--quiet", "--no-deps", "--target", str(folder), PYTHAE, "cloudpickle"]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def ours(file: Path) -> dict[str, float]:
    """A training as `train.py` does it, from the cached pictures to the last checkpoint."""
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    keep_freed_memory()
    recipe = Recipe.read(file)
    data = read(recipe)
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        _, steps = train(recipe, data, Path(folder), filmed(Path(folder), data))
        seconds = time.process_time() - started
    return {"seconds": seconds, "pictures": steps * recipe.training["per_device_train_batch_size"]}


def alone(file: Path) -> dict[str, float]:
    """Ours in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(ours, file).result()


def theirs(file: Path, pictures: Path, epochs: int, surroundings: dict[str, str]) -> dict[str, float]:
    """pythae's trainer, in its surroundings."""
    command = [sys.executable, str(ROOT / "benchmarks" / "pythae_trainer.py"), str(file), str(pictures), str(epochs)]
    done = subprocess.run(command, env=surroundings, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def plain_recipe(name: str, overrides: list[str], epochs: int) -> Recipe:
    """The recipe with the likelihood and KL alone, evaluated after every epoch."""
    settings = {"num_train_epochs": epochs, "max_steps": -1, "eval_strategy": "epoch", "save_strategy": "epoch"}
    fixed = [f"training.{key}={value}" for key, value in (settings | {"disable_tqdm": "true"}).items()]
    recipe = Recipe.read(bundled.find(name), [*overrides, *fixed])
    recipe.training.setdefault("per_device_train_batch_size", 64)
    objective: Any = recipe.objective.model_copy(update=PLAIN)
    return recipe.model_copy(update={"objective": objective, "attributes": {}, "stages": {}})


def main() -> None:
    parser = recipe_parser(__doc__)
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_intermixed_args()
    logging.disable(logging.WARNING)
    recipe = plain_recipe(options.recipe, options.overrides, options.epochs)
    data = read(recipe)
    sides: dict[str, list[dict[str, float]]] = {"ours": [], "pythae": [], "pythae, freed memory kept": []}
    with tempfile.TemporaryDirectory() as folder:
        file, pictures = Path(folder) / "recipe.yaml", Path(folder) / "pictures.pt"
        recipe.write(file)
        splits = {"train": data.train, "validation": data.validation}
        torch.save({n: torch.cat([p for p, _ in labelled_batches(s, 256)]) for n, s in splits.items()}, pictures)
        surroundings = installed(Path(folder) / "pythae")
        for _ in range(options.rounds):
            sides["ours"].append(alone(file))
            sides["pythae"].append(theirs(file, pictures, options.epochs, surroundings))
            sides["pythae, freed memory kept"].append(theirs(file, pictures, options.epochs, surroundings | KEPT))
            print({name: rounds[-1] for name, rounds in sides.items()}, file=sys.stderr, flush=True)
    rates = {name: [found["pictures"] / found["seconds"] for found in rounds] for name, rounds in sides.items()}
    print("| side | pictures a second | ours, times as many |\n| --- | --- | --- |")
    for name, own in rates.items():
        times = [ours / other for ours, other in zip(rates["ours"], own, strict=True)]
        spread = f"{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})"
        print(f"| {name} | {statistics.median(own):.0f} | {spread} |")
    evaluating = statistics.median(found["evaluating"] / found["seconds"] for found in sides["pythae"])
    print(f"pythae evaluates for {evaluating:.0%} of its time.")


if __name__ == "__main__":
    sys.exit(main())
