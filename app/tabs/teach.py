"""Teach: an attribute from examples with it and without it, which is a slider at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from modeling_vae import Taught
from modeling_vae.model.attribute_directions import FILE_NAME

from ..face_recipes import FaceRecipe, Uploaded
from ..facts import label_of
from ..files import directions_bytes, shown_files, upload_path
from ..lessons import FEWEST, MOST, REACH, Lesson
from ..page_state import PageState
from ..render_requests import place
from ..shell import NEWEST, PRIVATE, SEARCHING, Shell, Updates, sent
from ..studio import Studio
from ..toasts import toasts
from ..views import view
from ..words import Words, say

HELP = (
    f"{FEWEST} of each at least, better 20, at most {MOST}. Choose examples that differ in nothing else: photos with, "
    "and drawn ones without, teach what a photo is. What you teach stays with you until you change a picture by it: "
    "its link and its file then carry the name and the direction, never the examples."
)
TOLD = 0.3
"""Deviations by which a published attribute has to move along to be named."""
TOLD_OF = (
    "From {having} with it and {lacking} without it. Of pairs that were left out of the teaching **{known}** are told "
    "apart ({worth})."
)
SIDES = ("having", "lacking")
CODE = """from modeling_vae import AttributeDirections, VAEPipeline
from modeling_vae.publishing.shared_directions import push_directions

pipe = VAEPipeline.from_pretrained({model!r})
pipe.load_directions("folder")  # with the downloaded directions.safetensors in it
pipe.edit("photo.jpg", {{{name!r}: 3.0}})

# to publish it, alone or (with create_pr=True) for the model's own repository:
push_directions(AttributeDirections.from_pretrained("folder"), "user/name"{base})
"""


class TeachTab:
    """Widgets and wires; to be made inside its tab. Edit is wired to `to_edit`."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        with gr.Row(elem_classes=["split", "teach"]):
            with gr.Column(scale=7, min_width=300):
                self.examples = view("lesson", label="Examples", elem_id="lesson")
                with gr.Row(elem_classes="tight"):
                    self.more = gr.Button(say("Other pictures"), size="md", min_width=90, elem_id="lesson-more")
                    self.clear = gr.Button(say("Begin anew"), size="md", min_width=90, elem_id="lesson-clear")
            with gr.Column(scale=4, min_width=280):
                self.name = gr.Textbox(
                    label=say("What is it called?"),
                    placeholder=say("sunglasses"),
                    max_length=40,
                    elem_id="lesson-name",
                )
                self.teach = gr.Button(say("Teach it"), variant="primary", elem_id="teach")
                gr.Markdown(say(HELP), elem_classes="caption")
                with gr.Column(visible=False, elem_id="taught") as self.side:
                    self.seen = view(
                        "faces", label="Less and more of it", elem_id="taught-seen", still=True, title="Less"
                    )
                    self.words = gr.Markdown(elem_id="taught-words")
                    with gr.Row(elem_classes="tight"):
                        self.to_edit = gr.Button(
                            say("Use it in Edit"), size="md", min_width=110, elem_id="taught-to-edit"
                        )
                        self.download = gr.Button(
                            say("Download it"), size="md", min_width=90, elem_id="taught-download"
                        )
                    with gr.Accordion(say("Code to use and publish it"), open=False, elem_id="taught-code"):
                        self.code = gr.Code(language="python", show_label=False, interactive=False)
        self._wire()

    def _wire(self) -> None:
        state = self.shell.state
        self.examples.select(self.turn, [state, self.examples], self.chosen, **NEWEST)
        self.examples.delete(self.take_out, [state, self.examples], self.chosen, **NEWEST)
        self.examples.upload(self.add, [state, self.examples], self.chosen, **SEARCHING)
        self.more.click(self.offer_others, state, self.chosen, **PRIVATE)
        self.clear.click(self.begin_anew, state, self.changed, **PRIVATE)
        self.name.blur(self.call, [state, self.name], [state, self.shell.address], **PRIVATE)
        for asked in (self.teach.click, self.name.submit):
            asked(self.make, [state, self.name], self.changed, concurrency_limit=2, **PRIVATE)
        self.download.click(self.bring, state, self.shell.courier, **PRIVATE)

    @property
    def outputs(self) -> list[Any]:
        return [self.examples, self.name, self.side, self.seen, self.words, self.code]

    @property
    def changed(self) -> list[Any]:
        return [self.shell.state, self.shell.address, *self.outputs]

    @property
    def chosen(self) -> list[Any]:
        """What follows a choice: not the name, which may be on its way."""
        return [part for part in self.changed if part is not self.name]

    # --- what is shown -------------------------------------------------------------------------------------------

    def show(self, state: PageState) -> Updates:
        """The tab as the state says."""
        return {**self._chosen(state), self.name: state.lesson.name}

    def _chosen(self, state: PageState, note: str = "") -> Updates:
        studio, lesson = self.shell.studio(state), state.lesson
        offered = studio.faces(state.request)
        shown = {side: _labelled(studio, getattr(lesson, side)) for side in SIDES}
        choices = _labelled(studio, offered)
        for face, choice in zip(offered, choices, strict=True):
            choice["side"] = next((side for side in SIDES if face in getattr(lesson, side)), None)
        return {self.examples: {**shown, "offered": choices, "note": note}, **self._taught(studio, state)}

    def _taught(self, studio: Studio, state: PageState) -> Updates:
        own = (lesson for lesson in state.lessons if isinstance(lesson, Lesson))
        known = next((lesson for lesson in own if lesson.key == state.lesson.key), None)
        if known is None or not studio.lessons.known([known]):
            return {self.side: gr.Column(visible=False)}
        taught = studio.lessons.teach(known)
        base = known.lacking[0].plain
        faces = [replace(base, keep_photo=False).edited({known.key: way * REACH / 2}, []) for way in (-1, 0, 1)]
        labels = (f"Less {known.title}", "As it is", f"More {known.title}")
        pictures = shown_files(studio.pictures(faces))
        seen = [{"file": file, "label": label} for file, label in zip(pictures, labels, strict=True)]
        hub = studio.facts.card.address.removeprefix("https://huggingface.co/")
        code = CODE.format(
            model=hub or studio.facts.name, name=known.title, base=f", base_model={hub!r}" if hub else ""
        )
        return {
            self.side: gr.Column(visible=True),
            self.seen: {"faces": seen, "title": "Less of it \u2013 as it is \u2013 more of it"},
            self.words: said_of(taught),
            self.code: code,
        }

    # --- what is asked for ---------------------------------------------------------------------------------------

    @toasts
    def turn(self, state: PageState, value: Any) -> Updates:
        faces = self.shell.studio(state).faces(state.request)
        face = faces[place(sent(value).get("index"), len(faces))]
        return self._now(replace(state, lesson=state.lesson.turned(face)))

    @toasts
    def take_out(self, state: PageState, value: Any) -> Updates:
        side, faces = _side(state.lesson, value)
        index = place(sent(value).get("index"), len(faces))
        kept = (*faces[:index], *faces[index + 1 :])
        return self._now(replace(state, lesson=_with(state.lesson, side, kept)))

    @toasts
    def add(self, state: PageState, value: Any) -> Updates:
        """Photos, each by its largest face; those that cannot be read are told and left out."""
        side, faces = _side(state.lesson, value)
        paths, studio = sent(value).get("paths"), self.shell.studio(state)
        if not isinstance(paths, list):
            raise ValueError("No pictures came; choose picture files to upload.")
        room, failed = MOST - len(faces), []
        for path in paths[: max(0, room)]:
            try:
                faces = (*faces, FaceRecipe(_framed(studio, upload_path({"path": path}))))
            except ValueError as error:
                failed.append(str(error))
        notes = [f"Only {MOST} of a kind are taken."] if len(paths) > room else []
        notes += [f"{len(failed)} could not be read: {failed[0]}"] if failed else []
        note = " ".join(map(Words.here().finished, notes))
        return self._now(replace(state, lesson=_with(state.lesson, side, faces)), note)

    @toasts
    def offer_others(self, state: PageState) -> Updates:
        return self._now(replace(state, seed=self.shell.studio(state).new_seed(), chosen=0))

    @toasts
    def begin_anew(self, state: PageState) -> Updates:
        state = replace(state, lesson=Lesson())
        return {**self.shell.said(state), **self.show(state)}

    @toasts
    def call(self, state: PageState, name: str) -> Updates:
        return self.shell.said(replace(state, lesson=replace(state.lesson, name=name)))

    @toasts
    def make(self, state: PageState, name: str) -> Updates:
        state = replace(state, lesson=replace(state.lesson, name=name))
        self.shell.studio(state).lessons.teach(state.lesson)
        state = state.taught()
        return {**self.shell.said(state), **self.show(state)}

    @toasts
    def bring(self, state: PageState) -> Updates:
        taught = self.shell.studio(state).lessons.published(state.lesson)
        return self.shell.bring(directions_bytes(taught), FILE_NAME)

    def _now(self, state: PageState, note: str = "") -> Updates:
        return {**self.shell.said(state), **self._chosen(state, note)}


