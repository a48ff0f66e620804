"""Whether a run computes in float32 or bfloat16: measured on the machine where it begins, and kept from then on.

No list of processors could say it. Where bfloat16 is the processor's own a step takes half the time, and where it is
emulated eight times as long.
"""

from __future__ import annotations

import copy
import json
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import nn

from modeling_vae.files import write_whole
from modeling_vae.model.modeling_image_vae import VAEModel

logger = logging.getLogger(__name__)

Precision = Literal["fp32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
FILE_NAME = "precision.json"
ROUNDS = 3
MOST_PICTURES = 8
"""On a processor, whose time goes with their number. An accelerator is measured with a whole batch."""
WORTH = 0.9
"""bfloat16 is taken where it needs less than this share of float32's time."""


def settled(model: VAEModel, batch: int, checkpoints: Path, device: torch.device) -> Precision:
    """What the run computes in: as the file beside its checkpoints says, or as is measured now and written there.

    So a run that is stopped goes on as it began, on another machine too.

    Args:
        model: what is trained; a copy of it is measured, and nothing of it or of the global generators changes.
        batch: pictures in a step.
        checkpoints: their folder, which need not exist.
        device: where the run computes.
    """
    file = checkpoints / FILE_NAME
    if not file.exists():
        seconds = measured(model, batch if device.type != "cpu" else min(batch, MOST_PICTURES), device)
        faster = seconds["bf16"] < WORTH * seconds["fp32"]
        checkpoints.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps({"precision": "bf16" if faster else "fp32", "seconds": seconds}))
    found = json.loads(file.read_text())
    times = ", ".join(f"{name} {seconds:.3g} s" for name, seconds in found["seconds"].items())
    logger.info("Computing in %s (a step of the model alone took %s where the run began).", found["precision"], times)
    return cast(Precision, found["precision"])


def measured(model: VAEModel, pictures: int, device: torch.device) -> dict[str, float]:
    """Seconds that the model takes forward and backward in each precision: the shortest of a few steps, in turns.

    The shortest, as whatever else the machine does can only make a step longer; the first, which sets things up, is
    not counted.
    """
    twin, config = cast(nn.Module, copy.deepcopy(model)), model.config
    twin.train().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch types it for tensors
    pixel_values = torch.full((pictures, config.num_channels, *config.height_and_width), 0.5, device=device)
    pixel_values = pixel_values.contiguous(memory_format=torch.channels_last)

    def step(precision: Precision) -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            loss = twin(pixel_values, generator=torch.Generator(device).manual_seed(0)).loss
        loss.backward()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)

    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.enable_grad():  # of dropout
        return shortest({precision: partial(step, precision) for precision in PRECISIONS}, ROUNDS)


def shortest(steps: Mapping[Precision, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of the shortest call of each, after one that is not counted; they take turns."""
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - started)
    return {name: min(times) for name, times in seconds.items()}
