"""The Space: what is in its folder, how it is published, and that the folder alone runs the studio."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import numpy as np
import pytest
import yaml
from gradio_client import Client as StudioClient
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from patience import PATIENCE
from PIL import Image

from app.studio import DOWNLOADED_SIDE, enlarged
from modeling_vae import VAEPipeline
from modeling_vae.publishing.space import DISTRIBUTIONS, MODEL_FILES, build_space
from modeling_vae.publishing.space_sources import source_files

from .spaces import PUSH_MODEL, downloaded, files, python_with, running, space_environment

ROOT = Path(__file__).parents[2]
PUSH_SPACE = """
import json, sys
from modeling_vae.publishing.space import push_space
result = push_space(space, model, token=token, **options).oid
"""
SEED = 7


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("space") / "space"
    build_space(folder, "alice/tiny", preload=MODEL_FILES)
    return folder


@pytest.fixture
def space(repo) -> str:
    return f"{repo}-studio"


@pytest.fixture
def push(client, hub, model, space):
    def run(token: str | None = None, model: str = model, **options):
        return client.run(PUSH_SPACE, space=space, model=model, token=token or hub.token, options=options)

    return run


def front_matter(card: str) -> dict:
    return yaml.safe_load(card.split("---\n")[1])


def commits(hub, space: str) -> list[str]:
    repository = hub.repo(space, "space")
    return [commit.title for commit in repository.history(repository.resolve("main"))]


def held(folder: Path) -> list[str]:
    """What a published folder has of the files that a Space loads."""
    return [name for name in MODEL_FILES if (folder / name).is_file()]


def by_hand(hub, space: str, **changed: bytes) -> None:
    """A commit that a person makes."""
    repository = hub.repo(space, "space")
    head = repository.resolve("main")
    tree = dict(head.tree) | {name: hub.store.regular(content) for name, content in changed.items()}
    repository.append("refs/heads/main", tree, "by hand", "", "alice", head.oid)


# --- the folder --------------------------------------------------------------------------------------------------


def test_the_folder_is_small_and_says_what_a_space_asks(folder):
    card = front_matter((folder / "README.md").read_text())
    assert card["sdk"] == "gradio" and card["sdk_version"] == version("gradio") and card["app_file"] == "app.py"
    assert isinstance(card["python_version"], str)
    assert tuple(map(int, card["python_version"].split("."))) == sys.version_info[:2] >= (3, 11)
    assert card["models"] == ["alice/tiny"] and card["license"] == "apache-2.0" and "vae" in card["tags"]
    assert card["preload_from_hub"] == [f"alice/tiny {','.join(MODEL_FILES)}"]
    assert len(card["short_description"]) <= 60
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert not any("__pycache__" in path.parts for path in paths)
    assert sum(path.stat().st_size for path in paths) < 750_000


def test_the_files_are_those_that_the_studio_imports_and_its_assets(folder):
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"README.md", "app.py", "requirements.txt", "app/studio.css", "app/favicon.svg"} <= names
    assert {"app/tabs/edit.py", "modeling_vae/pipeline.py", "modeling_vae/model/modeling_image_vae.py"} <= names
    rooms = "data|training|evaluation|publishing|recipes/recipe|commands|__main__|model/handler"
    unneeded = rf"modeling_vae/({rooms})|app/__main__"
    assert not [name for name in names if re.match(unneeded, name)]
    for name in names - {"README.md", "app.py", "requirements.txt"}:
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes()


def test_which_sources_are_found(tmp_path):
    """Imports of every form and depth are followed, those of training and those for type checkers are not."""
    sources = {
        "app/__init__.py": "",
        "app/page.py": "import modeling_vae.deep.inner\nfrom . import widgets\nfrom .theme import look",
        "app/widgets.py": "def show():\n    from modeling_vae import late",
        "app/theme.py": "if TYPE_CHECKING:\n    from modeling_vae.typing_only import X",
        "app/unused.py": "",
        "app/icons/a.svg": "<svg/>",
        "modeling_vae/__init__.py": "",
        "modeling_vae/deep/__init__.py": "from .inner import *",
        "modeling_vae/deep/inner.py": "import json",
        "modeling_vae/late.py": "def push():\n    from .publishing.repository import push_folder",
        "modeling_vae/typing_only.py": "",
        "modeling_vae/publishing/__init__.py": "",
        "modeling_vae/publishing/repository.py": "",
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    left_out = {"app/unused.py", "modeling_vae/typing_only.py", "modeling_vae/publishing/__init__.py"}
    homes = {package: tmp_path / package for package in ("app", "modeling_vae")}
    found = source_files("from app.page import build", homes)
    assert all(file == tmp_path / name for name, file in found.items())
    assert found.keys() == sources.keys() - left_out - {"modeling_vae/publishing/repository.py"}


def test_requirements_are_exact_and_what_the_code_imports(folder, tmp_path):
    lines = (folder / "requirements.txt").read_text().split()
    assert [line.split("==")[0] for line in lines] == list(DISTRIBUTIONS)
    assert all(re.fullmatch(r"[\w-]+==\d[\w.]*", line) for line in lines), "no build of this machine, no address"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["dependencies"] + project["optional-dependencies"]["app"]
    assert set(DISTRIBUTIONS) <= {Requirement(line).name for line in declared}
    owners = packages_distributions()
    imported = {name for path in folder.rglob("*.py") for name in absolute_imports(path)}
    for name in imported - {"app", "modeling_vae"} - sys.stdlib_module_names:
        with_gradio = {"gradio-client"}  # which gradio asks for by its exact version
        assert {canonicalize_name(owner) for owner in owners[name]} & ({*DISTRIBUTIONS} | with_gradio), name
    build_space(tmp_path, "alice/tiny", torch_index="https://wheels.example/cpu")
    first, torch, *rest = (tmp_path / "requirements.txt").read_text().splitlines()
    assert first == "--extra-index-url https://wheels.example/cpu" and torch == lines[0] + "+cpu" and rest == lines[1:]
    with pytest.raises(ValueError, match="torch_index .* has a login in it"):
        build_space(tmp_path, "alice/tiny", torch_index="https://me:secret@wheels.example")


def absolute_imports(path: Path) -> set[str]:
    """First names of what a file imports, wherever in it."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_ = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.split(".")[0] for name in plain | from_}


