"""Several processes for one run, as torchrun starts them: one sentence, and nothing is begun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE

ROOT = Path(__file__).parents[2]


def recipe(folder: Path) -> Path:
    file = folder / "recipe.yaml"
    file.write_text("data: {path: pictures}\nobjective: {perceptual: null}\ntraining: {max_steps: 2}\n")
    return file


def test_a_process_among_several_refuses(tmp_path):
    environment = {**os.environ, "WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(ROOT / "train.py"), str(recipe(tmp_path)), "--output", str(tmp_path / "run")]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and not (tmp_path / "run").exists()
    assert done.stderr.startswith("error: 2 processes were started (WORLD_SIZE), and a run has one: start it without")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_torchrun_itself(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(ROOT / "train.py")]
    command += [str(recipe(tmp_path)), "--output", str(tmp_path / "run")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and not (tmp_path / "run").exists()
    assert "error: 2 processes were started" in done.stderr