def said_of(taught: Taught) -> str:
    """What a lesson is worth, in words."""
    words, direction = Words.here(), taught.direction
    worth = "a coin toss has 50%; more examples help" if taught.held_out < 0.75 else "100% is certain"
    text = words(
        TOLD_OF,
        having=str(direction.positives),
        lacking=str(direction.negatives),
        known=f"{taught.held_out:.0%}",
        worth=worth,
    )
    along = [(label_of(name), move) for name, move in taught.moves.items() if abs(move) >= TOLD][:5]
    if along:
        moves = ", ".join(f"{words.finished(label)} {move:+.1f}" for label, move in along).replace("-", "\u2212")
        text += "\n\n" + words("A step of 1 also moves {moves}: hold what shall stay.", moves=moves)
    return text


def _labelled(studio: Studio, faces: Any) -> list[dict[str, Any]]:
    """Faces as the model draws them; of photos what it gets of them."""
    drawn = [face for face in faces if face.photo is None]
    pictures = dict(zip(drawn, studio.pictures(drawn), strict=True))
    shown = [studio.photos.part(face.photo) if face.photo is not None else pictures[face] for face in faces]
    return [{"file": file, "label": f"Picture {i + 1}"} for i, file in enumerate(shown_files(shown))]


def _framed(studio: Studio, path: str) -> Uploaded:
    upload = studio.photos.uploads.add(path)
    return Uploaded(upload, studio.photos.search(upload).frames[0])


def _side(lesson: Lesson, value: Any) -> tuple[str, tuple[FaceRecipe, ...]]:
    side = sent(value).get("side")
    if side not in SIDES:
        raise ValueError(f"The examples are {side!r:.40}; give {' or '.join(SIDES)}.")
    return side, getattr(lesson, side)


def _with(lesson: Lesson, side: str, faces: tuple[FaceRecipe, ...]) -> Lesson:
    changed: dict[str, Any] = {side: faces}
    return replace(lesson, **changed)
