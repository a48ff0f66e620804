"""A run that publishes at each checkpoint: what is there loads, and no fault of the Hub is a fault of the training."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, load_file
from training.making import recipe_values, write_pictures, write_recipe

from modeling_vae.recipes.recipe import Recipe

from .clients import REPOSITORY, environment, python, refuse_tokens

TRAIN = """
import modeling_vae.probing.probes as probes
import os, queue
from types import SimpleNamespace
import train
from modeling_vae.commands import whole_run
import modeling_vae.publishing.checkpoints as checkpoints
from outages import hurry

class Results(queue.SimpleQueue):
    def get(self, timeout):
        asked.wait()  # however long the machine needs until then
        return super().get(timeout=timeout)

class Patient(checkpoints.PushCheckpoints):
    def on_save(self, args, state, *others, **named):
        self.patience, self.timeout = patience if patience and state.global_step == 2 else 250.0, 250.0
        super().on_save(args, state, *others, **named)

asked = hurry(silent, times=1)
if patience:
    checkpoints.queue = SimpleNamespace(SimpleQueue=Results, Empty=queue.Empty)
whole_run.PushCheckpoints = Patient
os.chdir(where)
os.environ["HF_TOKEN"] = token
probes.EPOCHS = 2  # they take the longest, and nothing here is about what they see
result = str(train.main(arguments))
"""
PUSH = """
from modeling_vae.publishing.repository import push_folder
result = push_folder(folder, repo, token=token).oid
"""
LATE = """
from types import SimpleNamespace
from modeling_vae.publishing.repository import push_folder
import modeling_vae.hub.commits as commits
tries = iter([0.0, 2.0])  # its time is over once the commit was sent
commits.time = SimpleNamespace(monotonic=lambda: next(tries))
push_folder(folder, repo, token=token, deadline=1.0)
"""
LOAD = """
from modeling_vae import VAEPipeline
pipe = VAEPipeline.from_pretrained(repo, revision=revision, cache_dir=cache)
result = [pipe.attributes, pipe.prior is None, pipe.decode_pixels(pipe.sample(2, seed=1)).tolist()]
"""
AUTO = """
import json, sys
sys.modules["modeling_vae"] = None
import torch
from transformers import AutoImageProcessor, AutoModel

repo, revision, latents = json.loads(sys.argv[1])
model = AutoModel.from_pretrained(repo, revision=revision, trust_remote_code=True).eval()
processor = AutoImageProcessor.from_pretrained(repo, revision=revision, trust_remote_code=True)
assert type(model).__module__.startswith("transformers_modules.") and processor.size["height"] == 32
with torch.inference_mode():
    print(json.dumps(model.decode(torch.tensor(latents)).tolist()))
"""
OTHERS = {"directions.safetensors", "prior.safetensors", "evaluation.json", "media", ".eval_results"}
"""Names at the top of a repository that belong to a finished model."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures") / "pictures", 48)


@pytest.fixture
def arguments(pictures, repo, tmp_path) -> list[str]:
    """Of train.py: four steps, a checkpoint after each two, in the folder `run`."""
    values = recipe_values(pictures, tmp_path)
    values["objective"] = {}
    values["training"] |= {"max_steps": 4, "save_steps": 2, "eval_steps": 4, "precision": "fp32"}
    recipe = write_recipe(tmp_path / "recipe", values)
    return [str(recipe), "--output", "run", f"push_to_hub={repo}", "push_checkpoints=true"]


@pytest.fixture
def train(client, hub, arguments, tmp_path):
    def run(*more: str, token: str | None = None, patience: float | None = None, silent: str = ""):
        """`patience`: seconds for the first push once it asks the Hub; the others have as long as they need."""
        values = {"where": tmp_path, "token": token or hub.token, "patience": patience, "silent": silent}
        return client.run(TRAIN, arguments=[*arguments, *more], **values)

    return run


