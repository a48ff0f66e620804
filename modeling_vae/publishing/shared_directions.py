"""Directions that people share: published alone, or joined to those of their model."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import Unpack

from huggingface_hub import CommitInfo, ModelCard, ModelCardData

from modeling_vae.figures.tables import code
from modeling_vae.hub.commits import Change, Head, PushOptions, commit
from modeling_vae.hub.downloads import fetch
from modeling_vae.model.attribute_directions import FILE_NAME, AttributeDirections
from modeling_vae.model.tensor_files import read_tensors, weights_sha256

CARD_NAME = "README.md"
CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
DIGEST = re.compile(r"\n<!-- generated ([0-9a-f]{12}) -->\n\Z")


def push_directions(
    directions: AttributeDirections,
    repo_id: str,
    *,
    base_model: str | None = None,
    license: str | None = None,
    **options: Unpack[PushOptions],
) -> CommitInfo:
    """Publish directions in one commit: alone in a repository of their own, or joined to those of their model's.

    A repository of their own gets a small card, which is written anew with every push until somebody edits it. In a
    repository that holds a model the directions are added to its own, and nothing else is touched.

    Args:
        directions: what to publish.
        repo_id: `user/name`, of their own repository, or of their model's.
        base_model: id of the model that they belong to, for the card.
        license: of the directions, for the card.
        options: see `hub.commits.PushOptions`; `create_pr=True` for somebody else's model.

    Raises:
        ValueError: nothing to publish, directions of other weights than the model's, or a clash of names.
        OSError: see `hub.commits.commit`.
    """
    if not directions.weights_sha256 or not len(directions):
        raise ValueError("these directions have no names or belong to no weights: fit them with weights_sha256=.")

    token = options.get("token")

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

    wanted: PushOptions = {"commit_message": "Share attribute directions", **options}
    return commit(repo_id, change, **wanted)


def _joined_to_model(
    directions: AttributeDirections, repo_id: str, head: Head, token: str | bool | None
) -> AttributeDirections:
    """The directions of the model in a repository with new ones added; one without any is asked for its weights."""
    name = FILE_NAME if FILE_NAME in head.files else WEIGHTS_NAME
    with tempfile.TemporaryDirectory() as cache:
        folder = fetch(repo_id, [name], revision=head.commit, token=token, cache_dir=cache)
        if name == FILE_NAME:
            return AttributeDirections.from_pretrained(folder).joined(directions)
        directions.check_weights(weights_sha256(read_tensors(folder / name)[0]))
        return directions


def _content(directions: AttributeDirections) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        directions.save_pretrained(folder)
        return (Path(folder) / FILE_NAME).read_bytes()


def _card(directions: AttributeDirections, repo_id: str, base_model: str | None, license: str | None) -> str:
    model = f"`{base_model}`" if base_model else "the model with the weights below"
    source = base_model or "MODEL"
    rows = []
    for direction in directions.directions.values():
        measured = "" if direction.held_out is None else f"{direction.held_out:.3f}"
        without = "" if direction.kind == "numeric" else f"{direction.negatives:,}"
        rows.append(
            f"| {code(direction.name)} | {direction.kind} | {direction.positives:,} | {without} | {measured} |"
        )
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
