"""Generate: a grid of new faces from a seed; one of them goes on to the other tabs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from ..face_recipes import FaceRecipe
from ..facts import ModelFacts
from ..files import file_name, picture_bytes
from ..page_state import PageState
from ..render_requests import LARGEST_SEED, GenerateRequest, place
from ..shell import NEWEST, PRIVATE, Shell, Updates, sent
from ..toasts import toasts
from ..views import view
from ..words import Words, say

ANYTHING = "anything"
UNFITTED = (
    "This model has no prior fitted to its data, so what is new is drawn from the textbook N(0, I). Expect rough ones."
)


class GenerateTab:
    """Widgets and wires; to be made inside its tab. Other tabs are wired to `to_edit` and `to_morph`."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        new = f"New {shell.shelf.first.facts.card.words}"
        with gr.Row(elem_classes="split", elem_id="generate-split"):
            with gr.Column(scale=7, min_width=300):
                self.grid = view("faces", label="New pictures", elem_id="grid", title=new)
            with gr.Column(scale=3, min_width=280):
                with gr.Column(elem_classes="chosen"):
                    self.large = view("faces", label="The chosen one", elem_id="chosen-face", still=True)
                    with gr.Row(elem_classes="tight"):
                        self.to_edit = gr.Button(say("Edit this one"), min_width=100, elem_id="to-edit")
                        self.to_morph = gr.Button(say("Add to morph"), min_width=100, elem_id="to-morph")
                        self.download = gr.Button(say("Download"), min_width=100, elem_id="download-face")
                self._controls(new)
        self._wire()

    def _controls(self, new: str) -> None:
        self.new = gr.Button(say(new), variant="primary", elem_id="new-faces")
        with gr.Group():
            self.like = gr.Dropdown(
                [(say(ANYTHING), "")], value="", label=say("They show"), elem_id="like", visible=False
            )
            self.seed = gr.Number(
                precision=0,
                minimum=0,
                maximum=LARGEST_SEED,
                label=say("Seed"),
                info=say("The same seed gives the same pictures, today and tomorrow."),
                elem_id="seed",
            )
            self.truncation = gr.Slider(
                0,
                1.5,
                0.8,
                step=0.05,
                label=say("Truncation"),
                info=say("Low is typical, high is strange."),
                elem_id="truncation",
            )
        self.caption = gr.Markdown(say(UNFITTED), elem_classes="caption", visible=False)

    def _wire(self) -> None:
        asked = [self.shell.state, self.seed, self.truncation, self.like, self.shell.painter]
        gr.on(
            [self.seed.submit, self.seed.blur, self.truncation.input, self.truncation.release, self.like.input],
            self.generate,
            asked,
            self.changed,
            preprocess=False,  # what is possible the requests say, in sentences
            **NEWEST,
        )
        self.new.click(self.new_faces, asked, self.changed, preprocess=False, **PRIVATE)
        self.grid.select(self.choose, [self.shell.state, self.grid], self.changed, **NEWEST)
        self.download.click(self.bring, self.shell.state, self.shell.courier, **PRIVATE)

    @property
    def outputs(self) -> list[Any]:
        return [self.grid, self.large, self.seed, self.truncation, self.like, self.caption, self.new]

    @property
    def changed(self) -> list[Any]:
        return [self.shell.state, self.shell.address, *self.outputs]

    def show(self, state: PageState) -> Updates:
        """The tab as the state says."""
        studio = self.shell.studio(state)
        words = studio.facts.card.words
        faces = self.shell.faces(state, studio.faces(state.request), [f"{i + 1}" for i in range(state.request.count)])
        return {
            self.grid: {"faces": faces, "chosen": state.chosen, "title": f"New {words}"},
            self.large: self._large(state),
            self.seed: state.seed,
            self.truncation: state.truncation,
            self.like: gr.Dropdown(self._offered(studio.facts), value=state.like, visible=bool(studio.facts.asked)),
            self.caption: gr.Markdown(visible=not studio.facts.draws_fitted),
            self.new: gr.Button(say(f"New {words}")),
        }

    def face(self, state: PageState) -> FaceRecipe:
        """The chosen face."""
        return self.shell.studio(state).faces(state.request)[state.chosen]

    @toasts
    def generate(self, state: PageState, seed: Any, truncation: Any, like: Any, painter: Any) -> Updates:
        asked = GenerateRequest(seed, truncation=truncation, like=like)
        if asked == state.request:
            return {self.seed: asked.seed}
        return self._asked(self.shell.painted(state, painter), asked)

    @toasts
    def new_faces(self, state: PageState, seed: Any, truncation: Any, like: Any, painter: Any) -> Updates:
        state = self.shell.painted(state, painter)
        new = self.shell.studio(state).new_seed()
        return self._asked(state, GenerateRequest(new, truncation=truncation, like=like))

    @toasts
    def choose(self, state: PageState, value: Any) -> Updates:
        state = replace(state, chosen=place(sent(value).get("index"), state.request.count))
        return {**self.shell.said(state), self.large: self._large(state)}

    @toasts
    def bring(self, state: PageState) -> Updates:
        studio, face = self.shell.studio(state), self.face(state)
        name = file_name(studio.facts.card.word, f"seed {state.seed}", str(state.chosen + 1))
        data = picture_bytes(studio.finished(face), self.shell.recipe(state, face))
        return self.shell.bring(data, f"{name}.png")

    def _asked(self, state: PageState, asked: GenerateRequest) -> Updates:
        state = replace(state, seed=asked.seed, truncation=asked.truncation, like=asked.like, chosen=0)
        shown = self.show(state)
        return {
            **self.shell.said(state, push=True),
            **{part: shown[part] for part in (self.grid, self.large, self.seed)},
        }

    @staticmethod
    def _offered(facts: ModelFacts) -> list[tuple[str, str]]:
        words = Words.here()
        values = [(words.finished(facts.values[name]), name) for name in facts.asked]
        return [(words.finished(ANYTHING), ""), *values]

    def _large(self, state: PageState) -> dict[str, Any]:
        return {
            "faces": self.shell.faces(state, [self.face(state)], [f"Number {state.chosen + 1} of seed {state.seed}"])
        }
