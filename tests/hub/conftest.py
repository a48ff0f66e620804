"""One local Hub and one published folder for all tests here; each has its own repository and its client processes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny import tiny_pipeline

from modeling_vae.media import draw_media
from modeling_vae.publishing.card import write_card
from modeling_vae.recipes.recipe import Recipe

from .clients import Client
from .local_hub import LocalHub
from .spaces import PUSH_MODEL

RECIPE = """
data: {path: alice/cats, validation: validation}
training: {max_steps: 3}
attributes: {smiling: boolean, coat: category, age: numeric}
publish: {license: apache-2.0, tags: [cats], title: Tiny cats}
"""
REPORT = {
    "protocol": {"pictures": 100, "image_size": [32, 32]},
    "reconstruction": {"psnr": {"value": 24.5, "low": 24.0, "high": 25.0}, "active_units": 7, "latent_dim": 8},
    "sharpness": {"validation": {"value": 1500.0, "low": 1400.0, "high": 1600.0}},
    "run": {"steps": 3, "torch": "2"},
}
numbers = itertools.count()


@pytest.fixture(scope="session")
def running_hub() -> Iterator[LocalHub]:
    with LocalHub() as hub:
        yield hub


@pytest.fixture
def hub(running_hub: LocalHub) -> LocalHub:
    running_hub.clear()
    return running_hub


@pytest.fixture(scope="session")
def running_client(running_hub: LocalHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(running_hub, tmp_path_factory.mktemp("client"))
    yield client
    client.close()


@pytest.fixture
def client(running_client: Client, hub: LocalHub) -> Client:
    return running_client


@pytest.fixture
def repo() -> str:
    """The id of a repository that no other test uses."""
    return f"alice/tiny-{next(numbers)}"


@pytest.fixture(scope="session")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published folder with card, recipe, figures and media; tests that change it copy it first."""
    folder = tmp_path_factory.mktemp("complete") / "tiny"
    pipe = tiny_pipeline()
    pipe.save_pretrained(folder)
    (folder / "recipe.yaml").write_text(RECIPE)
    (folder / "evaluation.json").write_text(json.dumps(REPORT))
    (folder / "media").mkdir()
    for name, content in draw_media(pipe).items():
        (folder / "media" / name).write_bytes(content)
    write_card(folder, pipe.parts, Recipe.read(folder), REPORT)
    return folder


@pytest.fixture(scope="session")
def model(running_client: Client, running_hub: LocalHub, complete: Path) -> str:
    """The id of a published model that Spaces show."""
    values = {"folder": str(complete), "repo": "alice/for-spaces", "token": running_hub.token, "options": {}}
    running_client.run(PUSH_MODEL, **values).value()
    return "alice/for-spaces"
