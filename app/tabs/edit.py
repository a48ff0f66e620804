"""Edit: one slider per attribute, and the picture follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import gradio as gr

from ..face_recipes import Drawn, FaceRecipe
from ..facts import MOST_SHOWN, label_of
from ..files import (
    cached,
    commented,
    file_data,
    file_name,
    jpeg_bytes,
    picture_bytes,
    shown_file,
    shown_files,
    text_of,
)
from ..page_state import PageState
from ..render_requests import FilmRequest, PathRequest, place
from ..shell import FILMING, NEWEST, PRIVATE, WAITING, Shell, Updates, sent
from ..studio import Look, Studio, film_made
from ..toasts import toasts
from ..views import view
from ..watched_work import watched
from ..words import Words, say

FILM, WAY = FilmRequest(frames=24, seconds=1.6, size=320, format="gif"), PathRequest(loop="boomerang")
STEPS_SHOWN = 8
LARGEST_PNG = 2_000_000
"""Pixels up to which a picture is downloaded as PNG; a larger photo as the best JPEG."""
HELP = (
    "1 is one standard deviation over all the model was trained on; 0 is as it is. \u2212 and + go all the way at "
    "once. Rings show what is seen in the picture as it is, dots what is seen in the edited one. "
    "What is held (the box) keeps its value while you move other things."
)


class EditTab:
    """Widgets and wires; to be made inside its tab. The morph is wired to `to_morph`."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        with gr.Row(elem_classes=["split", "edit"]):
            with gr.Column(scale=5, min_width=300, elem_classes="edit-left"):
                self.stage = view("stage", label="Picture", elem_id="stage")
                self._actions()
            with gr.Column(scale=6, min_width=320, elem_classes="edit-right"):
                self.keep = gr.Checkbox(
                    True,
                    label=say("Keep the photo"),
                    info=say("Change the photo itself, at its own size."),
                    elem_id="keep",
                    visible=False,
                )
                self.become = view("become", label="Become", elem_id="become")
                self.desk = view("desk", label="Changes", elem_id="desk", most=MOST_SHOWN)
                self.none = gr.Markdown(
                    say("This model has no attribute directions, so there is nothing to move."), visible=False
                )
                self.help = gr.Markdown(say(HELP), elem_classes="caption")
        self._wire()

    def _actions(self) -> None:
        with gr.Column(elem_classes="actions", elem_id="edit-actions"):
            with gr.Row(elem_classes="tight"):
                self.undo = gr.Button(say("Undo"), size="md", min_width=60, elem_id="undo")
                self.redo = gr.Button(say("Redo"), size="md", min_width=60, elem_id="redo")
                self.reset = gr.Button(say("Reset"), size="md", min_width=60, elem_id="reset")
                self.random = gr.Button(say("Random"), size="md", min_width=70, elem_id="random")
            with gr.Row(elem_classes="tight"):
                self.download = gr.Button(
                    say("Download"), variant="primary", size="md", min_width=90, elem_id="download-edit"
                )
                self.make = gr.Button(say("Download GIF"), size="md", min_width=80, elem_id="make-sweep")
                self.to_morph = gr.Button(say("Add to morph"), size="md", min_width=110, elem_id="edit-to-morph")
        self.film = view("film", label="Film of the edit", elem_id="sweep")
        self.steps = view("faces", label="Steps", elem_id="steps", title="Steps")

    def _wire(self) -> None:
        state = self.shell.state
        self.make.click(None, None, self.film, js=WAITING, **PRIVATE)
        filming = self.make.click(self.make_film, state, [self.film, self.shell.courier], **FILMING)
        filming.failure(None, None, self.film, js="() => ({})", **PRIVATE)
        buttons = (
            (self.undo, self.undo_step),
            (self.redo, self.redo_step),
            (self.reset, self.reset_all),
            (self.random, self.random_changes),
        )
        views = (self.desk.input, self.steps.select, self.become.submit, self.keep.input)
        # First of all, for Gradio does what an event leads to one after the other, and an edit is not to cancel a film
        # that was asked for after it.
        for changes in (*views, *(button.click for button, _ in buttons)):
            changes(None, cancels=[filming], **PRIVATE)
        self.desk.input(self.edit, [state, self.desk], self.moved, **NEWEST)
        for button, act in buttons:
            button.click(act, state, self.changed, **NEWEST)
        self.steps.select(self.go_to_step, [state, self.steps], self.changed, **NEWEST)
        self.become.submit(self.become_other, [state, self.become], self.changed, **NEWEST)
        self.keep.input(self.keep_photo, [state, self.keep], self.changed, **NEWEST)
        self.download.click(self.bring, state, self.shell.courier, concurrency_limit=2, **PRIVATE)

    @property
    def outputs(self) -> list[Any]:
        return [
            *(self.stage, self.desk, self.steps, self.undo, self.redo, self.reset, self.keep, self.film),
            *(self.none, self.help, self.random, self.make, self.become),
        ]

    @property
    def changed(self) -> list[Any]:
        return [self.shell.state, self.shell.address, *self.outputs]

    @property
    def moved(self) -> list[Any]:
        """What follows a slider."""
        parts = [self.stage, self.desk, self.steps, self.undo, self.redo, self.reset, self.film]
        return [self.shell.state, self.shell.address, *parts]

    # --- what is shown -------------------------------------------------------------------------------------------

    def show(self, state: PageState) -> Updates:
        """The tab as the state says."""
        studio = self.shell.studio(state)
        attributes = studio.attributes(state.lessons)
        desk = {
            "attributes": [asdict(a) for a in attributes],
            "changes": dict(state.face.changes),
            "hold": list(state.face.hold),
            "latent": text_of(studio.latent(state.face.edited({}, ()))) if studio.is_plain(state.face) else "",
        }
        look = studio.look(state.face, state.lessons)
        some = bool(attributes)
        return {
            **self._seen(studio, state, look),
            self.desk: {**desk, **_readings(look)},
            self.become: _values(studio, look),
            self.keep: gr.Checkbox(state.face.keep_photo, visible=state.face.photo is not None),
            self.none: gr.Markdown(visible=not some),
            self.help: gr.Markdown(visible=some),
            self.random: gr.Button(interactive=some),
            self.make: gr.Button(interactive=some),
        }

    def _seen(self, studio: Studio, state: PageState, look: Look) -> Updates:
        labels = _labels(studio, state)
        steps = [*state.past, state.face, *reversed(state.future)]
        start = _first_shown(state)
        shown = steps[start : start + STEPS_SHOWN]
        faces = [
            {"file": file, "label": _described(studio, labels, step) or "As it is"}
            for step, file in zip(shown, shown_files(studio.pictures(shown)), strict=True)
        ]
        return {
            self.stage: {
                "before": shown_file(look.before),
                "after": shown_file(look.after),
                "label": self._label(state),
            },
            self.desk: _readings(look),
            self.steps: {"faces": faces if len(steps) > 1 else [], "chosen": len(state.past) - start},
            self.undo: gr.Button(interactive=bool(state.past)),
            self.redo: gr.Button(interactive=bool(state.future)),
            self.reset: gr.Button(interactive=bool(state.face.changed or state.face.hold)),
            self.film: {},
        }

    def _label(self, state: PageState) -> str:
        word = self.shell.studio(state).facts.card.word
        if state.face.photo is None:
            whose = f"The {word}"
        elif state.face.keep_photo:
            whose = "Your photo"
        else:
            whose = f"Your {word}" if state.face.tuned else "As the model draws it"
        return f"{whose}, edited" if state.face.changed else whose

    # --- what is asked for ---------------------------------------------------------------------------------------

    @toasts
    def edit(self, state: PageState, value: Any) -> Updates:
        state = state.stepped(state.face.edited(sent(value).get("changes", {}), sent(value).get("hold", [])))
        studio = self.shell.studio(state)
        return {**self.shell.said(state), **self._seen(studio, state, studio.look(state.face, state.lessons))}

    @toasts
    def undo_step(self, state: PageState) -> Updates:
        return self._now(state.undone())

    @toasts
    def redo_step(self, state: PageState) -> Updates:
        return self._now(state.redone())

    @toasts
    def reset_all(self, state: PageState) -> Updates:
        return self._now(state.stepped(state.face.plain))

    @toasts
    def random_changes(self, state: PageState) -> Updates:
        return self._now(state.stepped(self.shell.studio(state).random_changes(state.face)))

    @toasts
    def become_other(self, state: PageState, value: Any) -> Updates:
        target = str(sent(value).get("target", ""))
        updates = self._now(state.stepped(self.shell.studio(state).become(state.face, target)))
        return {**updates, self.desk: {**updates[self.desk], "last": target}}

    @toasts
    def keep_photo(self, state: PageState, keep: bool) -> Updates:
        kept = replace(state.face, keep_photo=keep is True and state.face.photo is not None)
        return self._now(replace(state, face=kept))

    @toasts
    def go_to_step(self, state: PageState, value: Any) -> Updates:
        wanted = _first_shown(state) + place(sent(value).get("index"), STEPS_SHOWN)
        while len(state.past) > wanted and state.past:
            state = state.undone()
        while len(state.past) < wanted and state.future:
            state = state.redone()
        return self._now(state)

    @toasts
    def bring(self, state: PageState) -> Updates:
        studio = self.shell.studio(state)
        picture = studio.finished(state.face)
        name = _file_name(studio, state)
        if picture.width * picture.height <= LARGEST_PNG or picture.mode not in ("RGB", "L"):
            return self.shell.bring(picture_bytes(picture, self.shell.recipe(state, state.face)), f"{name}.png")
        return self.shell.bring(jpeg_bytes(picture), f"{name}.jpg")

    @toasts
    def make_film(self, state: PageState) -> Iterator[Updates]:
        busy, studio = self.shell.busy(), self.shell.studio(state)
        name = f"{_file_name(studio, state)}.gif"
        draw = partial(studio.sweep, state.face, FILM.frames)
        for step in watched(lambda report: film_made(draw, FILM, WAY, report)):
            if isinstance(step, bytes):
                step = commented(step, self.shell.recipe(state, state.face))
                words = f"From as it is to edited and back, {len(step) / 1000:,.0f} kB."
                file = file_data(cached(step, name), name)
                shown = {"file": file, "name": name, "words": words, "kind": "GIF"}
                yield {self.film: shown, **self.shell.bring(step, name)}
            else:
                words = f"Drawing {FILM.frames} frames\u2026" if step < 0.5 else "Writing the GIF\u2026"
                yield {self.film: busy(words, step)}

    def _now(self, state: PageState) -> Updates:
        return {**self.shell.said(state, push=False), **self.show(state)}


