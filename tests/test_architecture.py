"""Who may import whom, which names are public, and what importing the package costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import modeling_vae

ROOT = Path(__file__).parents[1]

ROOMS = (
    *(
        "refusals",
        "processes",
        "progress",
        "files",
        "model",
        "passes",
        "feature_maps",
        "ranking",
        "hub",
        "faces",
        "photos",
        "animation",
        "sheets",
        "paper",
    ),
    *("recipes", "data", "probing", "annotating", "contents", "parts", "browser", "exporting", "become"),
    *("fitting", "figures", "publishing", "sweeps", "found_faces", "films", "tuning", "few_examples", "pipeline"),
    *("media", "training", "evaluation", "latent_report", "public", "commands"),
)
"""The rooms of the package, from the ground up: each may import those before it, wherever in a file it does."""


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
            found |= {name if name in MODULES else module for name in (f"{module}.{a.name}" for a in node.names)}
    return {name for name in found if name.split(".")[0] in ("modeling_vae", "app", "train")}


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(ROOT.glob("modeling_vae/**/*.py"))
MODULES = {name_of(file): file for file in FILES}
INSIDE = [file for file in FILES if file.parent != ROOT / "modeling_vae" or file.stem not in ("__init__", "__main__")]


def room_of(module: str) -> str:
    return module.split(".")[1]


@pytest.mark.parametrize("file", INSIDE, ids=name_of)
def test_imports_point_downward(file):
    """Without an exception: a package's own name (`modeling_vae`) stands above all rooms."""
    place = ROOMS.index(room_of(name_of(file)))
    for module in imports(file):
        assert module.startswith("modeling_vae."), f"{file.name} imports {module}"
        assert ROOMS.index(room_of(module)) <= place, f"{file.name} imports {module}"


def test_no_imports_go_in_a_circle():
    """Inside the rooms too."""
    waiting = {name_of(file): imports(file) - {name_of(file)} for file in FILES}
    while free := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        for name in free:
            del waiting[name]
    assert waiting == {}


def test_the_studio_uses_the_package_by_its_public_rooms():
    allowed = {"model", "photos", "browser", "animation", "tuning", "pipeline", "recipes", "refusals"}
    for file in sorted(ROOT.glob("app/**/*.py")):
        ours = {module for module in imports(file) if module.startswith("modeling_vae.")}
        assert {room_of(module) for module in ours} <= allowed, file


def test_no_two_files_have_one_name():
    """But for the `__init__` of each room."""
    names = [file.name for file in FILES if not file.name.startswith("__")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


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
