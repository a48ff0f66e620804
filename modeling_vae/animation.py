"""Animation: the frames of a film, and how they become a GIF, a WebP or an MP4.

WebP pictures and MP4 films are encoded by imageio. GIF is not, because imageio (through Pillow) gives every frame a
colour table of its own, which flickers, and merges frames that look alike; see `model.gif`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .files import write_whole
from .model.gif import Film, Loop, encode_gif
from .model.image_processing_image_vae import to_picture
from .model.scalars import is_pair, real_number, whole_number

LONGEST_SECONDS = 600.0
LARGEST_SIDE = 4096


@dataclass(frozen=True, eq=False)
class Animation:
    """A film: at least one frame, all of one size; kept as RGB in sRGB, on white where a frame is transparent.

    ```python
    film = pipe.morph([a, b, c], frames=48)
    film.save("cat.gif", seconds=2.4, loop="boomerang", size=256)
    film.sheet(columns=8).save("cat.png")
    ```

    Args:
        frames: pictures of any mode.
        holds: of each frame, how many times as long as a frame of hold 1 it is shown, in whole numbers of at least 1;
            () where all are shown equally long. A still end is one frame that is held, and not many that are stored.
    """

    frames: Sequence[Image.Image]
    holds: Sequence[int] = ()

    def __post_init__(self) -> None:
        frames = tuple(self.frames)
        if not frames:
            raise ValueError("An animation needs at least one frame, but got none.")
        for number, frame in enumerate(frames):
            if not isinstance(frame, Image.Image):
                raise ValueError(f"Frame {number} is a {type(frame).__name__}; every frame must be a PIL picture.")
        frames = tuple(to_picture(frame, name=f"Frame {number}") for number, frame in enumerate(frames))
        for number, frame in enumerate(frames):
            if frame.size != frames[0].size:
                raise ValueError(f"Frame {number} is {frame.size}, frame 0 is {frames[0].size}; sizes must be equal.")
        object.__setattr__(self, "frames", frames)
        holds = tuple(self.holds)
        if holds and (len(holds) != len(frames) or any((whole_number(hold) or 0) < 1 for hold in holds)):
            raise ValueError(f"holds is {self.holds!r}; give a whole number of at least 1 for each frame, or ().")
        object.__setattr__(self, "holds", holds)

    def __repr__(self) -> str:
        width, height = self.size
        return f"Animation({len(self)} frames of {width} x {height})"

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
        wanted = math.ceil(math.sqrt(len(self))) if columns is None else whole_number(columns)
        if wanted is None or wanted < 1:
            raise ValueError(f"columns is {columns!r}; a sheet has a whole number of columns, at least one.")
        columns = min(wanted, len(self))
        width, height = self.size
        sheet = Image.new("RGB", (columns * width, math.ceil(len(self) / columns) * height), "white")
        for number, frame in enumerate(self):
            sheet.paste(frame, (number % columns * width, number // columns * height))
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
        _write(path, data)
        return path

    def to_bytes(
        self,
        format: str,
        seconds: float = 2.4,
        loop: Loop = "forward",
        size: int | tuple[int, int] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> bytes:
        """The file that `save` would write, for `format` "gif", "webp" or "mp4" (with or without the dot).

        `progress` is called before each frame with the frames done and all frames (a GIF that is too large for its
        colours goes through them again); what it raises ends the encoding.
        """
        encode = {"gif": encode_gif, "webp": _webp, "mp4": _mp4}.get(format.lower().removeprefix("."))
        if encode is None:
            raise ValueError(f"A film cannot be written as {format!r}; choose .gif, .webp or .mp4.")
        length = real_number(seconds)
        if length is None or not 0 < length <= LONGEST_SECONDS:
            raise ValueError(
                f"seconds is {seconds!r}; a film lasts more than 0 and at most {LONGEST_SECONDS:g} seconds."
            )
        if loop not in ("forward", "boomerang", "once"):
            raise ValueError(f"loop is {loop!r}; choose 'forward', 'boomerang' or 'once'.")
        frame_seconds = length / (sum(self.holds) or len(self))
        film = Film(self.frames, _target_size(self.size, size), frame_seconds, loop, progress, self.holds)
        return encode(film)


def _target_size(size: tuple[int, int], asked: Any) -> tuple[int, int]:
    if asked is None:
        return size
    given: list[Any] = list(asked) if isinstance(asked, tuple | list) or is_pair(asked) else [asked]
    sides = [side for side in map(whole_number, given) if side is not None and 1 <= side <= LARGEST_SIDE]
    if len(given) not in (1, 2) or len(sides) != len(given):
        raise ValueError(
            f"size is {asked!r}; give the longer side or (width, height), in whole pixels from 1 to {LARGEST_SIDE}."
        )
    if len(sides) == 2:
        return sides[0], sides[1]
    width, height = (max(1, round(side * sides[0] / max(size))) for side in size)
    return width, height


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(error.errno, f"The film could not be written: {reason}", str(path)) from error


# --- WebP --------------------------------------------------------------------------------------------------------


def _webp(film: Film) -> bytes:
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


def _mp4(film: Film) -> bytes:
    """H.264 in the 4:2:0 format that every player shows. It has half the pixels for colour, so sides must be even:
    an odd side gets its last row or column twice, and nothing is stretched."""
    import imageio.v3 as iio

    width, height = film.size
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    # imageio takes any iterable of frames, though its annotation names lists only.
    # A frame that is held comes again and again, which costs the encoder next to nothing.
    frames: Any = (
        shown
        for frame, hold in zip(film, film.held, strict=True)
        for shown in [np.pad(frame, padding, mode="edge")] * hold
    )
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
