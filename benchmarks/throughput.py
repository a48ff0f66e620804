"""A whole training beside a bare loop over a tensor: what decoding, the Trainer, logs and checkpoints cost.

    python benchmarks/throughput.py pictures-64 data.path=PICTURES
    python benchmarks/throughput.py cats-128 data.path=CATS objective.perceptual=null objective.adversarial=null

Both take the same steps of the same objective, the running average included; the training also reads the cache,
mirrors, logs, evaluates once, films itself and writes two checkpoints. They take turns, and processor time is counted,
which minds other work less than the clock. Given is the training's rate as a share of the bare loop's: its median and
its range over the rounds.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import TrainerCallback

from modeling_vae.commands.whole_run import filmed, read
from modeling_vae.data import PictureData, collate
from modeling_vae.recipes import bundled
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training.allocator import keep_freed_memory
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.run import build_model, train
from modeling_vae.training.terms.attribute_distance import attribute_distance

FIRST = 5
"""Steps that are not counted, as they set things up."""


class Clock(TrainerCallback):
    """Processor seconds from the first counted step to the end of the training."""

    seconds = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == FIRST:
            self.seconds = -time.process_time()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.seconds += time.process_time()


def bare(recipe: Recipe, data: PictureData, probes: Path, steps: int) -> float:
    """Seconds of as many counted steps over pictures that lie ready."""
    torch.manual_seed(1)
    attributes = attribute_distance(recipe, data, probes)
    objective = TrainingObjective(build_model(recipe), recipe.objective, 0.998, attributes)
    objective.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW([w for w in objective.parameters() if w.requires_grad], lr=1e-4, fused=True)
    batch = recipe.training["per_device_train_batch_size"]
    ready = collate(data.train.__getitems__(range(8 * batch)))["pixel_values"].split(batch)
    for step in range(steps):
        if step == FIRST:
            started = time.process_time()
        objective(ready[step % len(ready)], step=step, progress=step / steps)["loss"].backward()
        nn.utils.clip_grad_norm_(objective.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad()
        objective.update_average()
    return time.process_time() - started


def whole(recipe: Recipe, data: PictureData, probes: Path) -> float:
    """Seconds of the same steps by the training itself."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder) / "checkpoints"
        checkpoints.mkdir()
        for file in probes.glob("*.safetensors"):
            (checkpoints / file.name).write_bytes(file.read_bytes())
        train(recipe, data, Path(folder), [*filmed(Path(folder), data), clock])
    return clock.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_intermixed_args()
    logging.disable(logging.INFO)
    keep_freed_memory()
    torch.set_num_threads(1)
    steps = options.steps
    settings = {"max_steps": steps, "save_steps": steps // 2, "eval_steps": steps, "precision": "fp32"}
    fixed = [f"training.{name}={value}" for name, value in settings.items()]
    recipe = Recipe.read(bundled.find(options.recipe), [*options.overrides, *fixed, "training.disable_tqdm=true"])
    recipe.training.setdefault("per_device_train_batch_size", 64)
    if recipe.attributes == "all":
        recipe = recipe.model_copy(update={"attributes": {}})
    data, shares = read(recipe), []
    with tempfile.TemporaryDirectory() as probes:
        attribute_distance(recipe, data, Path(probes))
        for _ in range(options.rounds):
            shares.append(bare(recipe, data, Path(probes), steps) / whole(recipe, data, Path(probes)))
    print(f"{statistics.median(shares):.3f} of the bare loop's rate ({min(shares):.3f} to {max(shares):.3f})")


if __name__ == "__main__":
    main()
