"""Loading from the Hub: the same as from the folder, or one clear sentence; never longer than a bounded wait."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from modeling_vae import VAEPipeline

from .clients import Client, python

LOAD = """
import torch
from modeling_vae import VAEPipeline
pipe = VAEPipeline.from_pretrained(source, revision=revision, token=token, cache_dir=cache)
latents = pipe.sample(3, seed=5)
result = [pipe.weights_sha256, pipe.folder.name, latents.tolist(), pipe.decode_pixels(latents).double().sum().item()]
if pipe.directions is not None:
    result.append(pipe.edit_latents(latents, {"smiling": 1.5}, hold=["age"]).tolist())
"""
HURRIED = f"""
from outages import hurry
hurry(silent)
{LOAD}
"""
FETCH = """
from modeling_vae.hub.downloads import fetch
from outages import hurry
hurry()
result = str(fetch(source, ["model.safetensors"], cache_dir=cache, patience=patience))
"""
MODEL = """
import torch
from modeling_vae import VAEModel
model = VAEModel.from_pretrained(source, cache_dir=cache).eval()
with torch.inference_mode():
    result = model.decode(torch.ones(1, 8)).double().flatten().tolist()
"""
AUTO = """
import modeling_vae
from transformers import AutoModel
result = type(AutoModel.from_pretrained(source, cache_dir=cache, trust_remote_code=True)).__module__
"""


@pytest.fixture
def put(hub, repo):
    """Give the repository the files of a folder, as a commit on main; returns its id."""

    def commit(folder: Path, **repository) -> str:
        if ("model", repo) not in hub.store.repos:
            hub.store.create("model", repo, "alice", repository.get("private", False), None)
        found, tree = hub.repo(repo), {}
        for path in folder.rglob("*"):
            if path.is_file():
                entry = hub.store.regular(path.read_bytes())
                if path.suffix == ".safetensors":
                    entry = type(entry).for_lfs(entry.sha256, entry.size)
                tree[path.relative_to(folder).as_posix()] = entry
        found.gated = repository.get("gated", False)
        return found.append("refs/heads/main", tree, "put", "", "alice", found.resolve("main").oid).oid

    return commit


@pytest.fixture
def load(client, repo, tmp_path):
    def run(source: object = repo, token=None, revision=None, code=LOAD, silent="", patience: float = 200.0):
        values = {"source": str(source), "token": token, "revision": revision, "cache": str(tmp_path / "cache")}
        return client.run(code, silent=silent, patience=patience, **values)

    return run


def test_the_hub_gives_what_the_folder_gives(put, load, complete):
    commit = put(complete)
    here, there = load(complete).value(), load().value()
    assert there[1] == commit and [*here[:1], *here[2:]] == [*there[:1], *there[2:]]
    assert load(code=MODEL).value() == load(complete, code=MODEL).value()


def test_a_pinned_revision_stays_what_it_was(put, load, hub, complete, repo, tmp_path):
    first = put(complete)
    folder = tmp_path / "smaller"
    shutil.copytree(complete, folder)
    (folder / "directions.safetensors").unlink()
    put(folder)
    assert len(load().value()) == 4 and len(load(revision=first).value()) == 5
    hub.clear()
    assert len(load(revision=first).value()) == 5
    assert [item for item in hub.log() if repo in item.path] == []  # a commit that is in the cache needs no question


def test_a_cut_download_is_resumed(put, load, hub, complete):
    put(complete)
    cut = hub.fault("/_cdn/*", cut=1000)
    assert load().error is None and cut.times == 0


def test_a_download_that_is_always_cut_is_given_up(put, load, hub, complete):
    put(complete)
    hub.fault("/_cdn/*", cut=1000, times=99)
    assert load(code=FETCH).error.startswith("ConnectionError: the Hub cannot be reached")


@pytest.mark.parametrize("name", ["model.safetensors", "directions.safetensors", "prior.safetensors", "config.json"])
def test_a_flipped_byte_is_found_and_the_copy_removed(put, load, hub, complete, repo, name):
    put(complete)
    at = (complete / name).stat().st_size - 100
    hub.fault(f"*/{name}", method="GET", flip=at)
    found = load()
    assert found.error == (
        f"ValueError: {name} of {repo} is damaged: its digest is not the one that the Hub gives. The copy was removed "
        "from the cache: load again."
    )
    assert load().error is None


def test_a_byte_flipped_later_in_the_cache_is_found(put, load, complete, tmp_path):
    put(complete)
    load().value()
    (weights,) = tmp_path.glob("cache/*/snapshots/*/model.safetensors")
    blob = weights.resolve()
    content = bytearray(blob.read_bytes())
    content[-100] ^= 1
    blob.write_bytes(content)
    assert "model.safetensors of alice/" in load().error


@pytest.mark.parametrize("name", ["model.safetensors", "directions.safetensors", "prior.safetensors"])
def test_a_byte_flipped_in_a_folder_is_found(load, complete, tmp_path, name):
    folder = tmp_path / "folder"
    shutil.copytree(complete, folder)
    content = bytearray((folder / name).read_bytes())
    content[-100] ^= 1
    (folder / name).write_bytes(content)
    assert load(folder).error.startswith("ValueError: ") and "damaged" in load(folder).error


def test_who_may_not_read_is_told_why(put, load, hub, complete, repo):
    put(complete, private=True)
    hidden = f"FileNotFoundError: {repo} is no folder here, and the Hub shows no model {repo}: check the name; if"
    assert load(token=False).error.startswith(hidden) and load(token=hub.other_token).error.startswith(hidden)
    assert load(token="hf_wrong").error.startswith("PermissionError: the Hub wants to know who you are")
    assert load(token=hub.read_token).error is None
    assert "is no folder here, and the Hub shows no model alice/none" in load("alice/none", token=hub.token).error
    assert f"is no folder here, and {repo} has no revision 'none'" in load(token=hub.token, revision="none").error
    assert load("no-id").error.endswith("and no Hub id, which looks like user/name.")


def test_a_gated_repository_says_how_to_get_in(put, load, hub, complete, repo):
    put(complete, gated="manual")
    for token in (False, hub.other_token):
        assert load(token=token).error.startswith(f"PermissionError: {repo} is gated: ask for access on its page")
    hub.repo(repo).granted.add("not-alice")
    assert load(token=hub.other_token).error is None


def test_a_model_that_is_no_vae_is_refused(put, load, complete, repo, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    for name in ("model.safetensors", "preprocessor_config.json"):
        shutil.copy(complete / name, folder)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    put(folder)
    assert "describes a model of type 'bert', no VAE" in load().error
    (folder / "preprocessor_config.json").unlink()
    put(folder)
    assert f"is no folder here, and {repo} has no preprocessor_config.json, so it is no published" in load().error


def test_pickles_are_refused_before_anything_is_fetched(put, load, hub, complete, tmp_path):
    folder = tmp_path / "pickles"
    folder.mkdir()
    for name in ("config.json", "preprocessor_config.json"):
        shutil.copy(complete / name, folder)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    put(folder)
    assert "pytorch_model.bin is a pickle, which can run code and is not read" in load().error
    assert not [item for item in hub.log() if item.endpoint in ("resolve", "_cdn")]


def test_code_that_a_repository_names_is_not_run(put, load, complete, tmp_path):
    folder, trace = tmp_path / "evil", tmp_path / "trace"
    shutil.copytree(complete, folder)
    (folder / "evil.py").write_text(f"open({str(trace)!r}, 'w')\n")
    for name in ("config.json", "preprocessor_config.json"):
        values = json.loads((folder / name).read_text())
        values["auto_map"] = {key: "evil.Evil" for key in values["auto_map"]}
        (folder / name).write_text(json.dumps(values))
    put(folder)
    assert load().error is None and load(folder).error is None
    assert load(code=AUTO).value() == "modeling_vae.model.modeling_image_vae"
    assert not trace.exists()


@pytest.mark.parametrize("place", ["", "encoder_backbone"])
@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation", "quantization_config"])
def test_a_config_that_asks_for_code_of_others_is_refused(published, tmp_path, key, place):
    """transformers would take an attention kernel from the Hub, and run it."""
    folder = shutil.copytree(published, tmp_path / "folder")
    values = json.loads((folder / "config.json").read_text())
    asked = {key: "kernels-community/anything"}
    values |= {place: {"model_type": "resnet", **asked}} if place else asked
    (folder / "config.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match=f"has {key}, which makes transformers fetch code of others"):
        VAEPipeline.from_pretrained(folder)


def test_a_hub_that_never_answers_is_given_up(put, load, hub, complete):
    put(complete)
    hub.fault("*", dead=True, times=99)
    found = load(code=HURRIED, silent="*")
    assert found.error.startswith("ConnectionError: ") and "ReadTimeout" in found.error
    assert "is no folder here, and the Hub cannot be reached" in found.error
    hub.clear()
    hub.fault("/_cdn/*", dead=True, times=99)
    assert "(nothing came for 1 s)" in load(code=FETCH, patience=1.0).error


def test_a_process_that_gave_up_can_end(put, hub, complete, repo, tmp_path):
    put(complete)
    hub.fault("/_cdn/*", dead=True, times=99)
    code = f"from modeling_vae.hub.downloads import fetch\nfetch('{repo}', ['model.safetensors'], patience=1.0)"
    assert "nothing came for 1 s" in python(hub, tmp_path, "-c", code).stderr


@pytest.mark.parametrize("fault", [{"dead": True}, {"status": 503}])
def test_a_copy_in_the_cache_is_used_with_a_warning(put, load, hub, complete, fault):
    commit = put(complete)
    before = load().value()
    hub.fault("*", times=99, **fault)
    found = load(code=HURRIED, silent="*")
    assert found.value() == before
    assert f"loaded from the cache, at commit {commit[:8]}, which may be older" in found.text
    assert load(revision=commit).value() == before  # which is certain


def test_a_new_version_that_cannot_be_fetched_gives_the_old_one_with_a_warning(put, load, hub, complete, tmp_path):
    old = put(complete)
    load().value()
    folder = tmp_path / "new"
    shutil.copytree(complete, folder)
    shutil.copy(folder / "prior.safetensors", folder / "directions.safetensors")
    put(folder)
    hub.fault("*/resolve/*", status=500, times=99)
    found = load(code=HURRIED)
    assert found.value()[1] == old and "may be older than what is published" in found.text


def test_offline_the_cache_is_enough(put, load, hub, complete, repo, tmp_path):
    put(complete)
    online = load().value()
    hub.clear()
    client = Client(hub, tmp_path / "offline", HF_HUB_OFFLINE="1")
    try:
        values = {"token": None, "revision": None, "cache": str(tmp_path / "cache")}
        found = client.run(LOAD, source=repo, **values)
        assert found.value() == online and "Warning" not in found.text
        assert client.run(LOAD, source="alice/none", **values).error == (
            "ConnectionError: alice/none is no folder here, and HF_HUB_OFFLINE is set, and alice/none at main is not "
            "in the cache: load it once without."
        )
    finally:
        client.close()
    assert [item for item in hub.log() if repo in item.path] == []
