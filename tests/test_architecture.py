"""Who may import whom, which names are public, and what importing the package costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import modeling_vae

ROOT = Path(__file__).parents[1]

# Each part may import itself and what stands beside it here; `model` is checked more closely elsewhere.
ALLOWED = {
    "modeling_vae.model": set(),
    "modeling_vae.files": set(),
    "modeling_vae.animation": {"modeling_vae.files", "modeling_vae.model"},
    "modeling_vae.faces": {"modeling_vae.model"},
    "modeling_vae.parts": {"modeling_vae.model"},
    "modeling_vae.photo": {"modeling_vae.model"},
    "modeling_vae.face_finder": {"modeling_vae.model", "modeling_vae.photo"},
    "modeling_vae.cropping": {
        "modeling_vae.model",
        "modeling_vae.face_finder",
        "modeling_vae.faces",
        "modeling_vae.photo",
    },
    # the one arrow upwards: `push_to_hub` imports publishing when called, as all classes of the Hub have the method
    "modeling_vae.pipeline": {
        "modeling_vae.model",
        "modeling_vae.animation",
        "modeling_vae.cropping",
        "modeling_vae.faces",
        "modeling_vae.parts",
        "modeling_vae.photo",
        "modeling_vae.hub.publishing",
    },
    "modeling_vae.data": {"modeling_vae.model"},
    "modeling_vae.probing": {"modeling_vae.model", "modeling_vae.data"},
    "modeling_vae.training": {
        "modeling_vae.files",
        "modeling_vae.model",
        "modeling_vae.data",
        "modeling_vae.face_finder",
        "modeling_vae.probing",
        "modeling_vae.parts",
    },
    "modeling_vae.evaluation": {
        "modeling_vae.files",
        "modeling_vae.model",
        "modeling_vae.data",
        "modeling_vae.photo",
        "modeling_vae.pipeline",
        "modeling_vae.probing",
    },
    "app": {"modeling_vae", "modeling_vae.model", "modeling_vae.pipeline", "modeling_vae.animation"},
}


def imports(file: Path) -> set[str]:
    """Absolute names of this project's modules that a file imports, wherever in the file it does."""
    package = [*file.relative_to(ROOT).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module.split(".") if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return {name for name in found if name.split(".")[0] in ("modeling_vae", "app", "train")}


def part_of(module: str) -> str:
    parts = module.split(".")
    return parts[0] if parts[0] == "app" or len(parts) == 1 else ".".join(parts[:2])


@pytest.mark.parametrize("part", ALLOWED)
def test_imports_point_downward(part):
    path = ROOT.joinpath(*part.split("."))
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    assert files
    wrong = []
    for file in files:
        for module in imports(file):
            target = part_of(module)
            if target == "modeling_vae" and module != "modeling_vae":
                target = module
            names_only = target == "modeling_vae" and part != "app"
            if target != part and not ALLOWED[part] & {target, module, module.rpartition(".")[0]} and not names_only:
                wrong.append(f"{file.relative_to(ROOT)} imports {module}")
    assert wrong == []


def test_the_public_names_are_what_all_says():
    public = {
        name
        for name, value in vars(modeling_vae).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("modeling_vae.")
    }
    assert public == set(modeling_vae.__all__)
    assert modeling_vae.__all__ == sorted(modeling_vae.__all__)


def test_importing_the_package_pulls_in_nothing_optional():
    script = "import sys, modeling_vae; print([m for m in sys.modules if '.' not in m])"
    found = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(found.stdout.splitlines()[-1]))
    # transformers and huggingface_hub take accelerate and pydantic along where they are installed
    assert loaded & {"gradio", "datasets", "imageio", "yaml", "matplotlib", "cv2", "onnx"} <= {"yaml"}


@pytest.mark.parametrize("file", sorted(ROOT.glob("modeling_vae/**/*.py")) + sorted(ROOT.glob("app/**/*.py")), ids=str)
def test_no_file_is_longer_than_can_be_overseen(file):
    assert len(file.read_text().splitlines()) <= 400
