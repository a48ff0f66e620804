"""The pictures of a latent report: their files, what they show, and the sentence that says what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PAGE = "latents.md"
TITLE = "# The latent space"
CAPTIONS = {
    "histograms": "Single dimensions of the aggregate posterior (one draw of the posterior of each picture) beside "
    "N(0, 1), from the nearest to the farthest. KS is the Kolmogorov-Smirnov distance: the largest difference of the "
    "two distribution functions.",
    "usage": "All dimensions: how far each is from N(0, 1), how many nats it says of a picture, and how much its mean "
    "varies over pictures. Above a variance of 0.01 a dimension counts as used.",
    "plane": "The two dimensions that say most of a picture, as a histogram in two dimensions.",
    "pca": "Latents on their first two principal components, coloured by what is known of the pictures.",
    "tsne": "Latents laid out by t-SNE: what lies together is alike; how far things are apart says little.",
    "correlations": "How the readouts of attributes go together over the data: what is far from 0 comes together in "
    "the pictures, and edits of the one move the other unless it is held.",
    "averages": "The average picture without and with each attribute, of pictures around the mean of each group.",
    "joint": "The first attribute within groups of the others: averages of joint groups.",
    "strips": "One face, each attribute alone from -4 to 4 standard deviations.",
    "originals": "Twelve steps from one picture to another. The pictures themselves are at both ends, their "
    "reconstructions beside them.",
}
IN_CARD = ("usage", "tsne", "averages", "strips")
GENERATED = "The faces are generated; nobody on them exists."
GIVEN = "The two pictures of the morph, and the face of the strips, are pictures that were given."


def file_of(name: str) -> str:
    """The file of a picture in media/."""
    return f"latents-{name}.webp"


def sentence(figures: Mapping[str, Any]) -> str:
    """What evaluation.json says of latents, in words."""
    return (
        f"Over {figures['pictures']:,} pictures, {figures['active_units']} of {figures['dimensions']} latent "
        f"dimensions are used. {figures['differ_from_the_prior']} differ from N(0, 1) (Kolmogorov-Smirnov, p < 0.01), "
        f"by {figures['ks_median']:.3f} in the median and {figures['ks_largest']:.3f} at most."
    )


def page(figures: Mapping[str, Any], names: list[str], given: bool) -> str:
    """The report as a page of Markdown.

    Args:
        figures: see `sentence`.
        names: of the pictures, in their order.
        given: whether pictures that somebody gave are shown.
    """
    parts = [TITLE, "", sentence(figures), "", GIVEN if given else GENERATED, ""]
    for name in names:
        parts += [f"![{name}](media/{file_of(name)})", "", CAPTIONS[name], ""]
    return "\n".join(parts)
