"""Mix: weighted sums of faces, and children of them, with which one can wander on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from ..face_recipes import MOST_PARENTS, FaceRecipe, Mixed
from ..files import file_name, picture_bytes, shown_files
from ..page_state import FIRST_VARIETY, PageState
from ..render_requests import place
from ..shell import NEWEST, PRIVATE, Shell, Updates, sent
from ..toasts import toasts
from ..views import view
from ..words import say

CHILDREN = 12
SHARES = (0.5, 0.35, 0.65)
"""Of the first parent in its children, in turn."""
EMPTY = (
    "Click two or more below. Weights add up: 1, \u22121 and 1 make the first without the second and with the third."
)


class MixTab:
    """Widgets and wires; to be made inside its tab. Other tabs are wired to `to_edit` and `to_morph`."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        with gr.Row(elem_classes=["split", "mix"]):
            with gr.Column(scale=7, min_width=300):
                self.mixer = view("mixer", label="Parents", elem_id="mixer", empty=EMPTY)
                self.picker = view("faces", label="To add", elem_id="mix-picker", choosing=False, title="Click to add")
                self.children = view("faces", label="Children", elem_id="children", choosing=False, title="Children")
                self.lineage = view("faces", label="Lineage", elem_id="lineage", still=True, title="Lineage")
            with gr.Column(scale=4, min_width=280):
                self.mixed = view("faces", label="The mix", elem_id="mixed", still=True)
                with gr.Row(elem_classes="tight"):
                    self.even = gr.Button(say("Even"), size="md", min_width=60, elem_id="mix-even")
                    self.analogy = gr.Button("A \u2212 B + C", size="md", min_width=80, elem_id="mix-analogy")
                    self.breed = gr.Button(
                        say("Children"), variant="primary", size="md", min_width=80, elem_id="breed"
                    )
                with gr.Row(elem_classes="tight"):
                    self.to_edit = gr.Button(say("Edit it"), size="md", min_width=60, elem_id="mix-to-edit")
                    self.to_morph = gr.Button(say("Add to morph"), size="md", min_width=100, elem_id="mix-to-morph")
                    self.download = gr.Button(say("Download"), size="md", min_width=80, elem_id="download-mix")
                self.variety = gr.Slider(
                    0.0, 1.0, FIRST_VARIETY, step=0.05, label=say("Variety of children"), elem_id="variety"
                )
        self._wire()

    def _wire(self) -> None:
        state = self.shell.state
        self.mixer.input(self.weigh, [state, self.mixer], self.weighed, **NEWEST)
        self.mixer.delete(self.take_out, [state, self.mixer], self.changed, **NEWEST)
        self.picker.select(self.pick, [state, self.picker], self.changed, **NEWEST)
        self.even.click(self.make_even, state, self.changed, **NEWEST)
        self.analogy.click(self.make_analogy, state, self.changed, **NEWEST)
        self.breed.click(self.ask_for_children, [state, self.variety], self.changed, **NEWEST)
        self.children.select(self.go_on_with, [state, self.variety, self.children], self.changed, **NEWEST)
        self.download.click(self.bring, state, self.shell.courier, **PRIVATE)

    @property
    def outputs(self) -> list[Any]:
        return [self.mixer, self.picker, self.children, self.lineage, self.mixed]

    @property
    def changed(self) -> list[Any]:
        return [self.shell.state, self.shell.address, *self.outputs]

    @property
    def weighed(self) -> list[Any]:
        """What follows a weight: not the sliders themselves."""
        return [self.shell.state, self.shell.address, self.children, self.mixed]

    # --- what is shown -------------------------------------------------------------------------------------------

    def show(self, state: PageState) -> Updates:
        """The tab as the state says."""
        studio = self.shell.studio(state)
        parents = shown_files(studio.pictures([face for face, _ in state.parents]))
        labels = [f"parent {letter}" for letter in "ABCDEFGH"]
        rows = zip(parents, labels, state.parents, strict=False)
        offered = shown_files(studio.pictures(studio.faces(state.request)))
        lineage = shown_files(studio.pictures(state.lineage))
        return {
            self.mixer: {"parents": [{"file": f, "label": name, "weight": weight} for f, name, (_, weight) in rows]},
            self.picker: {"faces": [{"file": file, "label": f"Add {i + 1}"} for i, file in enumerate(offered)]},
            self.lineage: {"faces": [{"file": f, "label": f"Generation {i + 1}"} for i, f in enumerate(lineage)]},
            **self._mixed(state),
        }

    def _mixed(self, state: PageState) -> Updates:
        studio = self.shell.studio(state)
        if not state.parents:
            return {self.mixed: {"faces": []}, self.children: {"faces": []}}
        (picture,) = shown_files(studio.pictures([self.face(state)]))
        files = shown_files(studio.pictures(self._children(state)))
        children = [{"file": file, "label": f"Go on with child {i + 1}"} for i, file in enumerate(files)]
        return {self.mixed: {"faces": [{"file": picture, "label": "The mix"}]}, self.children: {"faces": children}}

    def face(self, state: PageState) -> FaceRecipe:
        """The mix."""
        if not state.parents:
            raise ValueError("There is nothing to mix yet; click two or more first.")
        return FaceRecipe(Mixed(state.parents))

    def _children(self, state: PageState) -> list[FaceRecipe]:
        """Of the first two parents."""
        if state.brood is None or len(state.parents) < 2:
            return []
        (first, _), (second, _) = state.parents[:2]
        parts = [((first, SHARES[i % 3]), (second, 1 - SHARES[i % 3])) for i in range(CHILDREN)]
        return [FaceRecipe(Mixed(part, state.variety, state.brood + i)) for i, part in enumerate(parts)]

    # --- what is asked for ---------------------------------------------------------------------------------------

    @toasts
    def pick(self, state: PageState, value: Any) -> Updates:
        faces = self.shell.studio(state).faces(state.request)
        face = faces[place(sent(value).get("index"), len(faces))]
        return self._now(self.with_face(state, face))

    def with_face(self, state: PageState, face: FaceRecipe) -> PageState:
        """With one more parent, all of the same weight."""
        if len(state.parents) >= MOST_PARENTS:
            raise ValueError(f"The mix has {MOST_PARENTS} parents; take one out before adding another.")
        return _evened(replace(state, parents=(*state.parents, (face, 1.0)), brood=None))

    @toasts
    def weigh(self, state: PageState, value: Any) -> Updates:
        weights = sent(value).get("weights")
        if not isinstance(weights, list) or len(weights) != len(state.parents):
            raise ValueError(f"The weights are {weights!r:.40}; give one for each parent.")
        state = replace(state, parents=tuple((f, w) for (f, _), w in zip(state.parents, weights, strict=True)))
        return {**self.shell.said(state), **self._mixed(state)}

    @toasts
    def take_out(self, state: PageState, value: Any) -> Updates:
        index = place(sent(value).get("index"), len(state.parents))
        return self._even(replace(state, parents=state.parents[:index] + state.parents[index + 1 :], brood=None))

    @toasts
    def make_even(self, state: PageState) -> Updates:
        return self._even(state)

    @toasts
    def make_analogy(self, state: PageState) -> Updates:
        if len(state.parents) < 3:
            raise ValueError("A \u2212 B + C takes three parents; add some below.")
        weights = (1.0, -1.0, 1.0)
        return self._now(
            replace(state, parents=tuple((f, w) for (f, _), w in zip(state.parents, weights, strict=False)))
        )

    @toasts
    def ask_for_children(self, state: PageState, variety: float) -> Updates:
        if len(state.parents) < 2:
            raise ValueError("Children have two parents; add some below.")
        return self._now(replace(state, brood=self.shell.studio(state).new_seed(), variety=variety))

    @toasts
    def go_on_with(self, state: PageState, variety: float, value: Any) -> Updates:
        """A child takes the first parent's place, and has children with the second."""
        children = self._children(state)
        child = children[place(sent(value).get("index"), len(children))]
        parents = ((child, 0.5), *((face, 0.5) for face, _ in state.parents[1:2]))
        seed = self.shell.studio(state).new_seed()
        lineage = (*state.lineage, child)[-8:]
        return self._now(replace(state, parents=parents, brood=seed, variety=variety, lineage=lineage))

    @toasts
    def bring(self, state: PageState) -> Updates:
        studio, face = self.shell.studio(state), self.face(state)
        data = picture_bytes(studio.finished(face), self.shell.recipe(state, face))
        return self.shell.bring(data, f"{file_name(studio.facts.card.word, 'mix')}.png")

    def _even(self, state: PageState) -> Updates:
        return self._now(_evened(state))

    def _now(self, state: PageState) -> Updates:
        return {**self.shell.said(state), **self.show(state)}


def _evened(state: PageState) -> PageState:
    share = round(1 / max(1, len(state.parents)), 3)
    return replace(state, parents=tuple((face, share) for face, _ in state.parents))