def _first_shown(state: PageState) -> int:
    """Of all steps, the first of those that have room: the one that is seen is in their middle."""
    steps = len(state.past) + 1 + len(state.future)
    return max(0, min(len(state.past) - STEPS_SHOWN // 2, steps - STEPS_SHOWN))


def _readings(look: Look) -> dict[str, Any]:
    return {"readings": {r.attribute.name: [r.before, r.after, r.probability] for r in look.readings}}


def _values(studio: Studio, look: Look) -> dict[str, Any]:
    """Columns with their values, and the most probable one of the first column in the face as it is.

    Deviations alone would mostly name a rare value, of which little is much.
    """
    columns: dict[str, list[dict[str, str]]] = {}
    for name, label in studio.facts.values.items():
        columns.setdefault(name.partition(":")[0], []).append({"name": name, "label": label})
    before = {r.attribute.name: r.probability_before or 0.0 for r in look.readings}

    def probable(value: dict[str, str]) -> float:
        column, _, answer = value["name"].partition(":")
        of_true = before.get(column, 0.0)
        return before.get(value["name"], of_true if answer == "true" else 1 - of_true)

    seen = [max(values, key=probable)["name"] for values in columns.values()]
    offered = [{"label": label_of(column), "values": values} for column, values in columns.items()]
    return {"columns": offered, "seen": seen[0] if seen else None}


def _labels(studio: Studio, state: PageState) -> dict[str, str]:
    """What the sliders are called, by name."""
    return {a.name: a.label for a in studio.attributes(state.lessons)}


def _described(studio: Studio, labels: dict[str, str], face: FaceRecipe) -> str:
    """What is changed, in words."""
    words = Words.here()
    became = [words.finished(studio.facts.values.get(name, name)) for name in face.became]
    return ", ".join(
        [*became, *(f"{words.finished(labels.get(name, name))} {change:+.1f}" for name, change in face.changes)]
    )


def _file_name(studio: Studio, state: PageState) -> str:
    origin = state.face.origin
    labels = {lesson.key: lesson.title for lesson in state.lessons}
    changes = [f"{labels.get(name, name)}{change:+.1f}" for name, change in state.face.changes[:4]]
    whose = [f"seed {origin.seed}", str(origin.index + 1)] if isinstance(origin, Drawn) else []
    became = [name.replace(":", " ") for name in state.face.became[:4]]
    return file_name(studio.facts.card.word, *whose, *became, *changes)
