"""Where in a photo there are faces, and the crop of each that the model wants.

Two ways to a face lead to the same test. The model's own alignment, shown windows all over the photo, comes to rest on
faces like those it was trained on, be they of people, cats or drawn characters; and the cascades that OpenCV brings
along (Viola and Jones 2001) know people and cats. At each such place windows are scattered and led back: see
`FaceAlignment.settle`, whose doubt decides. A face that only the alignment knows of must leave no more doubt than
19 in 20 held-out pictures do, or half of them where a cascade has seen another face; one that a cascade has seen as
well may leave somewhat more, and so may one in the middle of a picture hardly larger than the alignment's windows,
which is then all that is looked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .alignment import SIDE, FaceAlignment, corner_distance
from .crop import Crop
from .photo import PhotoCrop
from .windows import OVERSAMPLING, PhotoWindows

LONGEST_SIDE = 800
"""Photos are searched at this size at most; crops are cut from the photo itself."""
SMALLEST_FACE = 24
"""Height of the smallest crop that is looked for, in pixels of the photo that is searched."""
SMALL = 2 * OVERSAMPLING * SIDE
"""Longer side of pictures, hardly larger than what the alignment looks at, that are probably of one face already."""
SMALLEST_SHARE, SCALE_STEP, STRIDE = 0.1, 1.45, 0.3
"""Windows to begin with: least height in shorter sides of the photo, ratio of heights, and how many heights apart."""
SURVIVORS = (64, 48, 48)
"""Windows that are left after each step."""
MOST_PLACES = 12
BOX_HEIGHTS = (0.8, 1.1, 1.6)
"""How much higher the wanted crop may be than the box of a cascade."""
SUPPORTED = 1.7
"""How much more doubt is allowed where a cascade has seen a face as well."""
ALREADY_CROPPED = 0.06
"""Mean distance of corners, in sides, up to which a picture counts as cropped as the model wants it."""
CASCADES = {
    "haarcascade_frontalface_alt.xml": "human",
    "haarcascade_frontalface_default.xml": "human",
    "haarcascade_profileface.xml": "human",
    "haarcascade_frontalcatface.xml": "cat",
}
RELIABLE = ("haarcascade_frontalface_alt.xml", "haarcascade_frontalcatface.xml")
"""Cascades that seldom see a face where there is none."""
NEIGHBOURS = 4


@dataclass(frozen=True)
class Candidate:
    """A crop (x, y, height, angle) in the searched photo, the doubt that it leaves, and what was found there."""

    place: Tensor
    doubt: float
    kind: str


@dataclass(frozen=True)
class Box:
    """What a cascade found: the centre and side of a square in pixels, and the kind of face."""

    x: float
    y: float
    side: float
    kind: str
    reliable: bool


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
        windows, boxes = PhotoWindows(searched, self.alignment.num_channels), find_boxes(searched)
        found = [self._crop(candidate, factor, photo, whole) for candidate in self._candidates(windows, boxes)]
        return sorted(found, key=lambda face: -face.crop.height)

    def _candidates(self, windows: PhotoWindows, boxes: list[Box]) -> list[Candidate]:
        alignment = self.alignment
        if max(windows.width, windows.height) <= SMALL:
            largest = min(windows.height, windows.width / alignment.aspect)
            whole = torch.tensor([windows.width / 2, windows.height / 2, largest, 0.0], dtype=torch.float64)
            middle = self._settled(windows, whole, alignment.kind)
            if middle.doubt <= SUPPORTED * alignment.largest_doubt:
                return [middle]
        usable = [box for box in boxes if box.reliable or box.kind == alignment.kind]
        near = [self._settled_box(windows, box) for box in usable]
        seen = [candidate for candidate in near if candidate.doubt <= SUPPORTED * alignment.largest_doubt]
        if not seen:  # faces of a kind that the alignment knows nothing of
            strange = [box for box in usable if box.reliable and box.kind != alignment.kind]
            seen = [
                Candidate(torch.tensor([box.x, box.y, box.side, 0.0], dtype=torch.float64), math.inf, box.kind)
                for box in strange
            ]
        # cascades of both kinds often see the same face: it is of the model's own kind, if one of them says so
        seen = _distinct(sorted(seen, key=lambda candidate: (candidate.kind != alignment.kind, candidate.doubt)))
        limit = alignment.usual_doubt if seen else alignment.largest_doubt
        own = [candidate for candidate in self._everywhere(windows) if candidate.doubt <= limit]
        return _distinct(sorted([*own, *seen], key=lambda candidate: candidate.doubt))

    def _everywhere(self, windows: PhotoWindows) -> list[Candidate]:
        """Where the alignment comes to rest by itself."""
        places = _starts(windows.width, windows.height, self.alignment.aspect)
        for survivors in SURVIVORS:
            places, errors = self.alignment.correct(windows, places)
            places = places[errors.argsort(stable=True)[:survivors]]
        candidates = [Candidate(place, 0.0, self.alignment.kind) for place in places if place[2] >= SMALLEST_FACE]
        return [self._settled(windows, c.place, c.kind) for c in _distinct(candidates)[:MOST_PLACES]]

    def _settled_box(self, windows: PhotoWindows, box: Box) -> Candidate:
        starts = [[box.x, box.y, height * box.side, 0.0] for height in BOX_HEIGHTS]
        places = torch.tensor(starts, dtype=torch.float64)
        for _ in range(3):
            places, errors = self.alignment.correct(windows, places)
        return self._settled(windows, places[errors.argmin()], box.kind)

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


def find_boxes(photo: Image.Image) -> list[Box]:
    """What the cascades of OpenCV find, in a fixed order."""
    import cv2

    folder = Path(cv2.__file__).parent / "data"
    grey_levels, boxes = np.asarray(photo.convert("L")), []
    for name, kind in CASCADES.items():
        # one for each call: a cascade is not to be used by two threads at a time
        cascade = cv2.CascadeClassifier(str(folder / name))
        for left, top, side, _ in sorted(map(tuple, cascade.detectMultiScale(grey_levels, 1.1, NEIGHBOURS))):
            boxes.append(Box(left + side / 2, top + side / 2, float(side), kind, name in RELIABLE))
    return boxes


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
