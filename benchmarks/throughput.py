"""A whole training beside a bare loop over a tensor: what decoding, the Trainer, logs and checkpoints cost.

    python benchmarks/throughput.py pictures-64 data.path=PICTURES
    python benchmarks/throughput.py cats-128 data.path=CATS objective.perceptual=null objective.adversarial=null

Both take the same steps of the same objective, the running average included; the training also reads the cache,
mirrors, logs, evaluates once, films itself and writes two checkpoints. They take turns step by step, so that other
work on the machine slows both alike. Given is the training's rate as a share of the bare loop's, from the first
counted step to the end of the training, by processor time (user and system) and by the clock: the median and the range
over the rounds. Beside it, what each of its extras costs, as a share of the training.
"""

from __future__ import annotations

import logging
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from recipe_options import recipe_parser
from torch import nn
from transformers import TrainerCallback

from modeling_vae.commands.whole_run import filmed, read
from modeling_vae.data import PictureData, PictureDataset, collate
from modeling_vae.recipes import bundled
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training.allocator import keep_freed_memory
from modeling_vae.training.film import TrainingFilm
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.run import build_model, train
from modeling_vae.training.terms.attribute_distance import attribute_distance
from modeling_vae.training.trainer import UpdateAverage, VAETrainer

FIRST = 5
"""Steps that are not counted, as they set things up."""
EXTRAS = {
    "film": (TrainingFilm, "on_step_end"),
    "evaluation": (VAETrainer, "evaluate"),
    "checkpoints": (VAETrainer, "_save_checkpoint"),
    "pictures": (PictureDataset, "__getitems__"),
    "average": (UpdateAverage, "on_step_end"),
    "log": (VAETrainer, "log"),
}
"""What a training does beside its steps, by what does it; the bare loop has an average too."""
CLOCKS = (time.process_time, time.perf_counter)

Times = tuple[float, float]
"""Seconds of the processor, user and system, and of the clock."""


def now() -> Times:
    return CLOCKS[0](), CLOCKS[1]()


def since(started: Times) -> Times:
    cpu, wall = now()
    return cpu - started[0], wall - started[1]


def bare_loop(recipe: Recipe, data: PictureData, probes: Path, steps: int) -> Callable[[int], None]:
    """A step over pictures that lie ready."""
    torch.manual_seed(1)
    attributes = attribute_distance(recipe, data, probes)
    objective = TrainingObjective(build_model(recipe), recipe.objective, 0.998, attributes)
    objective.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW([w for w in objective.parameters() if w.requires_grad], lr=1e-4, fused=True)
    batch = recipe.training["per_device_train_batch_size"]
    ready = collate(data.train.__getitems__(range(8 * batch)))["pixel_values"].split(batch)

    def step(number: int) -> None:
        objective(ready[number % len(ready)], step=number, progress=number / steps)["loss"].backward()
        nn.utils.clip_grad_norm_(objective.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad()
        objective.update_average()

    return step


class InTurns(TrainerCallback):
    """Takes a bare step after each of the training's, and measures both from the first counted step to the end.

    Args:
        step: see `bare_loop`.
    """

    def __init__(self, step: Callable[[int], None]) -> None:
        self.step = step
        self.bare, self.whole = [0.0, 0.0], [0.0, 0.0]

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        started = now()
        self.step(state.global_step)
        spent = since(started)
        if state.global_step == FIRST:
            self.started = now()
        elif state.global_step > FIRST:
            self.bare = [total + part for total, part in zip(self.bare, spent, strict=True)]

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        both = since(self.started)
        self.whole = [all_of_it - bare for all_of_it, bare in zip(both, self.bare, strict=True)]

    @property
    def shares(self) -> Times:
        """The training's rate as a share of the bare loop's, by both clocks."""
        return self.bare[0] / self.whole[0], self.bare[1] / self.whole[1]


def noted(spent: Counter[str]) -> None:
    """From now on the processor seconds of each of `EXTRAS` are added up in `spent`."""
    for name, (owner, method) in EXTRAS.items():
        plain = getattr(owner, method)

        def noting(*args: Any, plain: Any = plain, name: str = name, **kwargs: Any) -> Any:
            started = time.process_time()
            try:
                return plain(*args, **kwargs)
            finally:
                spent[name] += time.process_time() - started  # type: ignore[assignment]

        setattr(owner, method, noting)


def one_round(recipe: Recipe, data: PictureData, probes: Path) -> InTurns:
    """A training and a bare loop of as many steps."""
    turns = InTurns(bare_loop(recipe, data, probes, recipe.training["max_steps"]))
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder) / "checkpoints"
        checkpoints.mkdir()
        for file in probes.glob("*.safetensors"):
            (checkpoints / file.name).write_bytes(file.read_bytes())
        train(recipe, data, Path(folder), [*filmed(Path(folder), data), turns])
    return turns


def main() -> None:
    parser = recipe_parser(__doc__)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_intermixed_args()
    logging.disable(logging.INFO)
    keep_freed_memory()
    torch.set_num_threads(1)
    steps = options.steps
    settings = {"max_steps": steps, "save_steps": steps // 2, "eval_steps": steps, "precision": "fp32"}
    fixed = [f"training.{name}={value}" for name, value in settings.items()]
    recipe = Recipe.read(bundled.find(options.recipe), [*options.overrides, *fixed, "training.disable_tqdm=true"])
    recipe.training.pop("num_train_epochs", None)
    recipe.training.setdefault("per_device_train_batch_size", 64)
    if recipe.attributes == "all":
        recipe = recipe.model_copy(update={"attributes": {}})
    data, spent = read(recipe), Counter[str]()
    noted(spent)
    with tempfile.TemporaryDirectory() as probes:
        attribute_distance(recipe, data, Path(probes))
        rounds = []
        for _ in range(options.rounds):
            rounds.append(one_round(recipe, data, Path(probes)))
            print("a round: {:.3f} by processor time, {:.3f} by the clock".format(*rounds[-1].shares), flush=True)
    for i, name in enumerate(("processor time", "the clock")):
        shares = [turns.shares[i] for turns in rounds]
        middle, spread = statistics.median(shares), f"{min(shares):.3f} to {max(shares):.3f}"
        print(f"{middle:.3f} of the bare loop's rate by {name} ({spread})")
    whole = sum(turns.whole[0] for turns in rounds)
    print(", ".join(f"{name} {seconds / whole:.2%}" for name, seconds in spent.most_common()), "of the training")


if __name__ == "__main__":
    main()
