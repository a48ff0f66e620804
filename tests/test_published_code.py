"""The code that travels with the weights loads where our package is not, and gives the same to the last bit."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hub.clients import environment
from hub.local_hub import LocalHub
from patience import PATIENCE
from transformers.dynamic_module_utils import get_relative_imports

from modeling_vae import VAEModel
from modeling_vae.model.image_processing_image_vae import VAEImageProcessor

FILES = sorted(path for path in (Path(__file__).parents[1] / "modeling_vae/model").glob("*.py") if path.stem[0] != "_")
ALLOWED = {"torch", "transformers", "huggingface_hub", "safetensors", "numpy", "PIL"}

AUTO = """
import sys
sys.modules["modeling_vae"] = None
import torch
from transformers import AutoConfig, AutoImageProcessor, AutoModel

given = torch.load("given.pt", weights_only=True)
for source in sys.argv[1:]:
    model, info = AutoModel.from_pretrained(source, trust_remote_code=True, output_loading_info=True)
    assert not any(info.values()), info
    assert type(model).__module__.startswith("transformers_modules."), type(model).__module__
    processor = AutoImageProcessor.from_pretrained(source, trust_remote_code=True)
    assert type(processor).__module__.startswith("transformers_modules."), type(processor).__module__
    assert AutoConfig.from_pretrained(source, trust_remote_code=True).latent_dim == model.config.latent_dim
    with torch.inference_mode():
        pictures = model.eval().decode(given["latents"])
        posterior = model.encode(processor(processor.postprocess(pictures), return_tensors="pt")["pixel_values"])
    assert torch.equal(pictures, given["pictures"]) and torch.equal(posterior.mean, given["mean"])
"""

ALONE = """
import importlib, sys
from pathlib import Path
sys.modules["modeling_vae"] = None
for file in sorted(Path("published").glob("*.py")):
    importlib.import_module(f"published.{file.stem}")
    for name in [name for name in sys.modules if name.startswith("published")]:
        del sys.modules[name]
"""


def test_it_loads_from_a_folder_and_from_the_hub_without_our_package(published, tmp_path):
    model, processor = VAEModel.from_pretrained(published), VAEImageProcessor.from_pretrained(published)
    latents = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        pictures = model.eval().decode(latents)
        pixel_values = processor(processor.postprocess(pictures), return_tensors="pt")["pixel_values"]
        mean = model.encode(pixel_values).mean
    torch.save({"latents": latents, "pictures": pictures, "mean": mean}, tmp_path / "given.pt")
    with LocalHub() as hub:
        repo = hub.store.create("model", "alice/tiny", "alice", False, None)
        tree = {path.name: hub.store.regular(path.read_bytes()) for path in published.iterdir() if path.is_file()}
        repo.append("refs/heads/main", tree, "put", "", "alice", repo.resolve("main").oid)
        done = subprocess.run(
            [sys.executable, "-c", AUTO, str(published), "alice/tiny"],
            env=environment(hub, tmp_path / "hf", PYTHONPATH=""),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    assert done.returncode == 0, done.stderr


def test_each_file_loads_by_itself_without_our_package(published, tmp_path):
    package = tmp_path / "published"
    package.mkdir()
    for file in published.glob("*.py"):
        (package / file.name).write_bytes(file.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr


def test_every_file_is_published(published):
    assert {path.name for path in published.glob("*.py")} == {path.name for path in FILES}
    assert "modeling_vae.py" not in {path.name for path in FILES}  # which would hide the package in a clone


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_imports_are_of_the_allowed_form(file):
    text = file.read_text()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1 and node.module and "." not in node.module, ast.unparse(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            for module in modules:
                root = module.split(".")[0]
                assert root in ALLOWED or root in sys.stdlib_module_names, f"{file.name} imports {module}"
    # the loader looks for imports by a regular expression, in docstrings too
    assert all((file.parent / f"{name}.py").is_file() for name in get_relative_imports(file))
    assert not re.search(r"^\s*from\s+\.\s+import", text, re.MULTILINE)
