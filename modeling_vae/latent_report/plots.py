"""Plots of the aggregate posterior: its dimensions against N(0, 1), how they are used, and how directions agree."""

from __future__ import annotations

import numpy as np
from PIL import Image

from modeling_vae.model.attribute_directions import AttributeDirections
from modeling_vae.paper import COLOURS, FAINT, INK, PAPER, picture, sheet, written

from .dimensions import ACTIVE, Dimensions

SHOWN, COLUMNS = 30, 6
"""Dimensions that get a histogram of their own."""
WIDEST = 4.0
"""Deviations of N(0, 1) to either side."""


def shown_dimensions(dimensions: Dimensions) -> np.ndarray:
    """The dimensions to show: from the nearest to N(0, 1) to the farthest, evenly through their order."""
    order = np.argsort(dimensions.ks, kind="stable")
    places = np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int)
    result: np.ndarray = order[np.unique(places)]
    return result


def histograms(dimensions: Dimensions) -> Image.Image:
    """Single dimensions of the aggregate posterior, each with the curve of N(0, 1)."""
    chosen = shown_dimensions(dimensions)
    lines = -(-len(chosen) // COLUMNS)
    at = np.linspace(-WIDEST, WIDEST, 200)
    curve = np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi)
    title = f"{len(chosen)} of {len(dimensions.ks)} latent dimensions (bars) beside N(0, 1) (line), the nearest first"
    with sheet(10, 1.4 * lines + 0.6, title) as figure:
        axes = figure.subplots(lines, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
        for axis, dimension in zip(axes, chosen, strict=False):
            axis.hist(dimensions.drawn[:, dimension], bins=40, range=(-WIDEST, WIDEST), density=True, color=COLOURS[4])
            axis.plot(at, curve, color=INK, linewidth=1)
            axis.set_title(f"{dimension}: KS {dimensions.ks[dimension]:.3f}")
            axis.set_xticks([-3, 0, 3])
            axis.set_yticks([])
            axis.spines["left"].set_visible(False)
        for axis in axes[len(chosen) :]:
            axis.set_visible(False)
        return picture(figure)


def usage(dimensions: Dimensions) -> Image.Image:
    """All dimensions: their distances from N(0, 1), what they say of a picture, and which are used."""
    count = len(dimensions.ks)
    title = f"All {count} dimensions, each panel in its own order; {dimensions.active} are used"
    panels = (
        (dimensions.ks, "KS distance from N(0, 1)", "linear"),
        (dimensions.kl, "mean KL, nats", "linear"),
        (dimensions.variance, "variance of the means", "log"),
    )
    with sheet(10, 3, title) as figure:
        for axis, (values, name, scale) in zip(figure.subplots(1, 3), panels, strict=True):
            falling = np.sort(values)[::-1]
            axis.fill_between(np.arange(count), falling, color=COLOURS[4], step="mid", linewidth=0)
            axis.step(np.arange(count), falling, where="mid", color=COLOURS[0])
            axis.set(xlabel="dimensions", ylabel=name, yscale=scale, xlim=(-0.5, count - 0.5))
            if scale == "log":
                axis.axhline(ACTIVE, color=COLOURS[5], linewidth=1, linestyle="--")
                axis.text(count * 0.98, ACTIVE, "used above", ha="right", va="bottom", fontsize=8, color=COLOURS[5])
                axis.set_ylim(bottom=min(ACTIVE / 3, max(falling[-1], 1e-8)))
            else:
                axis.set_ylim(bottom=0)
        return picture(figure)


def plane(dimensions: Dimensions) -> Image.Image:
    """The two dimensions that say most, as a histogram in two dimensions, with circles of N(0, I)."""
    order = np.argsort(-dimensions.kl, kind="stable")
    first, second = order[0], order[min(1, len(order) - 1)]
    x, y = dimensions.drawn[:, first], dimensions.drawn[:, second]
    reach = max(WIDEST, float(np.abs(dimensions.drawn[:, [first, second]]).max()))
    title = "The two dimensions that say most; circles: 1, 2, 3 deviations of N(0, I)"
    with sheet(5.6, 4.8, title) as figure:
        axis = figure.subplots()
        bins = int(np.clip(np.sqrt(len(x)) / 2, 10, 60))
        from matplotlib.colors import LinearSegmentedColormap

        colours = LinearSegmentedColormap.from_list("paper", [PAPER, COLOURS[4], COLOURS[0], INK])
        edge = [[-reach, reach]] * 2
        counts = axis.hist2d(x, y, bins=bins, range=edge, cmap=colours)
        figure.colorbar(counts[3], ax=axis, label="pictures")
        turn = np.linspace(0, 2 * np.pi, 200)
        for radius in (1, 2, 3):
            axis.plot(radius * np.cos(turn), radius * np.sin(turn), color=COLOURS[5], linewidth=0.8)
        axis.set(xlabel=f"dimension {first}", ylabel=f"dimension {second}", aspect="equal")
        return picture(figure)


def correlations(directions: AttributeDirections) -> Image.Image:
    """How the readouts of attributes go together over the data, -1 to 1."""
    names, values = [written(name) for name in directions.names], directions.correlations().numpy()
    side = max(4.0, 0.24 * len(names) + 2.2)
    with sheet(side + 0.8, side, "Correlations of the attributes' readouts over the data") as figure:
        axis = figure.subplots()
        shown = axis.imshow(values, vmin=-1, vmax=1, cmap="RdBu_r")
        figure.colorbar(shown, ax=axis, shrink=0.7)
        axis.set_xticks(range(len(names)), names, rotation=90)
        axis.set_yticks(range(len(names)), names)
        axis.tick_params(length=0)
        if len(names) <= 16:
            for (line, column), value in np.ndenumerate(values):
                colour = PAPER if abs(value) > 0.6 else INK
                said = f"{value:+.1f}" if abs(value) >= 0.05 else "0"
                axis.text(column, line, said, ha="center", va="center", fontsize=6, color=colour)
        for spine in axis.spines.values():
            spine.set_color(FAINT)
        return picture(figure)
