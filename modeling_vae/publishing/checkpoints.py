"""A run that publishes as it goes: the state of each checkpoint, in the place of what the repository held before."""

from __future__ import annotations

import copy
import logging
import queue
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from modeling_vae.fitting.fit import processor_of, round_weights
from modeling_vae.hub.failures import Stalled
from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.parts import Parts
from modeling_vae.recipes.recipe import FILE_NAME, Recipe

from .card import write_card
from .repository import push_folder

logger = logging.getLogger(__name__)

PATIENCE = 120.0
"""Seconds that a training waits for one push."""
TIMEOUT = 15.0
"""Seconds to wait for each answer."""


class PushCheckpoints(TrainerCallback):
    """Publishes the running average whenever the Trainer has written a checkpoint, in one commit each.

    The training waits for it, so that what is published is in order. It does so for two minutes at most: whatever goes
    wrong is one warning, the training goes on, and the next checkpoint tries again.

    Args:
        recipe: of the run.
        repo_id: `user/name`, made where there is none.
        original: the recipe file without overrides, see `Recipe.published`.
        patience: seconds to wait for one push.
        timeout: seconds to wait for each answer.
    """

    def __init__(
        self, recipe: Recipe, repo_id: str, *, original: Recipe, patience: float = PATIENCE, timeout: float = TIMEOUT
    ) -> None:
        self.recipe, self.repo_id, self.original = recipe, repo_id, original
        self.patience, self.timeout = patience, timeout

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **kwargs: Any
    ) -> None:
        """Publish; `model` is the `TrainingObjective`."""
        if not state.is_world_process_zero:
            return
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
                folder = Path(temporary)
                write_unfinished(model.ema, self.recipe, folder, self.original, state.global_step, state.max_steps)
                self._push(folder, state.global_step)
        except Exception as error:  # noqa: BLE001 - nothing that goes wrong here is worth a training
            # the sentences of these two are made for people, and hold no token
            told = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}."
            logger.warning("Step %d was not published, and the training goes on: %s", state.global_step, told)

    def _push(self, folder: Path, step: int) -> None:
        deadline = time.monotonic() + self.patience

        def push() -> None:
            push_folder(
                folder,
                self.repo_id,
                commit_message=f"Training in progress, step {step}",
                timeout=self.timeout,
                deadline=deadline,
            )

        within(self.patience, push, f"{self.repo_id} took longer than {self.patience:g} s.")


def write_unfinished(model: VAEModel, recipe: Recipe, folder: Path, original: Recipe, step: int, steps: int) -> None:
    """Write what can be published of a run that goes on: weights, processor, code, recipe, and a card that says so.

    There are no directions, prior, pictures or figures: those of other weights would be wrong.

    Args:
        model: the running average, of which a copy is taken.
        recipe: that it is trained by.
        folder: an empty one.
        original: see `Recipe.published`.
        step, steps: optimizer steps done, and of the whole run.
    """
    model = copy.deepcopy(model)
    cast(torch.nn.Module, model).to("cpu").to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    storage = round_weights(model)
    parts = Parts(model=model, processor=processor_of(model, recipe), storage_dtype=storage)
    parts.write(folder)
    recipe.published(original).write(folder / FILE_NAME)
    status = (
        f"> **In training: step {step:,} of {steps:,}.** No evaluation yet, and no attribute directions, fitted prior "
        "or pictures: they come when the run ends."
    )
    write_card(folder, parts, recipe.described(original), {}, status=status)


def within(seconds: float, work: Callable[[], None], too_late: str) -> None:
    """Do the work in a thread and wait for it so long; what waits in the Hub's clients cannot be stopped, only left.

    Raises:
        Stalled: it is not done by then; and whatever the work raised.
    """
    results: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            work()
            results.put(None)
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        error = results.get(timeout=seconds)
    except queue.Empty:
        raise Stalled(too_late) from None
    if error is not None:
        raise error
