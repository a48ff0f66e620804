"""The films of a finished training as files: its frames, with their steps, large enough to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from modeling_vae.animation import Animation
from modeling_vae.sheets import BACKGROUND, INK

from .film import RECONSTRUCTIONS, frame_files

SMALLEST = 256
"""Side of a film, at least."""
SECONDS = 0.2
"""Of each frame; the last one stands for as long as a third of the film."""
CAPTION = 20
FORMATS = ("webp", "mp4")


class Frame(NamedTuple):
    """A picture, and the step after which it was drawn, counted from the first stage on."""

    step: int
    picture: Image.Image


def read_frames(*folders: Path) -> list[Frame]:
    """The frames in their order, smaller ones enlarged to the size of the last; [] where there are none.

    Of several folders, one of each stage of a run, the first frame and every so-many-th, so that the film is as long
    as that of one.
    """
    frames, before = [], 0
    for folder in folders:
        files = frame_files(folder)
        frames += [Frame(before + int(file.stem), Image.open(file).convert("RGB")) for file in files]
        before += int(files[-1].stem) if files else 0
    if not frames:
        return []
    kept = frames[:: -len(folders)][::-1]
    if kept[0] is not frames[0]:
        kept = [frames[0], *kept]
    return [Frame(step, picture.resize(frames[-1].picture.size)) for step, picture in kept]


def film_of(frames: Sequence[Frame]) -> Animation:
    """The film: at least 256 pixels a side, each frame with its step below."""
    smaller = min(frames[-1].picture.size)
    factor = -(-SMALLEST // smaller)
    shown = [_captioned(frame, factor) for frame in frames]
    return Animation(shown, holds=[*[1] * (len(shown) - 1), 1 + len(shown) // 3])


def training_films(folders: Sequence[Path], reconstructions: bool) -> dict[str, bytes]:
    """The films of a run, by the names of their files; {} where there are no frames.

    Args:
        folders: of the frames of each stage, in order.
        reconstructions: make the film of held-out pictures too, which shows these.
    """
    kinds = {"training": list(folders)}
    if reconstructions:
        kinds["training-reconstructions"] = [folder / RECONSTRUCTIONS for folder in folders]
    files: dict[str, bytes] = {}
    for name, places in kinds.items():
        if frames := read_frames(*places):
            film = film_of(frames)
            files |= {f"{name}.{kind}": film.to_bytes(kind, seconds=SECONDS * sum(film.holds)) for kind in FORMATS}
    return files


def _captioned(frame: Frame, factor: int) -> Image.Image:
    width, height = frame.picture.width * factor, frame.picture.height * factor
    shown = Image.new("RGB", (width, height + CAPTION), BACKGROUND)
    shown.paste(frame.picture.resize((width, height), Image.Resampling.BICUBIC))
    words, font = f"step {frame.step:,}", ImageFont.load_default(13)
    ImageDraw.Draw(shown).text((width - 4, height + CAPTION / 2), words, INK, font, anchor="rm")
    return shown
