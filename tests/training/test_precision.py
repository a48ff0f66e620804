"""What a run computes in: measured without a trace, written down, kept."""

from __future__ import annotations

import json
import logging

import pytest
import torch
from tiny import tiny_model

from modeling_vae.training import precision
from modeling_vae.training.precision import FILE_NAME, measured, settled, shortest
from modeling_vae.training.trainer import training_arguments

CPU = torch.device("cpu")


def test_measuring_changes_neither_the_model_nor_any_generator():
    model = tiny_model(norm="batch", dropout=0.5)
    before, state = {name: value.clone() for name, value in model.state_dict().items()}, torch.get_rng_state()
    seconds = measured(model, 2, CPU)
    assert seconds.keys() == {"fp32", "bf16"} and all(value > 0 for value in seconds.values())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_the_first_call_of_each_is_not_counted_and_they_take_turns(monkeypatch):
    clock, calls = [0.0], []
    monkeypatch.setattr(precision.time, "perf_counter", lambda: clock[0])

    def step(name, times):
        calls.append(name)
        clock[0] += next(times)

    slow, fast = iter([9.0, 3.0, 2.0, 4.0]), iter([0.1, 5.0, 6.0, 1.0])
    found = shortest({"fp32": lambda: step("fp32", slow), "bf16": lambda: step("bf16", fast)}, 3)
    assert found == {"fp32": 2.0, "bf16": 1.0}
    assert calls == ["fp32", "bf16"] * 4


@pytest.mark.parametrize(("fp32", "bf16", "taken"), [(1.0, 0.5, "bf16"), (1.0, 8.0, "fp32"), (1.0, 0.95, "fp32")])
def test_the_faster_is_taken_and_kept(tmp_path, monkeypatch, caplog, fp32, bf16, taken):
    monkeypatch.setattr(precision, "measured", lambda *_: {"fp32": fp32, "bf16": bf16})
    with caplog.at_level(logging.INFO):
        assert settled(tiny_model(), 64, tmp_path / "checkpoints", CPU) == taken
    assert f"Computing in {taken}" in caplog.text and "bf16 " in caplog.text
    assert json.loads((tmp_path / "checkpoints" / FILE_NAME).read_text())["precision"] == taken
    monkeypatch.setattr(precision, "measured", lambda *_: {"fp32": bf16, "bf16": fp32})  # another machine
    assert settled(tiny_model(), 64, tmp_path / "checkpoints", CPU) == taken


def test_it_reaches_the_trainer(tmp_path):
    for value, expected in ((None, False), ("auto", False), ("fp32", False), ("bf16", True)):
        arguments = training_arguments({"use_cpu": True} | ({"precision": value} if value else {}), tmp_path)
        assert arguments.bf16 is expected and arguments.mixed_precision == ("bf16" if expected else "no")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"precision": "fp8"}, "training.precision='fp8' is not possible: give auto, fp32 or bf16"),
        ({"precision": "auto", "bf16": True, "use_cpu": True}, "give one of them"),
    ],
)
def test_impossible_precisions_are_refused(tmp_path, values, words):
    with pytest.raises(ValueError, match=words):
        training_arguments(values, tmp_path)
