"""The training section: what is possible, and in which sentence all else is refused."""

from __future__ import annotations

import math

import pytest

from modeling_vae.recipes.yaml_text import parse
from modeling_vae.training.trainer import training_arguments


@pytest.mark.parametrize(
    "setting",
    [
        *("max_steps=null", "max_steps=0", "max_steps=-2", "max_steps=x", "max_steps=true", "max_steps=2.5"),
        *("seed=null", "seed=x", "seed=-1", "seed=1.5", "seed=[1]", "seed=100000000000000000000"),
        *(
            "learning_rate=0",
            "learning_rate=.nan",
            "learning_rate=.inf",
            "learning_rate={a: 1}",
            "learning_rate=1e400",
        ),
        *("max_grad_norm=x", "max_grad_norm=-1", "max_grad_norm=null", "max_grad_norm=.nan"),
        *("gradient_accumulation_steps=0", "gradient_accumulation_steps=null", "per_device_train_batch_size=0"),
        *("adam_beta1=2", "adam_beta1=1", "adam_beta2=-0.1", "adam_epsilon=0", "weight_decay=x", "warmup_steps=-1"),
        *("save_steps=0", "save_total_limit=0", "logging_steps=-5", "eval_steps=x", "dataloader_num_workers=-1"),
        *("ema_decay=1", "ema_decay=x", "ema_decay=null", "ema_decay=true", "ema_decay=.nan"),
        *("eval_strategy=true", "eval_strategy=3", "bf16=perhaps", "num_train_epochs=0"),
        *("report_to=wandb", "report_to=[none, such]", "report_to=3"),
    ],
)
def test_what_is_not_possible_is_named(setting, tmp_path):
    key, _, text = setting.partition("=")
    with pytest.raises(ValueError, match=key) as error:
        training_arguments({key: parse(text, setting)}, tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        ({"max_steps": 1e3}, "max_steps", 1000),
        ({"eval_strategy": False}, "eval_strategy", "no"),
        ({"save_strategy": False}, "save_strategy", "no"),
        ({"logging_strategy": False}, "logging_strategy", "no"),
        ({"eval_strategy": "no"}, "eval_strategy", "no"),
        ({"max_steps": -1, "num_train_epochs": 3}, "num_train_epochs", 3.0),
        ({"num_train_epochs": 2.5}, "num_train_epochs", 2.5),
        ({"max_steps": 10, "num_train_epochs": None}, "max_steps", 10),
        ({"max_grad_norm": 0}, "max_grad_norm", 0.0),
        ({"report_to": "none"}, "report_to", []),
        ({"seed": 0}, "seed", 0),
        ({"adam_beta1": 0}, "adam_beta1", 0.0),
    ],
    ids=str,
)
def test_what_is_possible(settings, name, value, tmp_path):
    assert getattr(training_arguments(settings, tmp_path), name) == value


def test_steps_and_epochs_at_once_are_asked_about(tmp_path):
    with pytest.raises(ValueError, match="for epochs set training.max_steps=-1"):
        training_arguments({"max_steps": 10, "num_train_epochs": 3}, tmp_path)
    assert math.isclose(training_arguments({"learning_rate": 1e-3}, tmp_path).learning_rate, 1e-3)
