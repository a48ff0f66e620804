"""Several processes for one run, as torchrun and accelerate start them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from data.making import noise, png, write_tar
from patience import PATIENCE
from safetensors.torch import load_file

from .making import recipe_values, write_pictures

ROOT = Path(__file__).parents[2]
LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
STATE = """
import sys, hashlib, logging
from pathlib import Path
from modeling_vae.commands.whole_run import read
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training import run
from modeling_vae.training.trainer import VAETrainer

recipe, output = Recipe.read(Path(sys.argv[1])), Path(sys.argv[2])
trainers = []
made = VAETrainer.__init__
VAETrainer.__init__ = lambda self, *args, **kwargs: (made(self, *args, **kwargs), trainers.append(self))[0]
run.train(recipe, read(recipe), output)
(trainer,) = trainers
digests = {
    name: hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()
    for name, value in trainer.objective.state_dict().items()
}
import json
(output / f"state-{trainer.args.process_index}.json").write_text(json.dumps(digests))
"""

STREAM = """
import sys, hashlib, json
from pathlib import Path
from modeling_vae.commands.whole_run import read
from modeling_vae.recipes.recipe import Recipe
from modeling_vae.training import run
from modeling_vae.training.trainer import VAETrainer

recipe, output = Recipe.read(Path(sys.argv[1])), Path(sys.argv[2])
seen, loss = [], VAETrainer.compute_loss

def noting(self, model, inputs, *args, **kwargs):
    seen.extend(hashlib.sha256(picture.numpy().tobytes()).hexdigest() for picture in inputs["pixel_values"])
    noting.rank = self.args.process_index
    return loss(self, model, inputs, *args, **kwargs)

