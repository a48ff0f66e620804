"""The notebook runs from its first cell to its last, in a kernel of its own, with a shorter training."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "examples" / "tour.ipynb"
BUNDLED = ROOT / "hub_configs" / "cats-128" / "model.safetensors"


def read():
    return nbformat.read(TOUR, as_version=4)


def test_it_is_kept_without_outputs():
    """Which would be megabytes, and differ with every run."""
    assert TOUR.stat().st_size < 30_000
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in read().cells)


def test_every_public_method_of_the_pipeline_is_shown():
    """In the notebook or in the README."""
    texts = "\n".join([*(cell.source for cell in read().cells), (ROOT / "README.md").read_text(encoding="utf-8")])
    methods = (
        *("sample", "encode", "decode", "generate", "reconstruct", "read", "edit", "edit_latents", "average", "morph"),
        *("sweep", "crop", "crops", "far_from_photo", "become", "load_directions", "save_pretrained", "push_to_hub"),
    )
    assert [name for name in methods if not re.search(rf"\b{name}\b", texts)] == []
    assert "kl_warmup_ratio" in texts and "backbone" in texts


@pytest.mark.skipif(not BUNDLED.exists(), reason="the bundled model is not in this checkout")
def test_it_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    notebook = read()
    (training,) = [cell for cell in notebook.cells if "STEPS = 400" in cell.source]
    training.source = training.source.replace("STEPS = 400", "STEPS = 6").replace("range(300)", "range(120)")
    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    assert sum("image/png" in output.data for output in shown) == 7
    assert sum("image/gif" in output.data for output in shown) == 2
