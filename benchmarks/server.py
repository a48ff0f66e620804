"""What the server costs beside what it cannot do without: edits, uploads, films, imports, the studio's start.

    python benchmarks/server.py hub_configs/cats-128

Every line is a ratio of processor times, both sides taken in turns, with one thread; processor time minds other work
less than the clock. Given are the median and the range over the rounds.
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import torch
from PIL import Image

from app.face_recipes import Drawn, FaceRecipe
from app.studio import Studio
from modeling_vae import VAEPipeline
from modeling_vae.passes import decode_all

ROOT = Path(__file__).resolve().parents[1]
FRAMES = 48
LIBRARIES = "import torch, transformers; transformers.PreTrainedModel"
STUDIO = """
from app.layout import build
from app.shelf import open_studio
build(open_studio({folder!r}))
"""


def seconds(call: Callable[[], object]) -> float:
    """Processor seconds of a call, and of the programs that it starts and waits for."""
    started = processor_seconds()
    call()
    return processor_seconds() - started


def processor_seconds() -> float:
    """So far, of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def ratio(ours: Callable[[int], object], theirs: Callable[[int], object], rounds: int) -> list[float]:
    """One for each round, after one that is not counted; each call gets the round's number."""
    ours(rounds), theirs(rounds)
    return [seconds(lambda i=i: ours(i)) / seconds(lambda i=i: theirs(i)) for i in range(rounds)]


def started(code: str) -> float:
    """Processor seconds of a Python that runs the code."""
    return seconds(lambda: subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True))


def starts(ours: str, theirs: str, rounds: int) -> list[float]:
    started(ours), started(theirs)
    return [started(ours) / started(theirs) for _ in range(rounds)]


def encoded(frames: list[Image.Image], kind: str) -> None:
    """The same frames by the encoder alone: stills of WebP, or one film of libx264."""
    if kind == "webp":
        for frame in frames:
            frame.save(io.BytesIO(), "WEBP", quality=90, method=4)
    else:
        options = {"codec": "libx264", "quality": None, "output_params": ["-crf", "18"], "ffmpeg_log_level": "error"}
        imageio.imwrite("<bytes>", [np.asarray(frame) for frame in frames], extension=".mp4", plugin="FFMPEG", fps=20,
                        is_batch=True, macro_block_size=2, **options)  # fmt: skip


def figures(folder: str, rounds: int) -> dict[str, tuple[list[float], str]]:
    """Of each line its ratios, and what is asked of it."""
    pipe = VAEPipeline.from_pretrained(folder)
    studio, name = Studio(pipe, "bench"), pipe.attributes[0]
    latents = pipe.sample(rounds + 1, seed=3)
    ends = pipe.sample(2, seed=5)
    way = torch.stack([torch.lerp(ends[0], ends[1], i / (FRAMES - 1)) for i in range(FRAMES)])
    film = pipe.morph(ends, frames=FRAMES)
    frames = list(film)

    def edit(i: int) -> None:
        studio.shown(FaceRecipe(Drawn(3, i)).edited({name: 1.0 + 0.1 * i}, ()))

    for i in range(rounds + 1):
        studio.latent(FaceRecipe(Drawn(3, i)))  # the faces themselves are known to the page
    found = {
        "an edit's picture, to its decode": (
            ratio(edit, lambda i: decode_all(pipe.model, latents[i : i + 1]), rounds), "1.5"
        ),
        "a film up to the encoder, to one batch decode": (
            ratio(lambda i: pipe.morph(ends, frames=FRAMES), lambda i: decode_all(pipe.model, way), rounds), "1.3"
        ),
        "its WebP, to the encoder alone": (
            ratio(lambda i: film.to_bytes("webp"), lambda i: encoded(frames, "webp"), rounds), "1.5"
        ),
        "its MP4, to the encoder alone": (
            ratio(lambda i: film.to_bytes("mp4"), lambda i: encoded(frames, "mp4"), rounds), "1.5"
        ),
        "import modeling_vae, to torch and transformers": (
            starts("import modeling_vae", LIBRARIES, 3), "1.15"
        ),
        "the studio built, to importing gradio, torch and transformers": (
            starts(STUDIO.format(folder=folder), f"import gradio; {LIBRARIES}", 3), "1.3"
        ),
    }  # fmt: skip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="a published folder")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| what | ratio | asked |\n| --- | --- | --- |")
    for what, (ratios, asked) in figures(options.folder, options.rounds).items():
        print(
            f"| {what} | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {asked} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