VAETrainer.compute_loss = noting
run.train(recipe, read(recipe), output)
(output / f"seen-{noting.rank}.json").write_text(json.dumps(seen))
"""


def write(folder: Path, pictures: Path, backbone: Path, **training: object) -> Path:
    """A small recipe with every term, in batches of 8 all in all."""
    values = recipe_values(pictures, backbone)
    values["model"]["norm"] = "group"  # the statistics of batch norms are those of one process's pictures
    values["training"] = {
        "max_steps": 12, "per_device_train_batch_size": 8, "learning_rate": 2.0e-3, "warmup_steps": 2,
        "logging_steps": 1, "save_steps": 6, "eval_steps": 6, "precision": "fp32", "disable_tqdm": True,
    } | training  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump(values))
    return file


def ended(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=2 * PATIENCE)


def history(checkpoint: Path, name: str) -> np.ndarray:
    state = json.loads((checkpoint / "trainer_state.json").read_text())
    return np.array([entry[name] for entry in state["log_history"] if name in entry])


def numbers_in(report: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """All numbers of a report, by their places."""
    if isinstance(report, dict | list):
        for key, value in report.items() if isinstance(report, dict) else enumerate(report):
            yield from numbers_in(value, f"{path}/{key}")
    elif isinstance(report, int | float):
        yield path, report


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures") / "squares")


@pytest.fixture(scope="module")
def two(pictures, backbone, tmp_path_factory) -> Path:
    """The folder of a run by two processes, from the command that a user gives."""
    folder = tmp_path_factory.mktemp("two")
    recipe = write(folder, pictures, backbone, per_device_train_batch_size=4)
    done = ended([*LAUNCH, str(ROOT / "train.py"), str(recipe), "--output", str(folder / "run")], folder)
    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_two_processes_end_in_one_published_folder(two):
    assert (two / "published" / "model.safetensors").is_file()
    report = json.loads((two / "published" / "evaluation.json").read_text())
    assert report["run"]["steps"] == 12 and report["run"]["processes"] == 2


@pytest.mark.slow
def test_one_process_publishes_the_same(two, tmp_path):
    """What comes after the last step, from the same checkpoint: each figure and each number of a file.

    Sums are added in another order, and nothing else differs.
    """
    shutil.copytree(two, tmp_path / "run", ignore=shutil.ignore_patterns("published"))
    command = [sys.executable, str(ROOT / "train.py"), str(two.parent / "recipe.yaml")]
    done = ended([*command, "--output", str(tmp_path / "run")], tmp_path)
    assert done.returncode == 0, done.stderr
    ours, alone = two / "published", tmp_path / "run" / "published"
    assert sorted(path.name for path in ours.rglob("*")) == sorted(path.name for path in alone.rglob("*"))
    for file in sorted(ours.glob("*.safetensors")):
        expected = load_file(alone / file.name)
        for name, tensor in load_file(file).items():
            torch.testing.assert_close(tensor, expected[name], rtol=1e-6, atol=1e-7, msg=f"{file.name}: {name}")
    reports = [json.loads((folder / "evaluation.json").read_text()) for folder in (ours, alone)]
    both = [dict(numbers_in(report | {"run": None})) for report in reports]
    assert both[0] == pytest.approx(both[1], rel=1e-5, abs=1e-7, nan_ok=True)


def test_two_with_half_the_batch_follow_one(two, pictures, backbone, tmp_path):
    """The same pictures in each step, and other noise: the curves are alike, and so is what comes out in the end."""
    recipe = write(tmp_path, pictures, backbone)
    done = ended([sys.executable, str(ROOT / "train.py"), str(recipe), "--output", str(tmp_path / "run")], tmp_path)
    assert done.returncode == 0, done.stderr
    ours, alone = (folder / "checkpoints" / "checkpoint-12" for folder in (two, tmp_path / "run"))
    curves = [history(checkpoint, "nll") for checkpoint in (ours, alone)]
    assert np.corrcoef(*curves)[0, 1] > 0.7
    both = [history(checkpoint, "eval_psnr")[-1] for checkpoint in (ours, alone)]
    assert both[0] == pytest.approx(both[1], abs=0.5)
    seen = [load_file(checkpoint / "model.safetensors") for checkpoint in (ours, alone)]
    for name in (
        "edits.readouts.seen",
        "attributes.shares.seen",
        "adversarial.critic.standards.0.places",
        "fit.position",
    ):
        assert seen[0][name] == seen[1][name], name  # of all pictures, and not of one process's


def test_all_that_a_run_remembers_is_the_same_in_each_process(pictures, backbone, tmp_path):
    recipe = write(tmp_path, pictures, backbone, per_device_train_batch_size=4, eval_strategy="no")
    (tmp_path / "state.py").write_text(STATE)
    done = ended([*LAUNCH, str(tmp_path / "state.py"), str(recipe), str(tmp_path / "run")], ROOT)
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / "run" / f"state-{rank}.json").read_text()) for rank in (0, 1))
    assert {name.split(".")[0] for name in first} >= {"model", "average", "adversarial", "attributes", "edits", "fit"}
    assert [name for name in first if first[name] != second[name]] == []


def test_a_run_of_two_is_not_continued_by_one(two, pictures, backbone, tmp_path):
    recipe = write(tmp_path, pictures, backbone, per_device_train_batch_size=4, max_steps=14)
    done = ended([sys.executable, str(ROOT / "train.py"), str(recipe), "--output", str(two)], tmp_path)
    assert done.returncode == 1
    assert "was trained by 2 processes, and 1 was started: go on with as many" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_every_picture_of_a_stream_comes_once_over_processes_and_workers(backbone, tmp_path, workers):
    """Four files of ten pictures, two processes: in the steps that one pass takes each picture is learnt from once.

    A run that was stopped half way goes on with the pictures that were left, and ends with the same weights.
    """
    for split, files in (("train", 4), ("validation", 1)):
        for number in range(files):
            seeds = range(10 * number, 10 * number + 10) if split == "train" else range(100, 110)
            samples = [{"png": png(noise(seed, 32, 32))} for seed in seeds]
            write_tar(tmp_path / "tars" / f"{split}-{number}.tar", samples)
    recipe = write(
        tmp_path, tmp_path / "tars", backbone, per_device_train_batch_size=5, max_steps=4, save_steps=2,
        eval_strategy="no", dataloader_num_workers=workers,
    )  # fmt: skip
    values = yaml.safe_load(recipe.read_text())
    values["data"] = {"path": str(tmp_path / "tars"), "image_column": "png", "streaming": True}
    values["attributes"], values["objective"] = {}, {}
    recipe.write_text(yaml.safe_dump(values))
    (tmp_path / "stream.py").write_text(STREAM)
    run, ask = tmp_path / "run", [str(tmp_path / "stream.py"), str(recipe), str(tmp_path / "run")]

    def seen() -> list[list[str]]:
        done = ended([*LAUNCH, *ask], ROOT)
        assert done.returncode == 0, done.stderr
        return [json.loads((run / f"seen-{rank}.json").read_text()) for rank in (0, 1)]

    first, second = seen()
    assert len(first) == len(second) == 20 and len({*first, *second}) == 40
    last = run / "checkpoints" / "checkpoint-4"
    undisturbed = load_file(last / "model.safetensors")
    shutil.rmtree(last)
    alone = ended([sys.executable, *ask], ROOT)
    assert alone.returncode == 1 and "was trained by 2 processes, and 1 was started" in alone.stderr
    assert seen() == [first[10:], second[10:]]
    continued = load_file(last / "model.safetensors")
    assert [name for name in undisturbed if not torch.equal(undisturbed[name], continued[name])] == []


@pytest.mark.slow
def test_a_killed_process_ends_all_and_the_same_command_goes_on(pictures, backbone, tmp_path):
    recipe = write(tmp_path, pictures, backbone, per_device_train_batch_size=4, max_steps=20, save_steps=2)
    command = [*LAUNCH, str(ROOT / "train.py"), str(recipe), "--output", str(tmp_path / "run")]
    launcher = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + PATIENCE
    while not list((tmp_path / "run" / "checkpoints").glob("checkpoint-*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = subprocess.run(["pgrep", "-P", str(launcher.pid)], capture_output=True, text=True, check=True)
    os.kill(int(workers.stdout.split()[-1]), signal.SIGKILL)
    _, said = launcher.communicate(timeout=PATIENCE)
    assert launcher.returncode != 0 and "SIGKILL" in said.upper().replace("SIGNAL 9", "SIGKILL")
    assert not (tmp_path / "run" / "published").exists()
    done = ended(command, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "published" / "model.safetensors").is_file()


@pytest.mark.slow
def test_accelerate_launch(pictures, backbone, tmp_path):
    recipe = write(tmp_path, pictures, backbone, per_device_train_batch_size=4)
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    done = ended([*launch, str(ROOT / "train.py"), str(recipe), "--output", str(tmp_path / "run")], tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "published" / "model.safetensors").is_file()