def history(hub, repo: str) -> list:
    """Commits of main, the first one first."""
    repository = hub.repo(repo)
    return list(repository.history(repository.resolve("main")))[::-1]


def titles(hub, repo: str) -> list[str]:
    return [commit.title for commit in history(hub, repo)][1:]


def warnings_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("Step ") and "was not published" in line]


def test_where_checkpoints_go_must_be_said():
    with pytest.raises(ValueError, match="push_checkpoints=true does not say where to: add push_to_hub=user/name"):
        Recipe.model_validate({"push_checkpoints": True})
    recipe = Recipe.model_validate({"push_checkpoints": True, "push_to_hub": "alice/cats"})
    assert recipe.published() == Recipe()


def test_each_checkpoint_takes_the_place_of_what_was_there_and_loads(client, hub, repo, complete, train, tmp_path):
    """Over a finished model of other weights, of which nothing stays but what people wrote."""
    folder = shutil.copytree(complete, tmp_path / "older")
    (folder / "LICENSE.md").write_text("Mine.\n")
    with open(folder / "README.md", "a") as card:
        card.write("\nWords of a person.\n")
    client.run(PUSH, folder=folder, repo=repo, token=hub.token).value()
    assert OTHERS <= {name.split("/")[0] for name in hub.repo(repo).resolve("main").tree}
    train().value()
    steps = ["Training in progress, step 2", "Training in progress, step 4"]
    assert titles(hub, repo) == ["Publish the model", *steps, "Publish the model"]
    *_, older, first, second, last = history(hub, repo)
    for commit, step in ((first, 2), (second, 4)):
        assert not OTHERS & {name.split("/")[0] for name in commit.tree} and "LICENSE.md" in commit.tree
        card = hub.read(repo, "README.md", commit.oid).decode()
        assert f"**In training: step {step} of 4.** No evaluation yet" in card and "Words of a person." in card
        assert "model-index" not in card and "## Evaluation" not in card and "![" not in card
        assert f'VAEPipeline.from_pretrained("{repo}")' in card
        assert "push_" not in hub.read(repo, "recipe.yaml", commit.oid).decode()
        assert all(str(tmp_path).encode() not in hub.read(repo, name, commit.oid) for name in commit.tree)
        weights = load(hub.read(repo, "model.safetensors", commit.oid))
        state = load_file(tmp_path / "run" / "checkpoints" / f"checkpoint-{step}" / "model.safetensors")
        for name, weight in weights.items():
            assert torch.equal(weight, state[f"average.module.{name}"].to(weight.dtype)), name
    assert {name.split("/")[0] for name in last.tree} >= OTHERS - {".eval_results"} | {"LICENSE.md"}
    card = hub.read(repo, "README.md").decode()
    assert "In training" not in card and "## Evaluation" in card and "Words of a person." in card
    load_both_ways(client, hub, repo, first.oid, tmp_path)


def load_both_ways(client, hub, repo: str, revision: str, folder: Path) -> None:
    """With our package and, in another process, without it: the same to the last bit."""
    attributes, without_prior, pixels = client.run(LOAD, repo=repo, revision=revision, cache=folder / "cache").value()
    assert attributes == [] and without_prior
    from modeling_vae.model.latents import sample_noise

    request = json.dumps([repo, revision, sample_noise(2, 8, 1).tolist()])
    done = python(hub, folder / "alone", "-c", AUTO, request)
    assert done.returncode == 0 and json.loads(done.stdout) == pixels, done.stderr


