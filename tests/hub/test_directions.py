"""Directions that people share: alone, joined to a model's own, and as a pull request."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from tiny import ATTRIBUTES, labelled_latents, tiny_pipeline

from modeling_vae import AttributeDirections, LatentMoments, VAEPipeline


def directions_of(pipe: VAEPipeline, seed: int, column: str = "smiling", weights_sha256: str | None = None):
    """Directions that somebody else fitted, on other pictures, with one column and its figures."""
    latents, labels = labelled_latents(seed=seed)
    moments = LatentMoments.empty(8, {column: "boolean"})
    moments.update(latents, torch.full_like(latents, -4.0), {column: labels["smiling"]})
    found, _ = AttributeDirections.from_moments(moments, weights_sha256=weights_sha256 or pipe.weights_sha256)
    return found.with_directions(replace(d, held_out=0.9, slope=1.0, intercept=0.0) for d in found.directions.values())


def test_joined_directions_leave_the_old_values_alone(pipe):
    theirs = directions_of(pipe, 1, "winking")
    joined = pipe.directions.joined(theirs)
    latents = pipe.sample(4, seed=0)
    assert joined.names == [*pipe.attributes, "winking"] and "winking:true" in joined.groups
    old = joined.values(latents)[:, : len(pipe.attributes)]
    torch.testing.assert_close(old, pipe.directions.values(latents), rtol=1e-10, atol=1e-10)
    edited = joined.edit(latents.double(), {"winking": 1.5}, hold=["smiling"])
    moved = joined.values(edited) - joined.values(latents)
    assert moved[:, -1].sub(1.5).abs().max() < 1e-6 and moved[:, joined.names.index("smiling")].abs().max() < 1e-6
    # another metric: what was measured in theirs says nothing in ours
    assert joined.directions["winking"].held_out is None and joined.directions["winking"].slope is None
    same = AttributeDirections(
        theirs.directions.values(), theirs.differences, pipe.directions.mean, pipe.directions.covariance,
        theirs.groups, theirs.weights_sha256,
    )  # fmt: skip
    assert pipe.directions.joined(same).directions["winking"].held_out == 0.9


def test_clashes_are_refused_unless_a_prefix_is_given(pipe):
    theirs = directions_of(pipe, 1)
    with pytest.raises(ValueError, match="both have smiling, .* give prefix="):
        pipe.directions.joined(theirs)
    joined = pipe.directions.joined(theirs, "anna")
    assert joined.names[-1] == "anna/smiling" and joined.average("anna/smiling").shape == (8,)
    assert pipe.directions.joined(pipe.directions).names == pipe.attributes
    assert theirs.prefixed("anna").names == ["anna/smiling"]
    with pytest.raises(ValueError, match="prefix='a b' is not possible"):
        pipe.directions.joined(theirs, "a b")


def test_a_pipeline_takes_directions_of_its_weights_only(pipe, tmp_path):
    directions_of(pipe, 1, "winking").save_pretrained(tmp_path / "theirs")
    assert pipe.load_directions(tmp_path / "theirs") == ["winking"]
    assert pipe.load_directions(tmp_path / "theirs") == []
    assert pipe.load_directions(tmp_path / "theirs", prefix="anna") == ["anna/winking"]
    directions_of(pipe, 1, "winking", weights_sha256="other").save_pretrained(tmp_path / "others")
    with pytest.raises(ValueError, match="belong to weights other"):
        pipe.load_directions(tmp_path / "others")
    bare = tiny_pipeline()
    bare.directions = None
    assert bare.load_directions(tmp_path / "theirs", prefix="anna") == ["anna/winking"]
    assert set(ATTRIBUTES) - set(bare.attributes)


SHARE = """
from modeling_vae import AttributeDirections
from modeling_vae.publishing.shared_directions import push_directions
result = push_directions(AttributeDirections.from_pretrained(folder), repo, token=token, **options).oid
"""


@pytest.fixture
def theirs(tmp_path):
    directions_of(tiny_pipeline(), 1, "winking").save_pretrained(tmp_path / "theirs")
    return str(tmp_path / "theirs")


def test_directions_are_published_alone_and_loaded(client, hub, complete, repo, theirs, tmp_path):
    values = {"folder": theirs, "repo": repo, "token": hub.token}
    first = client.run(SHARE, options={"base_model": "alice/tiny"}, **values).value()
    assert set(hub.repo(repo).resolve("main").tree) == {".gitattributes", "README.md", "directions.safetensors"}
    card = hub.read(repo, "README.md").decode()
    pipe = tiny_pipeline()
    assert "base_model: alice/tiny" in card and pipe.weights_sha256 in card and "| `winking` |" in card
    assert client.run(SHARE, options={"base_model": "alice/tiny"}, **values).value() == first
    found = client.run(
        """
        from modeling_vae import AttributeDirections, VAEPipeline
        pipe = VAEPipeline.from_pretrained(folder)
        result = [pipe.load_directions(repo, cache_dir=cache), AttributeDirections.from_pretrained(repo).names]
        """,
        folder=complete,
        repo=repo,
        cache=tmp_path / "cache",
    )
    assert found.value() == [["winking"], ["winking"]]


def test_a_card_that_somebody_edited_stays(client, hub, repo, theirs):
    values = {"folder": theirs, "repo": repo, "token": hub.token}
    client.run(SHARE, options={}, **values).value()
    repository = hub.repo(repo)
    text = hub.read(repo, "README.md") + b"Mine.\n"
    tree = dict(repository.resolve("main").tree) | {"README.md": hub.store.regular(text)}
    head = repository.append("refs/heads/main", tree, "by hand", "", "alice", repository.resolve("main").oid)
    assert client.run(SHARE, options={"base_model": "alice/tiny"}, **values).value() == head.oid
    assert hub.read(repo, "README.md") == text


def test_a_pull_request_adds_directions_to_the_models_own(client, hub, complete, repo, theirs):
    push = "from modeling_vae.publishing.repository import push_folder\npush_folder(folder, repo, token=token)"
    client.run(push, folder=complete, repo=repo, token=hub.token).value()
    values = {"folder": theirs, "repo": repo, "token": hub.other_token}
    assert "may not write" in client.run(SHARE, options={}, **values).error
    client.run(SHARE, options={"create_pr": True}, **values).value()
    main, proposal = hub.repo(repo).resolve("main"), hub.repo(repo).resolve("refs/pr/1")
    assert {n for n in proposal.tree if proposal.tree[n] != main.tree.get(n)} == {"directions.safetensors"}
    assert proposal.tree.keys() == main.tree.keys()
    found = client.run(
        """
        from modeling_vae import VAEPipeline
        result = VAEPipeline.from_pretrained(repo, revision="refs/pr/1").attributes
        """,
        repo=repo,
    )
    assert found.value() == [*tiny_pipeline().attributes, "winking"]


@pytest.mark.parametrize("has_directions", [True, False])
def test_directions_of_other_weights_are_no_pull_request(client, hub, complete, repo, tmp_path, has_directions):
    """Merged they would keep everybody from loading the model; one without directions has its weights to compare."""
    folder = shutil.copytree(complete, tmp_path / "model")
    if not has_directions:
        (folder / "directions.safetensors").unlink()
    push = "from modeling_vae.publishing.repository import push_folder\npush_folder(folder, repo, token=token)"
    client.run(push, folder=folder, repo=repo, token=hub.token).value()
    directions_of(tiny_pipeline(), 1, "winking", "0" * 64).save_pretrained(tmp_path)
    found = client.run(SHARE, folder=tmp_path, repo=repo, token=hub.token, options={"create_pr": True})
    assert found.error.startswith("ValueError: these directions belong to weights 000000000000")
    assert hub.repo(repo).pull_requests == []
    if not has_directions:
        directions_of(tiny_pipeline(), 1, "winking").save_pretrained(tmp_path)
        client.run(SHARE, folder=tmp_path, repo=repo, token=hub.token, options={"create_pr": True}).value()
        assert "directions.safetensors" in hub.repo(repo).resolve("refs/pr/1").tree
