"""Which checkpoint a run goes on from, and what ends it before a bad one is written."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from shutil import copytree

import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file, save_file
from tiny import tiny_model

import train as command
from modeling_vae.data import PictureData
from modeling_vae.recipes.objective_recipe import ObjectiveRecipe
from modeling_vae.training.continuing import checkpoints_in, fault_of, last_whole, note_pictures, seal, step_of
from modeling_vae.training.divergence import Diverged
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.run import LOCK, alone_in
from modeling_vae.training.trainer import VAETrainer, training_arguments

from .making import write_pictures, write_recipe

PIXELS = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


class Pictures(torch.utils.data.Dataset):
    """Map-style, without a cache."""

    def __init__(self, count: int, seed: int = 0) -> None:
        self.values = torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> dict:
        return {"pixel_values": self.values[index]}


def trainer(folder: Path, **settings) -> VAETrainer:
    values = {"max_steps": 6, "per_device_train_batch_size": 4, "eval_strategy": "no", "save_steps": 2} | settings
    arguments = training_arguments({"precision": "fp32", "report_to": "none"} | values, folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VAETrainer(TrainingObjective(tiny_model(), ObjectiveRecipe()), arguments, train_dataset=Pictures(16))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The checkpoints of a run of 6 steps, of which it keeps those of 4 and 6."""
    folder = tmp_path_factory.mktemp("whole") / "checkpoints"
    trainer(folder).train()
    return folder


@pytest.fixture
def checkpoints(whole, tmp_path) -> Path:
    return copytree(whole, tmp_path / "checkpoints")


def flip_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGE = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:100]),
    "empty": lambda file: file.write_bytes(b""),
    "one byte": flip_a_byte,
    "missing": lambda file: file.unlink(),
}


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "of an earlier version"])
@pytest.mark.parametrize("damage", ["cut", "empty", "missing"])
@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json"]
)
def test_a_newest_checkpoint_that_is_not_whole_is_named_and_the_one_before_taken(
    checkpoints, name, damage, sealed, caplog
):
    assert [step_of(path) for path in checkpoints_in(checkpoints)] == [6, 4]
    if not sealed:
        for path in checkpoints_in(checkpoints):
            (path / "digests.json").unlink()
    DAMAGE[damage](checkpoints / "checkpoint-6" / name)
    with caplog.at_level(logging.WARNING):
        assert last_whole(checkpoints) == checkpoints / "checkpoint-4"
    assert "checkpoint-6" in caplog.text and name in caplog.text


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "rng_state.pth", "training_args.bin"])
def test_one_flipped_byte_is_seen(checkpoints, name):
    flip_a_byte(checkpoints / "checkpoint-6" / name)
    assert fault_of(checkpoints / "checkpoint-6") == f"{name} is damaged"


def test_a_whole_one_is_taken_and_nothing_said(checkpoints, caplog):
    assert last_whole(checkpoints) == checkpoints / "checkpoint-6"
    assert caplog.text == ""


def test_where_none_is_whole_all_are_named(checkpoints):
    for path in checkpoints_in(checkpoints):
        (path / "optimizer.pt").unlink()
    with pytest.raises(
        ValueError, match="checkpoint-6: optimizer.pt is missing; checkpoint-4: optimizer.pt is missing"
    ):
        last_whole(checkpoints)
    assert last_whole(checkpoints.parent / "none") is None


def test_what_is_no_checkpoint_is_no_candidate(checkpoints):
    for name in ("checkpoint-old", "checkpoint-7.bak", "diverged-8"):
        (checkpoints / name).mkdir()
    assert last_whole(checkpoints) == checkpoints / "checkpoint-6"


def test_a_checkpoint_with_nan_of_an_earlier_version_is_passed_over(checkpoints):
    file = checkpoints / "checkpoint-6" / "model.safetensors"
    weights = load_file(file)
    weights["model.to_posterior.weight"][0, 0] = float("nan")
    save_file(weights, file, metadata={"format": "pt"})
    seal(checkpoints / "checkpoint-6")
    assert fault_of(checkpoints / "checkpoint-6") == "model.safetensors holds values that are not finite"
    assert last_whole(checkpoints) == checkpoints / "checkpoint-4"


def test_a_state_of_another_step_is_none(checkpoints):
    file = checkpoints / "checkpoint-6" / "trainer_state.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"global_step": 4}))
    (checkpoints / "checkpoint-6" / "digests.json").unlink()
    assert fault_of(checkpoints / "checkpoint-6") == "trainer_state.json is of another step"


# --- divergence --------------------------------------------------------------------------------------------------


def poisoned(folder: Path, step: int, what: str, **settings) -> VAETrainer:
    """A trainer whose loss, or whose gradient alone, is not finite at one step."""
    made = trainer(folder, **settings)
    forward = made.objective.forward

    def spoilt(pixel_values, step_now=0, **kwargs):
        output = forward(pixel_values, **{"step": step_now, **kwargs})
        if made.state.global_step == step:
            weight = made.objective.model.to_posterior.weight
            extra = weight.sum() * float("inf") if what == "loss" else (weight * 0).abs().sqrt().sum()
            output["loss"] = output["loss"] + extra
        return output

    made.objective.forward = spoilt
    return made


