"""Films as GIF files, and how an encoder is given a film.

The file is assembled here, because Pillow gives every frame a colour table of its own, which flickers, and merges
frames that look alike; the LZW compression is Pillow's.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import numpy as np
from PIL import GifImagePlugin, Image

Loop = Literal["forward", "boomerang", "once"]

# Browsers show a GIF or WebP frame of a hundredth of a second or less for a tenth of one.
SHORTEST_FRAME = 0.02
GIF_BYTES = 2_000_000
GIF_BYTES_PER_PIXEL = 0.6


@dataclass(frozen=True)
class Film:
    """What the encoders are given: the frames in playing order, made large only while they are read.

    Args:
        pictures: at least one, all of one size, in the order of the way there.
        size: (width, height) of the frames.
        frame_seconds: how long each is shown; browsers cannot show one for less than `SHORTEST_FRAME`.
        loop: "forward" plays again and again; "boomerang" too, but back and forth; "once" stops at the last frame.
        progress: called before each frame with the frames done and all frames, anew each time they are gone through;
            what it raises ends the encoding.
        holds: for how many times `frame_seconds` each picture is shown; () for once each.
    """

    pictures: Sequence[Image.Image]
    size: tuple[int, int]
    frame_seconds: float
    loop: Loop
    progress: Callable[[int, int], None] | None = None
    holds: Sequence[int] = ()

    @property
    def order(self) -> list[Image.Image]:
        way_back = self.pictures[-2:0:-1] if self.loop == "boomerang" else ()
        return [*self.pictures, *way_back]

    @property
    def held(self) -> list[int]:
        """Of each frame in `order`, for how many times `frame_seconds` it is shown."""
        holds = self.holds or [1] * len(self.pictures)
        return [*holds, *(holds[-2:0:-1] if self.loop == "boomerang" else ())]

    def __iter__(self) -> Iterator[np.ndarray]:
        """uint8 [H, W, 3] of each frame."""
        for number, picture in enumerate(self.order):
            if self.progress is not None:
                self.progress(number, len(self.order))
            frame = picture.convert("RGB")
            if frame.size != self.size:
                frame = frame.resize(self.size, Image.Resampling.LANCZOS)
            yield np.asarray(frame)

    def delays(self, per_second: int) -> list[int]:
        """How long each frame is shown, in whole 1 / `per_second`; rounded so that the sum stays right."""
        length = max(self.frame_seconds, SHORTEST_FRAME) * per_second
        starts = [round(number * length) for number in accumulate(self.held, initial=0)]
        return [end - start for start, end in zip(starts, starts[1:], strict=False)]


def encode_gif(film: Film) -> bytes:
    """A GIF with one global colour table, which fewer colours fill only where 255 would go over the budget (pure
    noise does).

    Frames that look alike stay frames, and each is shown as long as it was asked for, in hundredths of a second.
    """
    limit = max(GIF_BYTES, int(GIF_BYTES_PER_PIXEL * len(film.order) * film.size[0] * film.size[1]))
    for colours in (255, 128, 64, 32, 16, 8):
        data = _gif_with(film, colours)
        if len(data) <= limit:
            break
    return data


def _gif_with(film: Film, colours: int) -> bytes:
    palette, coarseness = _common_palette(film.pictures, colours)
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = palette
    width, height = film.size
    # Global table of 256 colours of 8 bits each (0xF7), background 0, square pixels.
    blocks = [b"GIF89a", struct.pack("<HHBBB", width, height, 0xF7, 0, 0), table.tobytes()]
    if film.loop != "once":
        blocks.append(b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
    frames = _index(film, palette, coarseness)
    for (changes, offset), delay in zip(frames, film.delays(per_second=100), strict=True):
        picture = Image.fromarray(changes)
        blocks += GifImagePlugin.getdata(picture, offset, duration=10 * delay, disposal=1, include_color_table=False)
    return b"".join([*blocks, b";"])


def _common_palette(pictures: Sequence[Image.Image], colours: int) -> tuple[np.ndarray, float]:
    """uint8 [<= colours, 3] for the whole film, and how coarse it is: the root mean square distance to it.

    From a mosaic of at most 64 frames and some 65,000 of their pixels: enough for 255 colours, and bounded.
    """
    chosen = np.linspace(0, len(pictures) - 1, min(len(pictures), 64)).round().astype(int)
    side = int(math.sqrt(2**16 / len(chosen)))
    tile = (min(side, pictures[0].width), min(side, pictures[0].height))
    # Nearest, not averaged, so that small bright and dark spots keep their colours.
    tiles = [pictures[i].convert("RGB").resize(tile, Image.Resampling.NEAREST) for i in chosen]
    mosaic = Image.fromarray(np.concatenate([np.asarray(t) for t in tiles]))
    quantized = mosaic.quantize(colours, method=Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
    palette = np.array(quantized.getpalette(), np.uint8).reshape(-1, 3)[:colours]
    error = np.asarray(mosaic, np.float32) - palette[np.asarray(quantized)]
    return palette, float(np.sqrt(np.square(error).sum(-1).mean()))


def _index(film: Film, palette: np.ndarray, coarseness: float) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    """Each frame as uint8 palette indices [h, w] of the rectangle that changes, and its (x, y).

    Dithering is ordered: a pattern that stays where it is does not crawl from frame to frame, as error diffusion
    does. It is a little weaker than the palette is coarse. A pixel keeps the colour it shows while that is, to within
    the palette's coarseness, as good as a new one: this takes the shimmer out of slow changes.
    """
    width, height = film.size
    pattern = 0.75 * coarseness * _bayer(height, width)[..., None]
    holder = Image.new("P", (1, 1))
    holder.putpalette(palette.tobytes())
    colour = palette.astype(np.float32)
    shown: np.ndarray | None = None
    for frame in film:
        wanted = np.clip(frame + pattern, 0, 255)
        dithered = Image.fromarray(np.rint(wanted).astype(np.uint8))
        nearest = np.asarray(dithered.quantize(palette=holder, dither=Image.Dither.NONE))
        if shown is None:
            shown = nearest
            yield nearest, (0, 0)
            continue
        keep = _distance(colour[shown], wanted) <= _distance(colour[nearest], wanted) + coarseness**2
        rows, columns = (np.flatnonzero(~keep.all(axis=axis)) for axis in (1, 0))
        # A frame that changes nothing is still a frame: one pixel, the colour it had.
        top, bottom = (rows[0], rows[-1] + 1) if len(rows) else (0, 1)
        left, right = (columns[0], columns[-1] + 1) if len(columns) else (0, 1)
        shown = np.where(keep, shown, nearest)
        yield np.ascontiguousarray(shown[top:bottom, left:right]), (int(left), int(top))


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.square(a - b).sum(axis=-1)
    return result


def _bayer(height: int, width: int) -> np.ndarray:
    """Ordered-dither thresholds [height, width] in (-0.5, 0.5), Bayer's 8 x 8 matrix repeated (Bayer 1973)."""
    matrix = np.zeros((1, 1), np.float32)
    for _ in range(3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    tiled = np.tile((matrix + 0.5) / 64 - 0.5, (math.ceil(height / 8), math.ceil(width / 8)))
    return tiled[:height, :width].astype(np.float32)
