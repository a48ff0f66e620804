"""The Trainer's own figures and failures."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny import tiny_model
from transformers import Trainer, TrainingArguments

from modeling_vae.recipes.objective_recipe import ObjectiveRecipe
from modeling_vae.training.objective import TrainingObjective
from modeling_vae.training.trainer import VAETrainer, training_arguments


@pytest.fixture
def trainer(tmp_path: Path) -> VAETrainer:
    values = {"max_steps": 10, "per_device_train_batch_size": 4, "eval_strategy": "no", "report_to": "none"}
    arguments = training_arguments(values, tmp_path)
    return VAETrainer(TrainingObjective(tiny_model(), ObjectiveRecipe()), arguments, train_dataset=[{}] * 8)


def test_after_a_resume_only_the_steps_done_since_count_as_speed_and_no_evaluation(trainer, monkeypatch):
    """Step 1,000 and two more, half a second each, with 4 pictures."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    trainer.state.global_step = 1000
    inputs = {"pixel_values": torch.rand(4, 3, 32, 32)}

    def speed(steps: int) -> float:
        for _ in range(steps):
            trainer.compute_loss(trainer.objective, inputs)
            clock.now += 0.5
            trainer.state.global_step += 1
        logs = {"loss": 1.0}
        trainer.log(logs)
        return logs["images_per_second"]

    assert speed(2) == pytest.approx(8.0)

    clock.now += 100.0  # an evaluation
    trainer.log({"eval_loss": 1.0})
    assert speed(1) == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("error", "seen"), [(torch.OutOfMemoryError("no memory"), torch.OutOfMemoryError), (RuntimeError("disk"), OSError)]
)
def test_a_device_without_memory_is_no_full_disk(trainer, monkeypatch, error, seen):
    def fail(*_):
        raise error

    monkeypatch.setattr(Trainer, "_save_checkpoint", fail)
    with pytest.raises(seen):
        trainer._save_checkpoint(trainer.objective, None)


def test_one_process_drives_one_device(tmp_path, monkeypatch):
    monkeypatch.setattr(TrainingArguments, "n_gpu", property(lambda _: 4))
    assert training_arguments({}, tmp_path)._n_gpu == 1