def test_a_revision_is_pinned_everywhere(tmp_path):
    build_space(tmp_path, "alice/tiny", "0123abc", preload=["config.json"])
    assert "MODEL, REVISION = \"alice/tiny\", '0123abc'" in (tmp_path / "app.py").read_text()
    assert front_matter((tmp_path / "README.md").read_text())["preload_from_hub"] == ["alice/tiny config.json 0123abc"]


# --- publishing --------------------------------------------------------------------------------------------------


def test_a_push_is_one_commit_and_the_same_again_none(push, hub, space, folder, model, complete):
    first = push(commit_message="Show it").value()
    assert commits(hub, space) == ["Show it", "initial commit"]
    pushed = files(hub, space)
    assert pushed.keys() == {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    card = front_matter(pushed["README.md"].decode())
    assert card["models"] == [model] and card["preload_from_hub"] == [f"{model} {','.join(held(complete))}"]
    assert f'MODEL, REVISION = "{model}", None' in pushed["app.py"].decode()
    assert hub.repo(space, "space").space["sdk"] == "gradio"
    assert push().value() == first and len(commits(hub, space)) == 2


def test_what_is_no_longer_part_goes_and_what_people_wrote_stays(push, hub, space):
    push().value()
    card = files(hub, space)["README.md"].decode()
    card = card.replace("title: for-spaces studio", "title: My cats\nthumbnail: banner.png")
    card = card.replace("sdk_version: ", "sdk_version: 1.0 # ") + "\nMade with love.\n"
    theirs = {"README.md": card.encode(), "banner.png": b"png", "app/tabs/former.py": b"", "app.py": b"broken"}
    by_hand(hub, space, **theirs)
    push().value()
    pushed = files(hub, space)
    assert "banner.png" in pushed and "app/tabs/former.py" not in pushed and pushed["app.py"] != b"broken"
    written = front_matter(pushed["README.md"].decode())
    assert (written["title"], written["thumbnail"]) == ("My cats", "banner.png")
    assert written["sdk_version"] == version("gradio") and "Made with love." in pushed["README.md"].decode()
    assert len(commits(hub, space)) == 4
    push().value()
    assert len(commits(hub, space)) == 4


def test_private_hardware_revision_and_pull_request(push, hub, space, model):
    revision = hub.repo(model).resolve("main").oid
    push(private=True, hardware="cpu-upgrade", model_revision="main").value()
    repository = hub.repo(space, "space")
    assert repository.private and repository.space["hardware"] == "cpu-upgrade"
    assert f"\"{model}\", '{revision}'" in files(hub, space)["app.py"].decode()
    push(hardware="t4-small").value()
    assert repository.space["hardware"] == "t4-small"
    by_hand(hub, space, **{"app.py": b"broken"})
    head = repository.resolve("main").oid
    push(create_pr=True).value()
    assert repository.resolve("main").oid == head and len(repository.pull_requests) == 1
    assert files(hub, space, "refs/pr/1")["app.py"] != b"broken"
    assert "hardware is 'abacus'; give one of cpu-basic" in push(hardware="abacus").error


def test_a_model_that_is_not_public_is_not_preloaded(client, push, hub, space, complete, repo):
    client.run(PUSH_MODEL, folder=str(complete), repo=repo, token=hub.token, options={"private": True}).value()
    outcome = push(model=repo)
    outcome.value()
    assert "is not public: give the Space a secret HF_TOKEN" in outcome.text
    assert "preload_from_hub" not in front_matter(files(hub, space)["README.md"].decode())


def test_free_hardware_that_has_to_be_paid_for(push, hub, space, model):
    hub.site.space_needs_payment = True
    try:
        error = push().error
    finally:
        hub.site.space_needs_payment = False
    assert error.startswith(
        f"PermissionError: the Hub makes the Space {space} on free hardware only for accounts with"
    )
    assert "--hardware cpu-upgrade" in error and f"python -m app --model {model}" in error
    assert ("space", space) not in hub.store.repos


def test_faults(push, hub, space, repo, model):
    assert f"FileNotFoundError: {repo} is no folder here, and the Hub shows no model {repo}" in push(model=repo).error
    assert "is no Hub id" in push(model="cats").error
    assert "this token may not write" in push(token=hub.other_token).error
    assert "sign in with" in push(token="hf_wrong").error
    assert "shows no space" in push(create_pr=True).error
    assert ("space", space) not in hub.store.repos
    push().value()
    by_hand(hub, space, **{"app.py": b"old"})
    hub.fault("*/commit/*", status=403)
    assert "this token may not write" in push().error and files(hub, space)["app.py"] == b"old"
    hub.clear()
    hub.fault("*/commit/*", status=503)  # tried again
    push().value()
    assert files(hub, space)["app.py"] != b"old"


def test_a_repository_that_is_no_vae(push, hub, space, repo):
    made = hub.store.create("model", repo, "alice", False, None)
    tree = {name: hub.store.regular(b'{"model_type": "vit"}') for name in MODEL_FILES[:3]}
    made.append("refs/heads/main", tree, "x", "", "alice", made.resolve("main").oid)
    assert "describes a model of type 'vit', no VAE" in push(model=repo).error
    assert ("space", space) not in hub.store.repos


# --- running -----------------------------------------------------------------------------------------------------


def use(url: str, pipe: VAEPipeline, downloads: Path) -> None:
    """Generate and edit as a visitor's program does; the faces are those of the model."""

    def pixels(path: str) -> np.ndarray:
        return np.asarray(Image.open(path).convert("RGB")).astype(int)

    def same(path: str, picture: Image.Image) -> None:
        assert abs(pixels(path) - np.asarray(picture).astype(int)).max() <= 1

    studio = StudioClient(url, verbose=False, download_files=str(downloads), httpx_kwargs={"timeout": PATIENCE})
    shown, faces = studio.predict(seed=SEED, count=4, truncation=0.9, api_name="/new_faces")
    for path, picture in zip(shown, pipe.generate(4, SEED, 0.9), strict=True):
        same(path, enlarged(picture, DOWNLOADED_SIDE))
    edited, _ = studio.predict(faces[1], {"smiling": 2.0}, ["age"], api_name="/edit")
    picture = pipe.edit(pipe.sample(2, SEED, 0.9)[1], {"smiling": 2.0}, hold=["age"])
    same(edited, enlarged(picture, DOWNLOADED_SIDE))


def test_the_uploaded_folder_runs_as_a_space(push, hub, space, complete, tmp_path):
    """With nothing but its requirements, and without this checkout."""
    push().value()
    folder = downloaded(hub, space, tmp_path / "home" / "app")
    unused = {Path("app.py"), Path("modeling_vae/photos/people.py")}  # the latter with a photo that is searched
    sources = {path.relative_to(folder) for path in folder.rglob("*.py")} - unused
    python = python_with(DISTRIBUTIONS, tmp_path / "python")
    environment = space_environment(hub, tmp_path / "home")
    for name in ("modeling_vae", "datasets"):
        missing = subprocess.run([python, "-c", f"import {name}"], cwd=tmp_path, env=environment, capture_output=True)
        assert f"No module named '{name}'".encode() in missing.stderr
    hub.clear()
    with running(python, folder, environment) as url:
        use(url, VAEPipeline.from_pretrained(complete), tmp_path / "downloads")
        asked = {entry.path.rpartition("/")[2] for entry in hub.log() if "/resolve/" in entry.path}
    assert asked == {*held(complete), "README.md"}, "what is preloaded is what is asked for, and the card"
    compiled = {path.relative_to(folder) for path in folder.rglob("__pycache__/*.pyc")}
    assert {path.parents[1] / f"{path.name.split('.')[0]}.py" for path in compiled} == sources, "no file is idle"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_fresh_environment_with_nothing_but_the_requirements(push, hub, space, complete, tmp_path):
    push().value()
    folder = downloaded(hub, space, tmp_path / "home" / "app")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "python")], check=True)
    python = tmp_path / "python" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", folder / "requirements.txt"], check=True)
    with running(python, folder, space_environment(hub, tmp_path / "home")) as url:
        use(url, VAEPipeline.from_pretrained(complete), tmp_path / "downloads")
