"""Points in files beside pictures, as the CAT data set has them (Zhang, Sun and Tang 2008): `cat.jpg`, `cat.jpg.cat`.

Such a file holds the number of points, nine, and their x and y in pixels: "9 175 160 239 162 199 199 ...".
"""

from __future__ import annotations

import math

SUFFIX = ".cat"
POINTS = (
    *("left_eye", "right_eye", "mouth"),
    *("left_ear_1", "left_ear_2", "left_ear_3"),
    *("right_ear_1", "right_ear_2", "right_ear_3"),
)
"""In the order of a file; left and right as one sees them in the picture, ears from their foot over the tip."""
COLUMNS = tuple(f"{point}_{axis}" for point in POINTS for axis in "xy")
LARGEST_FILE = 2000
"""Bytes: nineteen numbers need no more."""


def read_points(path: str, name: str) -> dict[str, float]:
    """The columns of one file.

    Args:
        path: of the file.
        name: that a sentence calls it.

    Raises:
        ValueError: it does not hold nine points.
    """
    try:
        with open(path, "rb") as file:
            words = file.read(LARGEST_FILE).split()
        numbers = [float(word) for word in words]
    except OSError as error:
        raise ValueError(f"{name} cannot be read ({error.strerror or error}); make it readable.") from error
    except ValueError:
        numbers = []
    if len(numbers) != 1 + len(COLUMNS) or numbers[0] != len(POINTS) or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} does not hold nine points (9 x y x y ...); write it again, or remove it.")
    return dict(zip(COLUMNS, numbers[1:], strict=True))


def beside(pictures: list[str], others: list[str]) -> tuple[set[str], list[str]]:
    """The pictures that have such a file, of the names of pictures and of other files; and the rest of these."""
    known = set(pictures)
    found = {name.removesuffix(SUFFIX) for name in others if name.endswith(SUFFIX)} & known
    return found, [name for name in others if not (name.endswith(SUFFIX) and name.removesuffix(SUFFIX) in found)]
