"""Where in a photo there are faces, and the crop of each that the model wants.

Two ways to a face lead to the same test. A detector knows people; and the model's own alignment, shown windows all
over the photo, comes to rest on faces like those it was trained on, be they of people, cats or drawn characters. At
each such place windows are scattered and led back: see `FaceAlignment.settle`, whose doubt decides. A face that only
the alignment knows of must leave no more doubt than 19 in 20 held-out pictures do, or half of them where the detector
has seen a person. One that the detector has seen may leave more, and so may one in the middle of a picture hardly
larger than the alignment's windows, which is then all that is looked for. Where the detector is sure and the alignment
in doubt, there is a person nevertheless, cropped as the detector saw it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .alignment import SIDE, FaceAlignment, corner_distance
from .crop import Crop
from .photo import PhotoCrop
from .windows import OVERSAMPLING, PhotoWindows

if TYPE_CHECKING:
    from .people import Box

LONGEST_SIDE = 800
"""Photos are searched at this size at most; crops are cut from the photo itself."""
SMALLEST_FACE = 24
"""Height of the smallest crop that is looked for, in pixels of the photo that is searched."""
SMALL = 2 * OVERSAMPLING * SIDE
"""Longer side of pictures, hardly larger than what the alignment looks at, that are probably of one face already."""
SMALLEST_SHARE, SCALE_STEP, STRIDE = 0.14, 1.45, 0.3
"""Windows to begin with: least height in shorter sides of the photo, ratio of heights, and how many heights apart."""
SURVIVORS = (64, 48, 48)
"""Windows that are left after each step."""
MOST_PLACES = 8
BOX_HEIGHTS = (0.8, 1.1, 1.6)
"""How much higher the wanted crop may be than what the detector saw."""
SUPPORTED = 2.0
"""How much more doubt is allowed where the detector has seen a face as well. Of 43 people in 24 photographs, none left
more than 1.8 times what 19 in 20 held-out pictures leave, and none of three false answers less than 4."""
ALREADY_CROPPED = 0.06
"""Mean distance of corners, in sides, up to which a picture counts as cropped as the model wants it."""


@dataclass(frozen=True)
class Candidate:
    """A crop (x, y, height, angle) in the searched photo, the doubt that it leaves, and what was found there."""

    place: Tensor
    doubt: float
    kind: str


class FaceFinder:
    """Finds faces for one model.

    Args:
        alignment: of the model.
    """

    def __init__(self, alignment: FaceAlignment) -> None:
        self.alignment = alignment

    def find(self, photo: Image.Image, whole: Crop) -> list[PhotoCrop]:
        """The faces of an upright RGB photo, the largest first; none where there is none.

        Args:
            photo: of any size.
            whole: the crop that a photo of one face alone would get, in its middle; where the face found lies just
                there, that very crop is given, so that nothing is resampled without need.
        """
        factor = max(1.0, max(photo.size) / LONGEST_SIDE)
        size = (max(1, round(photo.width / factor)), max(1, round(photo.height / factor)))
        searched = photo if factor == 1 else photo.resize(size, Image.Resampling.BOX)
        windows = PhotoWindows(searched, self.alignment.num_channels)
        found = [self._crop(face, factor, photo, whole) for face in self._candidates(searched, windows)]
        return sorted(found, key=lambda face: -face.crop.height)

    def _candidates(self, photo: Image.Image, windows: PhotoWindows) -> list[Candidate]:
        alignment = self.alignment
        if max(windows.width, windows.height) <= SMALL:
            largest = min(windows.height, windows.width / alignment.aspect)
            whole = torch.tensor([windows.width / 2, windows.height / 2, largest, 0.0], dtype=torch.float64)
            middle = self._settled(windows, whole, alignment.kind)
            if middle.doubt <= SUPPORTED * alignment.largest_doubt:
                return [middle]
        seen = self._people(photo, windows)
        if seen and alignment.kind == "human":  # that detector finds nearly all, at a tenth of the time
            return _distinct(seen)
        limit = alignment.usual_doubt if seen else alignment.largest_doubt
        own = [candidate for candidate in self._everywhere(windows) if candidate.doubt <= limit]
        return _distinct(sorted([*own, *seen], key=lambda candidate: candidate.doubt))

    def _people(self, photo: Image.Image, windows: PhotoWindows) -> list[Candidate]:
        """What the detector sees, what leaves the least doubt first."""
        from .people import find_people  # OpenCV is loaded with the first photo that is searched

        seen = [self._settled_box(windows, box) for box in find_people(photo)]
        return sorted((face for face in seen if face is not None), key=lambda candidate: candidate.doubt)

    def _everywhere(self, windows: PhotoWindows) -> list[Candidate]:
        """Where the alignment comes to rest by itself."""
        places = _starts(windows.width, windows.height, self.alignment.aspect)
        for step, survivors in enumerate(SURVIVORS):
            places, errors = self.alignment.correct(windows, places, both_ways=step > 0)
            places = places[errors.argsort(stable=True)[:survivors]]
        candidates = [Candidate(place, 0.0, self.alignment.kind) for place in places if place[2] >= SMALLEST_FACE]
        return [self._settled(windows, c.place, c.kind) for c in _distinct(candidates)[:MOST_PLACES]]

    def _settled_box(self, windows: PhotoWindows, box: Box) -> Candidate | None:
        places = torch.tensor(
            [[box.x, box.y, height * box.side, box.angle] for height in BOX_HEIGHTS], dtype=torch.float64
        )
        seen = places[1]
        for _ in range(3):
            places, errors = self.alignment.correct(windows, places)
        settled = self._settled(windows, places[errors.argmin()], "human")
        if settled.doubt <= SUPPORTED * self.alignment.largest_doubt:
            return settled
        return Candidate(seen, math.inf, "human") if box.sure else None

    def _settled(self, windows: PhotoWindows, place: Tensor, kind: str) -> Candidate:
        return Candidate(*self.alignment.settle(windows, place), kind)

    def _crop(self, candidate: Candidate, factor: float, photo: Image.Image, whole: Crop) -> PhotoCrop:
        """In pixels of the photo itself."""
        aspect = self.alignment.aspect
        place = candidate.place * torch.tensor([factor, factor, factor, 1.0], dtype=torch.float64)
        middle = torch.tensor([[*whole.center, whole.height, 0.0]], dtype=torch.float64)
        if corner_distance(place[None], middle, aspect) <= ALREADY_CROPPED:
            return PhotoCrop(photo, whole, candidate.kind)
        x, y, height, angle = place.tolist()
        return PhotoCrop(photo, Crop((x, y), height * aspect, height, math.degrees(angle)), candidate.kind)


def _starts(width: int, height: int, aspect: float) -> Tensor:
    """Windows [N, 4] of many sizes all over a photo, from the largest that fits."""
    largest = min(float(height), width / aspect)
    starts = []
    for step in range(math.floor(math.log(1 / SMALLEST_SHARE, SCALE_STEP)) + 1):
        high = largest / SCALE_STEP**step
        if step and high < SMALLEST_FACE:
            break
        columns, rows = (
            np.linspace(side / 2, whole - side / 2, math.ceil((whole - side) / (STRIDE * side) - 1e-9) + 1)
            for side, whole in ((high * aspect, width), (high, height))
        )
        starts += [(x, y, high, 0.0) for y in rows for x in columns]
    return torch.tensor(starts, dtype=torch.float64)


def _distinct(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates without those that show the same face as one before them."""
    kept: list[Candidate] = []
    for candidate in candidates:
        if not any(_same_face(candidate.place, other.place) for other in kept):
            kept.append(candidate)
    return kept


def _same_face(a: Tensor, b: Tensor) -> bool:
    apart = float((a[:2] - b[:2]).norm())
    return apart < 0.3 * float(torch.minimum(a[2], b[2])) or apart < 0.5 * abs(float(a[2] - b[2]))