def test_a_run_that_publishes_is_the_same_as_one_that_does_not(train, tmp_path):
    pushed = Path(tmp_path / train().value())
    alone = Path(tmp_path / train("--output", "other", "push_to_hub=null", "push_checkpoints=false").value())
    assert (pushed / "model.safetensors").read_bytes() == (alone / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("place", "fault", "said"),
    [
        ("*/commit/*", {"status": 503, "times": 3}, "the Hub cannot be reached for {repo} (status 503)"),
        ("/_upload/*", {"status": 500, "times": 6}, "the Hub cannot be reached for {repo} (status 500)"),
        ("*/commit/*", {"status": 403, "times": 1}, "this token may not write to {repo}"),
        ("*/api/models/*", {"dead": True, "times": 1}, "the Hub cannot be reached for {repo} (ReadTimeout)"),
    ],
)
def test_a_push_that_fails_is_one_warning_and_the_next_one_is_made(hub, repo, train, place, fault, said):
    hub.fault(place, **fault)
    seed = f"training.seed={fault.get('status', 1)}"  # weights that this Hub has not seen yet
    done = train(seed, silent=place if "dead" in fault else "")
    done.value()
    (warning,) = warnings_of(done.text)
    assert warning.startswith("Step 2 was not published, and the training goes on: " + said.format(repo=repo))
    assert titles(hub, repo) == ["Training in progress, step 4", "Publish the model"]


def test_a_hub_that_takes_too_long_is_left_alone(hub, repo, train):
    """Its answer comes, but when the next checkpoint is there: what was left does no harm then."""
    with ThreadPoolExecutor() as threads, hub.hold("*") as first, hub.hold("*") as second:
        training = threads.submit(train, patience=1.0)
        second.arrived()
        first.release()
        second.release()
        done = training.result()
    done.value()
    (warning,) = warnings_of(done.text)
    assert warning.endswith(f"goes on: {repo} took longer than 1 s.")
    assert titles(hub, repo) == ["Training in progress, step 4", "Publish the model"]


def test_a_wrong_token_stops_no_training(hub, repo, train, tmp_path):
    done = train(token="hf_wrong")
    assert done.error.startswith("ConnectionError: the run is complete in run/published, but it was not published: ")
    assert len(warnings_of(done.text)) == 2 and "knows no such token" in warnings_of(done.text)[0]
    assert (tmp_path / "run" / "published" / "model.safetensors").is_file()
    assert ("model", repo) not in hub.store.repos


def test_a_killed_run_goes_on_publishing(hub, repo, train, arguments, tmp_path):
    command = [sys.executable, str(REPOSITORY / "train.py"), *arguments, "training.max_steps=400"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(hub, tmp_path / "hf"), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    while process.poll() is None:
        if ("model", repo) in hub.store.repos and titles(hub, repo):
            break
        time.sleep(0.01)
    process.kill()
    output, _ = process.communicate()
    refuse_tokens(hub, output)
    before = titles(hub, repo)
    assert before[0] == "Training in progress, step 2" and "Publish the model" not in before, output
    there = max(int(path.name.split("-")[1]) for path in (tmp_path / "run" / "checkpoints").glob("checkpoint-*"))
    train(f"training.max_steps={there + 4}").value()
    steps = [f"Training in progress, step {step}" for step in (there + 2, there + 4)]
    assert titles(hub, repo)[len(before) :][-3:] == [*steps, "Publish the model"]


def test_a_push_that_was_left_does_not_land_on_a_newer_one(client, hub, repo, complete, tmp_path):
    newer = shutil.copytree(complete, tmp_path / "newer")
    (newer / "evaluation.json").write_text("{}")
    values = {"repo": repo, "token": hub.token}
    client.run(PUSH, folder=complete, **values).value()
    with ThreadPoolExecutor() as threads, hub.hold("*/commit/*") as held:
        slow = threads.submit(client.run, LATE, folder=older_than(complete, tmp_path), **values)
        held.arrived()
        client.run(PUSH, folder=newer, **values).value()
        held.release()
        found = slow.result()
    others = f"others keep pushing to {repo} at the same time: push again when they are done."
    assert found.error == f"ConnectionError: {others}"
    assert hub.read(repo, "evaluation.json") == b"{}" and len(titles(hub, repo)) == 2


def older_than(complete: Path, folder: Path) -> Path:
    """Another version of the folder."""
    other = shutil.copytree(complete, folder / "other")
    (other / "evaluation.json").write_text('{"protocol": {}}')
    return other
