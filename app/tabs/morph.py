"""Morph: a film through two to eight keyframes, each a face with its own edits."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr

from modeling_vae.animation import Animation

from ..face_recipes import FaceRecipe
from ..files import cached, commented, file_data, file_name, picture_bytes, shown_files, text_of
from ..page_state import PageState
from ..render_requests import LARGEST_FILM, MOST_FRAMES, MOST_KEYFRAMES, FilmRequest, PathRequest, place
from ..shell import FILMING, NEWEST, PRIVATE, WAITING, Shell, Updates, sent
from ..studio import enlarged, film_made
from ..toasts import toasts
from ..views import view
from ..watched_work import watched
from ..words import say

PATH_LABELS = [(say("Likely pictures"), "flow"), (say("Round the sphere"), "slerp"), (say("Straight line"), "linear")]
EASING_LABELS = [(say("Rest at each"), "smooth"), (say("Even pace"), "linear")]
LOOP_LABELS = [(say("Around"), "around"), (say("Back and forth"), "boomerang"), (say("Once"), "once")]
FORMAT_LABELS = [("GIF", "gif"), ("WebP", "webp"), ("MP4", "mp4")]
EMPTY = "Choose two or more below; or add your photo, or an edited picture, from their tabs."


class MorphTab:
    """Widgets and wires; to be made inside its tab."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        with gr.Row(elem_classes=["split", "morph"]):
            with gr.Column(scale=7, min_width=300):
                self.keyframes = view(
                    "faces",
                    label="Keyframes",
                    elem_id="keyframes",
                    movable=True,
                    choosing=False,
                    title="Keyframes",
                    empty=EMPTY,
                )
                self.strip = view("faces", label="At a glance", elem_id="strip", still=True)
                with gr.Row(elem_classes="tight"):
                    self.clear = gr.Button(say("Clear"), size="sm", min_width=60, elem_id="clear-morph")
                    self.save_strip = gr.Button(say("Strip as PNG"), size="sm", min_width=90, elem_id="save-strip")
                    self.save_frames = gr.Button(say("Frames as zip"), size="sm", min_width=90, elem_id="save-frames")
                self.picker = view("faces", label="To add", elem_id="picker", choosing=False, title="Click to add")
            with gr.Column(scale=5, min_width=300, elem_classes="film"):
                self.film = view("film", label="The film", elem_id="film")
                with gr.Row(elem_classes=["tight", "actions"]):
                    self.make = gr.Button(say("Make the film"), variant="primary", min_width=130, elem_id="make-film")
                    self.cancel = gr.Button(say("Stop"), min_width=60, elem_id="stop-film")
                self._settings()
        self._wire()

    def _settings(self) -> None:
        with gr.Group():
            self.format = gr.Radio(FORMAT_LABELS, value="gif", label=say("Format"), elem_id="format")
            self.frames = gr.Slider(2, MOST_FRAMES, 48, step=1, precision=0, label=say("Frames"), elem_id="frames")
            self.seconds = gr.Slider(0.4, 12, 3, step=0.1, label=say("Seconds"), elem_id="seconds")
            self.size = gr.Slider(64, LARGEST_FILM, 256, step=32, precision=0, label=say("Pixels"), elem_id="size")
            self.path = gr.Radio(PATH_LABELS, value="flow", label=say("Path"))
            self.easing = gr.Radio(EASING_LABELS, value="smooth", label=say("Pace"))
            self.loop = gr.Radio(LOOP_LABELS, value="around", label=say("Ending"))

    def _wire(self) -> None:
        state = self.shell.state
        settings: list[Any] = [self.frames, self.seconds, self.size, self.format]
        self.make.click(None, None, self.film, js=WAITING, **PRIVATE)
        filming = self.make.click(self.make_film, [state, *settings], self.film, **FILMING)
        filming.failure(None, None, self.film, js="() => ({})", **PRIVATE)
        newest: dict[str, Any] = {**NEWEST, "cancels": [filming]}
        self.cancel.click(lambda: {"stopped": True}, None, self.film, cancels=[filming], **PRIVATE)
        self.keyframes.input(self.move, [state, self.keyframes], self.changed, **newest)
        self.keyframes.delete(self.take_out, [state, self.keyframes], self.changed, **newest)
        self.picker.select(self.pick, [state, self.picker], self.changed, **newest)
        self.clear.click(self.take_all_out, state, self.changed, **newest)
        gr.on(
            [self.path.input, self.easing.input, self.loop.input],
            self.go,
            [state, self.path, self.easing, self.loop],
            self.changed,
            **newest,
        )
        # by the page itself: a late answer of the server would take a film away that was asked for meanwhile
        gr.on([part.input for part in settings], None, None, self.film, js="() => ({})", cancels=[filming], **PRIVATE)
        self.save_strip.click(self.bring_strip, [state, self.frames], self.shell.courier, **FILMING)
        self.save_frames.click(self.bring_frames, [state, self.frames, self.size], self.shell.courier, **FILMING)

    @property
    def outputs(self) -> list[Any]:
        return [self.keyframes, self.strip, self.picker, self.film, self.path, self.easing, self.loop]

    @property
    def changed(self) -> list[Any]:
        return [self.shell.state, self.shell.address, *self.outputs]

    # --- what is shown -------------------------------------------------------------------------------------------

    def show(self, state: PageState) -> Updates:
        """The tab as the state says."""
        studio = self.shell.studio(state)
        offered = studio.faces(state.request)
        return {
            **self._shown(state),
            self.picker: {"faces": self.shell.faces(state, offered, [f"Add {i + 1}" for i in range(len(offered))])},
            self.path: state.way.path,
            self.easing: state.way.easing,
            self.loop: state.way.loop,
        }

    def _shown(self, state: PageState) -> Updates:
        studio = self.shell.studio(state)
        files = shown_files(studio.pictures(state.keyframes))
        return {
            self.keyframes: {
                "faces": [{"file": file, "label": f"Keyframe {i + 1}"} for i, file in enumerate(files)],
                "title": f"{len(files)} of {MOST_KEYFRAMES} keyframes, in order",
            },
            self.strip: {"faces": self._strip(state)},
            self.film: {},
        }

    def _strip(self, state: PageState) -> list[dict[str, Any]]:
        studio, way = self.shell.studio(state), state.way
        if len(state.keyframes) < 2:
            return []
        if state.paints:
            frames: list[dict[str, Any]] = [
                {"latent": text_of(latent)} for latent in studio.strip_latents(state.keyframes, way)
            ]
        else:
            frames = [{"file": file} for file in shown_files(studio.strip(state.keyframes, way))]
        return [{**frame, "label": f"Frame {i + 1} of {len(frames)}"} for i, frame in enumerate(frames)]

    def with_face(self, state: PageState, face: FaceRecipe) -> PageState:
        """The state with a keyframe more, and this tab open."""
        if len(state.keyframes) >= MOST_KEYFRAMES:
            raise ValueError(f"The morph has {MOST_KEYFRAMES} keyframes; take one out before adding another.")
        return replace(state, keyframes=(*state.keyframes, face), tab="morph")

    # --- what is asked for ---------------------------------------------------------------------------------------

    @toasts
    def pick(self, state: PageState, value: Any) -> Updates:
        faces = self.shell.studio(state).faces(state.request)
        return self._with(self.with_face(state, faces[place(sent(value).get("index"), len(faces))]))

    @toasts
    def move(self, state: PageState, value: Any) -> Updates:
        given = sent(value).get("move")
        if not isinstance(given, list) or len(given) != 2:
            raise ValueError(f"The move is {given!r:.40}; give two places.")
        start, end = (place(one, len(state.keyframes)) for one in given)
        keyframes = [*state.keyframes]
        keyframes.insert(end, keyframes.pop(start))
        return self._with(replace(state, keyframes=tuple(keyframes)))

    @toasts
    def take_out(self, state: PageState, value: Any) -> Updates:
        index = place(sent(value).get("index"), len(state.keyframes))
        return self._with(replace(state, keyframes=state.keyframes[:index] + state.keyframes[index + 1 :]))

    def take_all_out(self, state: PageState) -> Updates:
        return self._with(replace(state, keyframes=()))

    @toasts
    def go(self, state: PageState, path: str, easing: str, loop: str) -> Updates:
        return self._with(replace(state, way=PathRequest(path, easing, loop)))

    @toasts
    def make_film(self, state: PageState, frames: int, seconds: float, size: int, format: str) -> Iterator[Updates]:
        asked, busy = FilmRequest(frames, seconds, size, format), self.shell.busy()
        name, kind = f"{self._name(state)}.{asked.format}", asked.format.upper()
        draw = partial(self.shell.studio(state).morph, state.keyframes, state.way, asked.frames)
        for step in watched(lambda report: film_made(draw, asked, state.way, report)):
            if isinstance(step, bytes):
                if asked.format == "gif":
                    step = commented(step, self.shell.recipe(state, *state.keyframes, way=state.way))
                file, words = file_data(cached(step, name), name), asked.words(len(step))
                shown = {"file": file, "name": name, "words": words, "kind": kind, "video": asked.format == "mp4"}
                yield {self.film: shown}
            else:
                words = f"Drawing {asked.frames} frames\u2026" if step < 0.5 else f"Writing the {kind}\u2026"
                yield {self.film: busy(words, step)}

    @toasts
    def bring_strip(self, state: PageState, frames: int) -> Updates:
        sheet = self._film(state, min(12, FilmRequest(frames).frames)).sheet(columns=12)
        said = self.shell.recipe(state, *state.keyframes, way=state.way)
        return self.shell.bring(picture_bytes(sheet, said), f"{self._name(state)}_strip.png")

    @toasts
    def bring_frames(self, state: PageState, frames: int, size: int) -> Updates:
        asked = FilmRequest(frames, size=size)
        return self.shell.bring(zipped(self._film(state, asked.frames), asked.size), f"{self._name(state)}_frames.zip")

    def _film(self, state: PageState, frames: int) -> Animation:
        return self.shell.studio(state).morph(state.keyframes, state.way, frames)

    def _name(self, state: PageState) -> str:
        return file_name(self.shell.studio(state).facts.card.word, "morph", f"{len(state.keyframes)} keyframes")

    def _with(self, state: PageState) -> Updates:
        return {**self.shell.said(state), **self._shown(state)}


def zipped(film: Animation, side: int) -> bytes:
    """The frames as PNG files in a zip file; smaller ones are enlarged."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for number, frame in enumerate(film, start=1):
            archive.writestr(f"{number:03d}.png", picture_bytes(enlarged(frame, side)))
    return buffer.getvalue()
