"""Latents laid out in a plane, by their principal components and by t-SNE, coloured by attributes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from modeling_vae.paper import COLOURS, FAINT, picture, sheet, written

logger = logging.getLogger(__name__)

PERPLEXITY, COMPONENTS = 30.0, 50
"""Of t-SNE (van der Maaten and Hinton 2008), and the principal components that it starts from."""
MOST_PANELS = 12
MOST_VALUES = len(COLOURS)
"""Of a category that get a colour each; where there are more, the rarer ones share the last."""
OTHERS = "others"


def principal(means: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Places [N, 2] on the first two principal components, and the share of the variance of each."""
    from sklearn.decomposition import PCA

    found = PCA(n_components=min(2, *means.shape), random_state=0)
    places = found.fit_transform(means.double().numpy())
    return _plane(places), _plane(found.explained_variance_ratio_[None])[0]


def neighbours(means: Tensor, seed: int = 0) -> np.ndarray:
    """Places [N, 2] by t-SNE: what lies together there is alike, how far things are apart says little."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    values = means.double().numpy()
    if min(values.shape) > COMPONENTS:
        values = PCA(n_components=COMPONENTS, random_state=seed).fit_transform(values)
    logger.info("Laying out a map of %d latents (t-SNE), which takes minutes for many.", len(values))
    perplexity = min(PERPLEXITY, (len(values) - 1) / 3)
    if values.shape[1] < 2:
        values = _plane(values)
    start = "pca" if len(values) > 2 else "random"
    places: np.ndarray = TSNE(perplexity=perplexity, init=start, random_state=seed).fit_transform(values)
    return places


def _plane(values: np.ndarray) -> np.ndarray:
    """[N, 1] or [N, 2] -> [N, 2]."""
    return np.pad(values, ((0, 0), (0, 2 - values.shape[1])))


def draw_map(
    places: np.ndarray, labels: Mapping[str, Sequence[Any]], kinds: Mapping[str, str], title: str
) -> Image.Image:
    """One panel for each column, at most 12: its values in colours, pictures of which nobody said in grey."""
    columns = list(labels)[:MOST_PANELS] or [""]
    across = 1 if len(columns) == 1 else 2 if len(columns) <= 4 else 3
    lines = -(-len(columns) // across)
    with sheet(10, 9 / across * lines + 0.5, title) as figure:
        axes = figure.subplots(lines, across, squeeze=False).ravel()
        for axis, column in zip(axes, columns, strict=False):
            values = labels.get(column, [None] * len(places))
            known = np.array([value is not None for value in values])
            axis.scatter(*places[~known].T, s=_size(int((~known).sum())), color=FAINT, alpha=0.5, linewidths=0)
            if known.any():
                _draw_values(axis, places[known], [v for v in values if v is not None], kinds[column])
            axis.set_title(written(column))
            axis.axis("off")
        for axis in axes[len(columns) :]:
            axis.set_visible(False)
        return picture(figure)


def _size(count: int) -> float:
    """Of so many dots in one panel, square points."""
    return float(np.clip(40_000 / max(1, count), 4, 12))


def _draw_values(axis: Any, places: np.ndarray, values: list[Any], kind: str) -> None:
    size = _size(len(values))
    if kind == "numeric":
        shown = axis.scatter(*places.T, s=size, c=values, cmap="viridis", linewidths=0)
        axis.figure.colorbar(shown, ax=axis)
        return
    words = ["yes" if value is True else "no" if value is False else str(value) for value in values]
    names = shown_values(words, kind)
    words = [word if word in names else OTHERS for word in words]
    for name, colour in zip(names, COLOURS, strict=False):
        chosen = places[np.array([word == name for word in words])]
        if len(chosen):
            axis.scatter(*chosen.T, s=size, color=colour, label=written(name), linewidths=0)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, markerscale=2, handletextpad=0.1)


def shown_values(words: Sequence[str], kind: str) -> list[str]:
    """What gets a colour: no and yes, or the values of a category from the most common on, `OTHERS` for the rest."""
    if kind == "boolean":
        return ["no", "yes"]
    names = [name for name, _ in Counter(words).most_common()]
    return names if len(names) <= MOST_VALUES else [*names[: MOST_VALUES - 1], OTHERS]
