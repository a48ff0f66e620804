"""Your photo: all of it, with a frame on every face, of which one goes on to the other tabs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr

from ..face_recipes import FaceRecipe, Uploaded
from ..files import recipe_of, shown_file, upload_path
from ..page_state import PageState
from ..recipe_text import parse_recipe
from ..render_requests import FrameRequest, place
from ..shell import NEWEST, PRIVATE, SEARCHING, TUNING, Shell, Updates, sent
from ..toasts import toasts
from ..views import view
from ..watched_work import watched
from ..words import Words, say

COST = (
    "**Make it mine** teaches the model what is in the frame: some 20 to 40 seconds of this machine's processor, and "
    "edits look like your photo. Set the frame first."
)


class PhotoTab:
    """Widgets and wires; to be made inside its tab. Other tabs are wired to `to_edit` and `to_morph`."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        with gr.Row(elem_classes=["split", "photo-split"]):
            with gr.Column(scale=7, min_width=300):
                self.photo = view("photo", label="Your photo", elem_id="photo")
            with gr.Column(scale=4, min_width=280, elem_classes="photo-side", visible=False) as self.side:
                self.seen = view("stage", label="As the model draws it", elem_id="seen")
                with gr.Column(elem_classes="actions"):
                    self.to_edit = gr.Button(say("Edit it"), variant="primary", elem_id="photo-to-edit")
                    with gr.Row(elem_classes="tight"):
                        self.to_morph = gr.Button(
                            say("Add to morph"), size="md", min_width=100, elem_id="photo-to-morph"
                        )
                        self.mine = gr.Button(say("Make it mine"), size="md", min_width=100, elem_id="make-mine")
                self.progress = view("film", label="Progress", elem_id="tuning")
                self.cancel = gr.Button(say("Stop"), size="sm", visible=False, elem_id="stop-tuning")
                gr.Markdown(say(COST), elem_classes="caption")
        self._wire()

    def _wire(self) -> None:
        state = self.shell.state
        tuning = self.mine.click(self.make_mine, state, self.tuning, **TUNING)
        newest: dict[str, Any] = {**NEWEST, "cancels": [tuning]}
        self.cancel.click(self.stop, state, self.tuning, cancels=[tuning], **PRIVATE)
        # of photos that come while one is looked at, the newest is looked at next
        self.photo.upload(self.take, [state, self.photo], self.changed, **SEARCHING, trigger_mode="always_last")
        self.photo.select(self.choose, [state, self.photo], self.changed, **newest)
        self.photo.input(self.frame, [state, self.photo], self.framed, **newest)

    @property
    def outputs(self) -> list[Any]:
        return [self.photo, self.side, self.seen, self.progress, self.cancel, self.mine]

    @property
    def changed(self) -> list[Any]:
        return [self.shell.state, self.shell.address, *self.outputs]

    @property
    def framed(self) -> list[Any]:
        """What follows a frame that is dragged: not the photo, in which it is dragged."""
        return [self.shell.state, self.shell.address, *(part for part in self.outputs if part is not self.photo)]

    @property
    def tuning(self) -> list[Any]:
        return [self.shell.state, self.shell.address, self.seen, self.progress, self.cancel, self.mine]

    # --- what is shown -------------------------------------------------------------------------------------------

    def show(self, state: PageState) -> Updates:
        """The tab as the state says."""
        if state.photo is None:
            return {self.photo: {}, self.side: gr.Column(visible=False)}
        photos = self.shell.studio(state).photos
        found = photos.search(state.photo.upload)
        frames = [frame.values for frame in found.frames]
        chosen = next((i for i, frame in enumerate(found.frames) if frame == state.photo.frame), None)
        if chosen is None:  # moved by hand: it stands for the nearest
            mine = state.photo.frame.values
            chosen = min(range(len(frames)), key=lambda i: abs(frames[i][0] - mine[0]))
            frames[chosen] = mine
        shown = {
            "photo": shown_file(photos.shown(state.photo.upload)),
            "width": found.width,
            "height": found.height,
            "aspect": photos.aspect,
            "frames": frames,
            "chosen": chosen,
            "note": found.note,
        }
        return {self.photo: shown, **self._framed(state)}

    def _framed(self, state: PageState) -> Updates:
        if state.photo is None:
            return {self.side: gr.Column(visible=False)}
        studio = self.shell.studio(state)
        face = FaceRecipe(state.photo)
        drawn = shown_file(studio.pictures([face])[0])
        far = studio.far_from_photo(state.photo)
        word = studio.facts.card.word
        label = f"Your {word}, as the model drew it for you" if face.tuned else "As the model draws it"
        return {
            self.side: gr.Column(visible=True),
            self.seen: {
                "before": shown_file(studio.photos.part(state.photo)),
                "after": drawn,
                "label": label,
                "note": far,
            },
            self.progress: {},
            self.cancel: gr.Button(visible=False),
            self.mine: gr.Button(say("It is yours" if face.tuned else "Make it mine"), interactive=face.tuned is None),
        }

    # --- what is asked for ---------------------------------------------------------------------------------------

    def take(self, state: PageState, value: Any) -> Updates:
        """An upload: a photo, or a picture of this studio, which brings its face back."""
        try:
            return self._take(state, upload_path(sent(value)))
        except ValueError as error:
            gr.Warning(_escaped(str(error)))
            return {self.photo: {"failed": Words.here().finished(str(error))}}

    def _take(self, state: PageState, path: str) -> Updates:
        studio = self.shell.studio(state)
        upload = studio.photos.uploads.add(path)
        found = studio.photos.search(upload)
        state = replace(state, photo=Uploaded(upload, found.frames[0]), tab="photo")
        text = recipe_of(path)
        if text is not None:
            state = self._recalled(state, text)
        return {**self.shell.said(state, push=True), **self.show(state)}

    def _recalled(self, state: PageState, text: str) -> PageState:
        """The state with what a file of the studio says: a face to edit, or the keyframes of a morph."""
        try:
            said = parse_recipe(text)
        except ValueError:  # of a photo, which is not in it, or another's words: it is a picture like any other
            return state
        if said.model != state.model or not said.faces:
            _inform(f"This file was made with {said.model}: open that model first, and it comes back.")
            return state
        state = state.with_lessons(*said.given)
        if said.way is not None:
            _inform("This film says how it was made: its keyframes are under Morph.")
            return replace(state, keyframes=said.faces, way=said.way)
        _inform("This file says how it was made: open it under Edit, or frame it as a photo.")
        return state.with_face(said.faces[0])

    @toasts
    def choose(self, state: PageState, value: Any) -> Updates:
        if state.photo is None:
            raise ValueError("There is no photo yet; choose one first.")
        found = self.shell.studio(state).photos.search(state.photo.upload)
        frame = found.frames[place(sent(value).get("index"), len(found.frames))]
        state = replace(state, photo=Uploaded(state.photo.upload, frame))
        return {**self.shell.said(state), **self.show(state)}

    @toasts
    def frame(self, state: PageState, value: Any) -> Updates:
        if state.photo is None:
            raise ValueError("There is no photo yet; choose one first.")
        given = sent(value).get("frame")
        if not isinstance(given, list) or len(given) != 4:
            raise ValueError(f"The frame is {given!r:.40}; give its middle, height and angle.")
        state = replace(state, photo=Uploaded(state.photo.upload, FrameRequest(*given)))
        return {**self.shell.said(state), **self._framed(state)}

    @toasts
    def make_mine(self, state: PageState) -> Iterator[Updates]:
        if state.photo is None:
            raise ValueError("There is no photo yet; choose one first.")
        busy = self.shell.busy()
        waiting = {self.cancel: gr.Button(visible=True), self.mine: gr.Button(interactive=False)}
        yield {self.progress: busy("Waiting for a free place\u2026", 0.0), **waiting}
        photos, photo = self.shell.studio(state).photos, state.photo
        for step in watched(lambda report: photos.tune(photo, report)):
            if isinstance(step, Uploaded):
                state = replace(state, photo=step)
                if state.face.photo is not None and state.face.photo == replace(step, tuned=False):
                    state = replace(state, face=replace(state.face, origin=step))
                shown = {part: update for part, update in self._framed(state).items() if part is not self.side}
                yield {**self.shell.said(state), **shown}
            else:
                yield {self.progress: busy(f"Learning your photo\u2026 {step:.0%}", step)}

    def stop(self, state: PageState) -> Updates:
        hidden, usable = gr.Button(visible=False), gr.Button(interactive=True)
        return {self.progress: {"stopped": True}, self.cancel: hidden, self.mine: usable}


def _inform(text: str) -> None:
    gr.Info(_escaped(text))


def _escaped(text: str) -> str:
    return Words.here().finished(text).replace("&", "&amp;").replace("<", "&lt;")
