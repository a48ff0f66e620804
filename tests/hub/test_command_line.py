"""`python -m modeling_vae push`, and `train.py ... push_to_hub=`."""

from __future__ import annotations

import re

from training.making import recipe_values, write_pictures, write_recipe

from .clients import python


def test_push_prints_the_address(hub, complete, repo, tmp_path):
    done = python(hub, tmp_path, "-m", "modeling_vae", "push", str(complete), repo, "--message", "Hello", "--private")
    commit = hub.repo(repo).resolve("main")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{hub.url}/{repo}/commit/{commit.oid}" and commit.title == "Hello"
    assert hub.repo(repo).private and f"to {repo}." in done.stderr and "sig=" not in done.stderr


COMMAND = """
import os
from unittest.mock import patch
from modeling_vae.commands.main import main
os.chdir(where)
with patch.dict(os.environ, HF_TOKEN=token), patch("time.sleep"):
    result = main(arguments)
"""
TRAIN = COMMAND.replace("modeling_vae.commands.main", "train").replace("result = main(arguments)", "main(arguments)")


def test_push_says_what_is_wrong_in_one_line(client, hub, complete, tmp_path):
    arguments = ["push", str(complete), "bob/cats"]
    found = client.run(COMMAND, where=tmp_path, token=hub.token, arguments=arguments)
    assert found.value() == 1 and "Traceback" not in found.text
    assert "error: this token may not write to bob/cats: use a write token of its owner" in found.text


def test_a_run_is_not_lost_when_it_cannot_be_published(client, hub, repo, tmp_path):
    values = recipe_values(write_pictures(tmp_path / "pictures", 48), tmp_path)
    values["objective"] = {}
    values["training"] |= {"max_steps": 2, "save_steps": 2, "eval_steps": 2}
    recipe = write_recipe(tmp_path / "recipe", values)
    hub.fault("*/commit/*", status=503, times=99)
    arguments = [str(recipe), f"push_to_hub={repo}", "--output", "run"]
    found = client.run(TRAIN, where=tmp_path, token=hub.token, arguments=arguments)
    assert found.error.startswith("ConnectionError: the run is complete in run/published, but it was not published: ")
    hub.clear()
    (later,) = re.findall(r"Publish it later: python -m modeling_vae (push run/published \S+)", found.error)
    assert client.run(COMMAND, where=tmp_path, token=hub.token, arguments=later.split()).value() == 0
    assert hub.repo(repo).resolve("main").tree.keys() >= {"model.safetensors", "directions.safetensors", "README.md"}
    texts = {name: hub.read(repo, name).decode() for name in ("README.md", "recipe.yaml", "evaluation.json")}
    assert not any(str(tmp_path) in text for text in texts.values())
    assert repo not in texts["recipe.yaml"] + texts["evaluation.json"]
