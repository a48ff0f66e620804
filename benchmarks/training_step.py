"""Training steps a second, and where their time goes: what a recipe costs on this machine.

    python benchmarks/training_step.py hub_configs/cats-128
    python benchmarks/training_step.py hub_configs/cats-128 training.per_device_train_batch_size=32 --threads 1 2

Pictures are noise and probes are new, as neither changes what is computed. All terms of the recipe take part. Variants
take turns, so that a busy machine slows all of them; given are the median, and the middle half of the rounds, by the
clock and of the processor, which minds other work less (with several threads, of all of them).
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

import torch
from recipe_options import recipe_parser
from torch import nn

from modeling_vae.model.modeling_image_vae import VAEModel
from modeling_vae.probing.probes import ProbeNetwork
from modeling_vae.recipes import bundled
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training.allocator import keep_freed_memory
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.terms.attribute_distance import LOOKS, AttributeDistance

WITHOUT = {
    "critic": {"adversarial": None},
    "edits": {"edits": None},
    "attributes and edits": {"attribute_consistency": None, "edits": None},
    "perceptual, texture and critic": {"perceptual": None, "adversarial": None},
    "all but the likelihood": {"perceptual": None, "adversarial": None, "attribute_consistency": None, "edits": None},
}


def build(recipe: Recipe, channels_last: bool, changes: dict[str, None]) -> Callable[[bool], None]:
    """One training step of the recipe without some of its terms, told whether to compute in bfloat16."""
    objective = recipe.objective.model_copy(update=changes)
    config = recipe.config()
    attributes = None
    if objective.attribute_consistency is not None:
        columns = [column for column, kind in recipe.attributes.items() if kind != "numeric"]
        probes = [ProbeNetwork(config.num_channels, len(columns), torch.Generator(), look.channels) for look in LOOKS]
        attributes = AttributeDistance(nn.ModuleList(probes), columns)
    whole = TrainingObjective(VAEModel(config), objective, attributes=attributes).train()
    if channels_last:
        whole.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if whole.edits is not None:
        readouts = whole.edits.readouts
        readouts.update(torch.randn(4096, config.latent_dim), torch.rand(4096, len(readouts.columns)))
    optimizer = torch.optim.AdamW([weight for weight in whole.parameters() if weight.requires_grad], fused=True)
    batch = recipe.training.get("per_device_train_batch_size", 8)
    pixel_values, count = torch.rand(batch, config.num_channels, *config.height_and_width), itertools.count(1)

    def step(bfloat16: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss = whole(pixel_values, step=next(count), progress=1.0)["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(whole.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad()
        whole.update_average()

    return step


def measure(variants: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of each step, by the clock and of the processor; the first of each is not counted."""
    for step in variants.values():
        step()
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, step in variants.items():
            started, processor = time.perf_counter(), time.process_time()
            step()
            seconds[name].append((time.perf_counter() - started, time.process_time() - processor))
    return seconds


def main() -> None:
    parser = recipe_parser(__doc__, rounds=9)
    parser.add_argument("--threads", type=int, nargs="+", default=[torch.get_num_threads()])
    parser.add_argument("--terms", action="store_true", help="what a step takes without each term, in place of that")
    options = parser.parse_intermixed_args()
    keep_freed_memory()
    recipe = Recipe.read(bundled.find(options.recipe), options.overrides)
    variants: dict[str, Callable[[], None]] = {}

    def add(name: str, step: Callable[[bool], None], bfloat16: bool, threads: int) -> None:
        def run() -> None:
            torch.set_num_threads(threads)
            step(bfloat16)

        variants[name] = run

    if options.terms:
        for name, changes in {"nothing": {}, **WITHOUT}.items():
            add(f"without {name}", build(recipe, True, changes), False, options.threads[0])
    else:
        for channels_last in (True, False):
            step = build(recipe, channels_last, {})
            for bfloat16, threads in itertools.product((False, True), options.threads):
                layout = "channels last" if channels_last else "channels first"
                precision = "bf16" if bfloat16 else "fp32"
                add(f"{precision}, {layout}, {threads} threads", step, bfloat16, threads)
    batch = recipe.training.get("per_device_train_batch_size", 8)
    print(f"{'':45} seconds a step          pictures a second   processor's seconds")
    for name, seconds in measure(variants, options.rounds).items():
        (low, middle, high), (least, usual, most) = (
            statistics.quantiles(each, n=4) for each in zip(*seconds, strict=True)
        )
        print(
            f"{name:45} {middle:6.3f} ({low:.3f} to {high:.3f}) {batch / middle:10.1f}"
            f"            {usual:6.3f} ({least:.3f} to {most:.3f})"
        )


if __name__ == "__main__":
    main()
