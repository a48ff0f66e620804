"""Animation: the frames of a film, and how they become a GIF, a WebP or an MP4.

WebP pictures and MP4 films are encoded by imageio. GIF is assembled here, because imageio (through Pillow) gives every
frame a colour table of its own, which flickers, and merges frames that look alike; the LZW compression is Pillow's.
"""

from __future__ import annotations

import math
import os
import secrets
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import GifImagePlugin, Image

Loop = Literal["forward", "boomerang", "once"]

LONGEST_SECONDS = 600.0
LARGEST_SIDE = 4096
# Browsers show a GIF or WebP frame of a hundredth of a second or less for a tenth of one.
SHORTEST_FRAME = 0.02

GIF_BYTES = 2_000_000
GIF_BYTES_PER_PIXEL = 0.6


@dataclass(frozen=True, eq=False)
class Animation:
    """A film: at least one frame, all of one size.

    ```python
    film = pipe.morph([a, b, c], frames=48)
    film.save("cat.gif", seconds=2.4, loop="boomerang", size=256)
    film.sheet(columns=8).save("cat.png")
    ```
    """

    frames: Sequence[Image.Image]

    def __post_init__(self) -> None:
        frames = tuple(self.frames)
        if not frames:
            raise ValueError("An animation needs at least one frame, but got none.")
        for number, frame in enumerate(frames):
            if not isinstance(frame, Image.Image):
                raise ValueError(f"Frame {number} is a {type(frame).__name__}; every frame must be a PIL picture.")
            if frame.size != frames[0].size:
                raise ValueError(f"Frame {number} is {frame.size}, frame 0 is {frames[0].size}; sizes must be equal.")
        object.__setattr__(self, "frames", frames)

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Image.Image]:
        return iter(self.frames)

    def __getitem__(self, index: int) -> Image.Image:
        return self.frames[index]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the frames."""
        return self.frames[0].size

    def sheet(self, columns: int | None = None) -> Image.Image:
        """All frames in one RGB picture, row by row; as square as it goes where `columns` is not given."""
        columns = math.ceil(math.sqrt(len(self))) if columns is None else columns
        if columns < 1:
            raise ValueError(f"columns is {columns}; a sheet has at least one column.")
        columns = min(columns, len(self))
        width, height = self.size
        sheet = Image.new("RGB", (columns * width, math.ceil(len(self) / columns) * height), "white")
        for number, frame in enumerate(self):
            sheet.paste(frame.convert("RGB"), (number % columns * width, number // columns * height))
        return sheet

    def save(
        self,
        path: str | Path,
        seconds: float = 2.4,
        loop: Loop = "forward",
        size: int | tuple[int, int] | None = None,
    ) -> Path:
        """Writes the film whole or not at all, in the format that the suffix names: .gif, .webp or .mp4.

        Args:
            path: where to; an existing file is replaced, its folder must exist.
            seconds: from the first frame to the end of the last, above 0, up to 600. A boomerang adds the way back.
                A GIF or WebP shows at most 50 frames a second, as browsers do, and lasts longer if it must.
            loop: "forward" plays again and again; "boomerang" too, but back and forth; "once" stops at the last
                frame. An MP4 has the same frames, but whether it repeats is up to the player.
            size: the longer side in pixels, or (width, height); None leaves the frames as they are.

        Raises:
            ValueError: for a suffix, number of seconds, loop or size that is not possible.
            OSError: when the file cannot be written, with the path and the reason.
        """
        path = Path(path)
        data = self.to_bytes(path.suffix, seconds=seconds, loop=loop, size=size)
        _write_whole(path, data)
        return path

    def to_bytes(
        self,
        format: str,
        seconds: float = 2.4,
        loop: Loop = "forward",
        size: int | tuple[int, int] | None = None,
    ) -> bytes:
        """The file that `save` would write, for `format` "gif", "webp" or "mp4" (with or without the dot)."""
        encode = {"gif": _gif, "webp": _webp, "mp4": _mp4}.get(format.lower().removeprefix("."))
        if encode is None:
            raise ValueError(f"A film cannot be written as {format!r}; choose .gif, .webp or .mp4.")
        if not (isinstance(seconds, (int, float)) and 0 < seconds <= LONGEST_SECONDS):
            raise ValueError(
                f"seconds is {seconds!r}; a film lasts more than 0 and at most {LONGEST_SECONDS:g} seconds."
            )
        if loop not in ("forward", "boomerang", "once"):
            raise ValueError(f"loop is {loop!r}; choose 'forward', 'boomerang' or 'once'.")
        film = _Film(self.frames, _target_size(self.size, size), seconds / len(self), loop)
        return encode(film)


@dataclass(frozen=True)
class _Film:
    """What the encoders are given: the frames in playing order, made large only while they are read."""

    pictures: Sequence[Image.Image]
    size: tuple[int, int]
    frame_seconds: float
    loop: Loop

    @property
    def order(self) -> list[Image.Image]:
        way_back = self.pictures[-2:0:-1] if self.loop == "boomerang" else ()
        return [*self.pictures, *way_back]

    def __iter__(self) -> Iterator[np.ndarray]:
        """uint8 [H, W, 3] of each frame."""
        for picture in self.order:
            frame = picture.convert("RGB")
            if frame.size != self.size:
                frame = frame.resize(self.size, Image.Resampling.LANCZOS)
            yield np.asarray(frame)

    def delays(self, per_second: int) -> list[int]:
        """How long each frame is shown, in whole 1 / `per_second`; rounded so that the sum stays right."""
        length = max(self.frame_seconds, SHORTEST_FRAME) * per_second
        starts = [round(number * length) for number in range(len(self.order) + 1)]
        return [end - start for start, end in zip(starts, starts[1:], strict=False)]


def _target_size(size: tuple[int, int], asked: int | tuple[int, int] | None) -> tuple[int, int]:
    if asked is None:
        return size
    sides = list(asked) if isinstance(asked, (tuple, list)) else [asked]
    if len(sides) not in (1, 2) or not all(isinstance(side, int) and 1 <= side <= LARGEST_SIDE for side in sides):
        raise ValueError(
            f"size is {asked!r}; give the longer side or (width, height), in whole pixels from 1 to {LARGEST_SIDE}."
        )
    if len(sides) == 2:
        return sides[0], sides[1]
    width, height = (max(1, round(side * sides[0] / max(size))) for side in size)
    return width, height


def _write_whole(path: Path, data: bytes) -> None:
    """Writes beside the target and renames, so that nobody ever sees half a file."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with open(unfinished, "xb") as file:
                file.write(data)
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(error.errno, f"The film could not be written: {reason}", str(path)) from error


