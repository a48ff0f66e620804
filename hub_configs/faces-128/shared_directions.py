"""Directions that people share: joined to a model's own, and published alone or as a pull request to the model."""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from huggingface_hub import CommitInfo, ModelCard, ModelCardData

from .attribute_directions import FILE_NAME, AttributeDirections
from .hub_commits import Change, Head, commit
from .hub_files import fetch
from .tensor_files import read_tensors, weights_sha256

CARD_NAME = "README.md"
CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
DIGEST = re.compile(r"\n<!-- generated ([0-9a-f]{12}) -->\n\Z")


def join_directions(
    ours: AttributeDirections | None, theirs: AttributeDirections, prefix: str | None = None
) -> AttributeDirections:
    """Our directions, if any, and theirs, in our metric.

    Mean and covariance stay ours, so that all the old values stay what they were. Where theirs are others, what was
    measured in their metric (held-out figure, calibration) is dropped. A direction or group that both have alike is
    taken once; the same name for another one is a clash.

    Args:
        ours, theirs: of the same weights.
        prefix: put before all of their names, as in "prefix/smiling" and "prefix/coat:tabby".

    Raises:
        ValueError: they are of other weights, or names clash.
    """
    if prefix is not None:
        theirs = _prefixed(theirs, prefix)
    if ours is None:
        return theirs
    theirs.check_weights(ours.weights_sha256)
    same_metric = torch.equal(ours.mean, theirs.mean) and torch.equal(ours.covariance, theirs.covariance)
    directions, rows, clashes = list(ours.directions.values()), [], []
    for direction, difference in zip(theirs.directions.values(), theirs.differences, strict=True):
        if direction.name not in ours.directions:
            unmeasured = replace(direction, held_out=None, slope=None, intercept=None)
            directions.append(direction if same_metric else unmeasured)
            rows.append(difference)
        elif not torch.equal(difference, ours.differences[ours.names.index(direction.name)]):
            clashes.append(direction.name)
    clashes += [name for name, mean in theirs.groups.items() if not torch.equal(ours.groups.get(name, mean), mean)]
    if clashes:
        raise ValueError(
            f"both have {', '.join(dict.fromkeys(clashes))}, and mean different things by it: give prefix=, such as "
            "the name of who made them, which is put before all of the new names."
        )
    differences = torch.cat([ours.differences, *(row[None] for row in rows)])
    groups = ours.groups | theirs.groups
    return AttributeDirections(directions, differences, ours.mean, ours.covariance, groups, ours.weights_sha256)


def push_directions(
    directions: AttributeDirections,
    repo_id: str,
    *,
    base_model: str | None = None,
    license: str | None = None,
    private: bool | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    commit_message: str = "Share attribute directions",
    token: str | bool | None = None,
) -> CommitInfo:
    """Publish directions in one commit: alone in a repository of their own, or joined to those of their model's.

    A repository of their own gets a small card, which is written anew with every push until somebody edits it. In a
    repository that holds a model the directions are added to its own, and nothing else is touched.

    Args:
        directions: what to publish.
        repo_id: `user/name`, of their own repository, or of their model's.
        base_model: id of the model that they belong to, for the card.
        license: of the directions, for the card.
        private, revision, create_pr, token: see `hub_commits.commit`.
        commit_message: title of the commit.

    Raises:
        ValueError: nothing to publish, directions of other weights than the model's, or a clash of names.
        OSError: see `hub_commits.commit`.
    """
    if not directions.weights_sha256 or not len(directions):
        raise ValueError("these directions have no names or belong to no weights: fit them with weights_sha256=.")

    def change(head: Head) -> Change:
        if CONFIG_NAME in head.files:
            return Change({FILE_NAME: _content(_joined_to_model(directions, repo_id, head, token))})
        card = _card(directions, repo_id, base_model, license)
        with tempfile.TemporaryDirectory() as cache:
            if CARD_NAME in head.files:
                folder = fetch(repo_id, [CARD_NAME], revision=head.commit, token=token, cache_dir=cache)
                if _edited((folder / CARD_NAME).read_text(encoding="utf-8")):
                    return Change({FILE_NAME: _content(directions)})
        return Change({FILE_NAME: _content(directions), CARD_NAME: card.encode()})

    return commit(
        repo_id, change, message=commit_message, private=private, revision=revision, create_pr=create_pr, token=token
    )


def _joined_to_model(
    directions: AttributeDirections, repo_id: str, head: Head, token: str | bool | None
) -> AttributeDirections:
    """The directions of the model in a repository with new ones added; one without any is asked for its weights."""
    name = FILE_NAME if FILE_NAME in head.files else WEIGHTS_NAME
    with tempfile.TemporaryDirectory() as cache:
        folder = fetch(repo_id, [name], revision=head.commit, token=token, cache_dir=cache)
        if name == FILE_NAME:
            return join_directions(AttributeDirections.from_pretrained(folder), directions)
        directions.check_weights(weights_sha256(read_tensors(folder / name)[0]))
        return directions


def _content(directions: AttributeDirections) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        directions.save_pretrained(folder)
        return (Path(folder) / FILE_NAME).read_bytes()


def _prefixed(directions: AttributeDirections, prefix: str) -> AttributeDirections:
    if not prefix or not re.fullmatch(r"[\w.-]+", prefix):
        raise ValueError(f"prefix={prefix!r} is not possible: give letters, digits, dots, hyphens or underscores.")
    renamed = [replace(direction, name=f"{prefix}/{direction.name}") for direction in directions.directions.values()]
    groups = {f"{prefix}/{name}": mean for name, mean in directions.groups.items()}
    return AttributeDirections(
        renamed, directions.differences, directions.mean, directions.covariance, groups, directions.weights_sha256
    )


def _card(directions: AttributeDirections, repo_id: str, base_model: str | None, license: str | None) -> str:
    model = f"`{base_model}`" if base_model else "the model with the weights below"
    source = base_model or "MODEL"
    rows = []
    for direction in directions.directions.values():
        measured = "" if direction.held_out is None else f"{direction.held_out:.3f}"
        without = "" if direction.kind == "numeric" else f"{direction.negatives:,}"
        rows.append(f"| `{direction.name}` | {direction.kind} | {direction.positives:,} | {without} | {measured} |")
    text = f"""
# Attribute directions

Directions in the latent space of {model}: how its pictures change with an attribute. They mean nothing with other
weights, and are refused there.

- weights: `{directions.weights_sha256}` (SHA-256)
- base model: {f"`{base_model}`" if base_model else "not named by who published them"}

```python
from modeling_vae import VAEPipeline

pipe = VAEPipeline.from_pretrained("{source}")
pipe.load_directions("{repo_id}")  # prefix="..." where a name is taken
```

| attribute | kind | pictures with | without | held-out AUC (numbers: R²) |
|---|---|---|---|---|
{chr(10).join(rows)}
"""
    data = ModelCardData(
        base_model=base_model, license=license, tags=["latent-directions", "vae"], library_name="transformers"
    )
    card = str(ModelCard(f"---\n{data.to_yaml()}\n---\n{text}"))
    return f"{card}\n<!-- generated {_digest(card)} -->\n"


def _edited(card: str) -> bool:
    """Whether a card is not as `_card` wrote it."""
    found = DIGEST.search(card)
    return found is None or found[1] != _digest(card[: found.start()])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