@pytest.mark.parametrize("what", ["loss", "gradient"])
@pytest.mark.parametrize("clipped", [5.0, 0.0], ids=["clipped", "not clipped"])
def test_the_first_value_that_is_not_finite_ends_the_run(tmp_path, what, clipped):
    """At step 4, after a checkpoint of step 2; what is named first is what was lost."""
    made = poisoned(tmp_path / "c", 3, what, max_grad_norm=clipped, learning_rate=0.01)
    with pytest.raises(Diverged, match=f"diverged at step 4: .*{what}.*learning_rate, which is 0.01.*of step 2"):
        made.train()
    assert [step_of(path) for path in checkpoints_in(tmp_path / "c")] == [2]
    assert fault_of(tmp_path / "c" / "checkpoint-2") is None


def test_a_checkpoint_whose_own_weights_diverge_is_put_aside(tmp_path):
    made = poisoned(tmp_path / "c", 4, "loss")
    with pytest.raises(Diverged, match="at step 5.*of step 2"):
        made.train()
    assert sorted(path.name for path in (tmp_path / "c").glob("*-*")) == ["checkpoint-2", "diverged-4"]


def test_a_loss_that_ran_away_is_lost_before_it_is_no_number(tmp_path):
    """Weights that are still finite, a million times too large, would be written, and gone on from."""
    made = trainer(tmp_path / "c", learning_rate=1e3, save_steps=1, max_grad_norm=0.0)
    with pytest.raises(Diverged, match="at step [2-4]: the loss is "):
        made.train()
    for checkpoint in checkpoints_in(tmp_path / "c"):
        assert fault_of(checkpoint) is None
    assert list((tmp_path / "c").glob("diverged-*"))


def test_without_a_checkpoint_the_run_begins_anew(tmp_path):
    with pytest.raises(Diverged, match="at step 1.*begins anew"):
        poisoned(tmp_path / "c", 0, "loss").train()
    assert checkpoints_in(tmp_path / "c") == []


def test_weights_that_are_not_finite_are_never_written(tmp_path):
    made = trainer(tmp_path / "c")
    made.objective.average.n_averaged.fill_(1)  # else the first update overwrites it
    with torch.no_grad():
        made.objective.ema.to_posterior.weight[0, 0] = float("inf")  # which no loss and no gradient sees
    with pytest.raises(Diverged, match="weight"):
        made.train()
    assert checkpoints_in(tmp_path / "c") == []


def test_an_evaluation_that_is_not_finite_ends_the_run(tmp_path):
    made = trainer(tmp_path / "c")
    with pytest.raises(Diverged, match="eval_nll is nan"):
        made.log({"eval_nll": float("nan"), "eval_psnr": 3.0})


def test_a_lower_rate_is_taken_by_the_run_that_goes_on(checkpoints):
    """The scheduler's state would bring the old one back."""
    rates = []
    for rate in (0.5, None):
        made = trainer(checkpoints, **({"learning_rate": rate} if rate else {}))
        made.create_optimizer_and_scheduler(6)
        made._load_optimizer_and_scheduler(str(checkpoints / "checkpoint-4"))
        rates.append((made.optimizer.param_groups[0]["lr"], made.lr_scheduler.base_lrs[0]))
        default = made.args.learning_rate
    assert rates[0] == pytest.approx((0.5 * rates[1][0] / default, 0.5))
    assert rates[1][1] == default


# --- the pictures, and the folder --------------------------------------------------------------------------------


def data(train: Pictures, validation: Pictures) -> PictureData:
    return PictureData(train, validation, None)


@pytest.mark.parametrize(("now", "said"), [((16, 0), False), ((8, 0), True), ((16, 1), True)])
def test_other_pictures_than_at_the_start_are_named(checkpoints, now, said, caplog):
    note_pictures(data(Pictures(16), Pictures(4)), checkpoints)
    assert caplog.text == ""
    note_pictures(data(Pictures(*now), Pictures(4)), checkpoints)
    assert ("pictures are others" in caplog.text) == said


def test_a_run_that_begins_anew_may_have_others(tmp_path, caplog):
    note_pictures(data(Pictures(16), Pictures(4)), tmp_path)
    note_pictures(data(Pictures(8), Pictures(4)), tmp_path)
    assert caplog.text == ""


def test_no_two_runs_share_a_folder(tmp_path):
    recipe = write_recipe(tmp_path / "recipe", {"data": {"path": str(write_pictures(tmp_path / "pictures", 4))}})
    run = tmp_path / "run"
    with alone_in(run), pytest.raises(ValueError, match="another process trains in .*run"):
        command.main([str(recipe), "--output", str(run)])
    with alone_in(run):
        pass
    with FileLock(run / LOCK), alone_in(tmp_path / "neighbour"):
        pass