# --- GIF ---------------------------------------------------------------------------------------------------------


def _gif(film: _Film) -> bytes:
    """One global colour table. Fewer colours are taken only where 255 would go over the budget (pure noise does)."""
    limit = max(GIF_BYTES, int(GIF_BYTES_PER_PIXEL * len(film.order) * film.size[0] * film.size[1]))
    for colours in (255, 128, 64, 32, 16, 8):
        data = _gif_with(film, colours)
        if len(data) <= limit:
            break
    return data


def _gif_with(film: _Film, colours: int) -> bytes:
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


def _index(film: _Film, palette: np.ndarray, coarseness: float) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
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
    return np.square(a - b).sum(axis=-1)


def _bayer(height: int, width: int) -> np.ndarray:
    """Ordered-dither thresholds [height, width] in (-0.5, 0.5), Bayer's 8 x 8 matrix repeated (Bayer 1973)."""
    matrix = np.zeros((1, 1), np.float32)
    for _ in range(3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    tiled = np.tile((matrix + 0.5) / 64 - 0.5, (math.ceil(height / 8), math.ceil(width / 8)))
    return tiled[:height, :width].astype(np.float32)


# --- WebP --------------------------------------------------------------------------------------------------------


def _webp(film: _Film) -> bytes:
    """Each frame a still picture of its own in the container (RFC 9649, section 2.7).

    libwebp's own animation encoder drops a frame that differs from the last by a few grey levels: the slow beginning
    of an eased morph would be shorter than asked. Separate frames also spare the film the pulse of key frames.
    """
    import imageio.v3 as iio

    width, height = film.size
    canvas = _uint24(width - 1) + _uint24(height - 1)
    plays = 1 if film.loop == "once" else 0  # 0 is for ever
    chunks = [_chunk(b"VP8X", b"\x02\0\0\0" + canvas), _chunk(b"ANIM", struct.pack("<IH", 0xFFFFFFFF, plays))]
    for frame, delay in zip(film, film.delays(per_second=1000), strict=True):
        still = iio.imwrite("<bytes>", frame, extension=".webp", plugin="pillow", quality=90, method=4)
        place = _uint24(0) + _uint24(0) + canvas + _uint24(delay)
        chunks.append(_chunk(b"ANMF", place + b"\x02" + still[12:]))  # 2: replace, do not blend
    return _chunk(b"RIFF", b"WEBP" + b"".join(chunks))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _uint24(value: int) -> bytes:
    return struct.pack("<I", value)[:3]


# --- MP4 ---------------------------------------------------------------------------------------------------------


def _mp4(film: _Film) -> bytes:
    """H.264 in the 4:2:0 format that every player shows. It has half the pixels for colour, so sides must be even:
    an odd side gets its last row or column twice, and nothing is stretched."""
    import imageio.v3 as iio

    width, height = film.size
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    # imageio takes any iterable of frames, though its annotation names lists only.
    frames: Any = (np.pad(frame, padding, mode="edge") for frame in film)
    data = iio.imwrite(
        "<bytes>",
        frames,
        extension=".mp4",
        plugin="FFMPEG",
        is_batch=True,
        fps=1.0 / film.frame_seconds,
        codec="libx264",
        quality=None,
        output_params=["-crf", "18", "-movflags", "+faststart"],
        macro_block_size=2,
        ffmpeg_log_level="error",
    )
    if b"moov" not in data:  # ffmpeg writes the index of the film last
        raise OSError("ffmpeg did not finish the film; is the folder for temporary files full?")
    return data
