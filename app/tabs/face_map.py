"""Map: faces ordered by two things and coloured by a third; a click makes the face of that place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from ..face_map import COLUMNS, ROWS, VARIES, MapRequest
from ..face_recipes import FaceRecipe
from ..files import file_name, picture_bytes, shown_file
from ..page_state import PageState
from ..shell import NEWEST, PRIVATE, Shell, Updates, sent
from ..studio import Studio
from ..toasts import toasts
from ..views import view
from ..words import say

NO_COLOUR = "Nothing"
HELP = "Click anywhere, or use arrow keys (with Shift in small steps). In between lie mixes of the four around."


class MapTab:
    """Widgets and wires; to be made inside its tab. Other tabs are wired to `to_edit`, `to_morph` and `to_mix`."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        with gr.Row(elem_classes=["split", "map"]):
            with gr.Column(scale=7, min_width=300):
                with gr.Row(elem_classes="tight"):
                    self.across = gr.Dropdown(label=say("Across"), elem_id="map-across", min_width=90)
                    self.up = gr.Dropdown(label=say("Up"), elem_id="map-up", min_width=90)
                    self.colour = gr.Dropdown(label=say("Colour"), elem_id="map-colour", min_width=90)
                self.map = view("map", label="Map of faces", elem_id="map")
                gr.Markdown(say(HELP), elem_classes="caption")
            with gr.Column(scale=4, min_width=280, elem_classes="map-side"):
                self.large = view("faces", label="The face here", elem_id="map-face", still=True)
                with gr.Row(elem_classes="tight"):
                    self.to_edit = gr.Button(say("Edit it"), variant="primary", min_width=60, elem_id="map-to-edit")
                    self.to_morph = gr.Button(say("Add to morph"), min_width=100, elem_id="map-to-morph")
                with gr.Row(elem_classes="tight"):
                    self.to_mix = gr.Button(say("Add to mix"), min_width=80, elem_id="map-to-mix")
                    self.download = gr.Button(say("Download"), min_width=80, elem_id="download-map")
        self._wire()

    def _wire(self) -> None:
        state = self.shell.state
        self.map.select(self.go, [state, self.map], [state, self.shell.address, self.large], **NEWEST)
        for axis in (self.across, self.up, self.colour):
            axis.input(self.order, [state, self.across, self.up, self.colour], self.changed, **NEWEST)
        self.download.click(self.bring, state, self.shell.courier, **PRIVATE)

    @property
    def outputs(self) -> list[Any]:
        return [self.map, self.large, self.across, self.up, self.colour]

    @property
    def changed(self) -> list[Any]:
        return [self.shell.state, self.shell.address, *self.outputs]

    def show(self, state: PageState) -> Updates:
        """The tab as the state says."""
        studio = self.shell.studio(state)
        asked = studio.map_request(state.map)
        choices = [(a.label, a.name) for a in studio.facts.attributes]
        axes = [*choices, *((say(words), name) for name, words in VARIES.items())]
        shown = {
            "file": shown_file(studio.map_picture(asked)),
            "columns": COLUMNS,
            "rows": ROWS,
            "colours": studio.map_colours(asked),
            "place": [asked.x, asked.y],
            "label": f"Map of {studio.facts.card.words}: arrow keys go from one to the next",
        }
        return {
            self.map: shown,
            self.large: self._large(studio, asked),
            self.across: gr.Dropdown(axes, value=asked.across),
            self.up: gr.Dropdown(axes, value=asked.up),
            self.colour: gr.Dropdown([(say(NO_COLOUR), ""), *choices], value=asked.colour),
        }

    def face(self, state: PageState) -> FaceRecipe:
        """The one at the chosen place."""
        studio = self.shell.studio(state)
        asked = studio.map_request(state.map)
        return studio.map(asked).at(asked.x, asked.y)

    @toasts
    def go(self, state: PageState, value: Any) -> Updates:
        there = {axis: sent(value).get(axis) for axis in ("x", "y")}
        state = replace(state, map=replace(state.map, **there))  # type: ignore[arg-type]  # it checks them
        studio = self.shell.studio(state)
        return {**self.shell.said(state), self.large: self._large(studio, studio.map_request(state.map))}

    @toasts
    def order(self, state: PageState, across: str, up: str, colour: str) -> Updates:
        state = replace(state, map=replace(state.map, across=across, up=up, colour=colour))
        return {**self.shell.said(state), **self.show(state)}

    @toasts
    def bring(self, state: PageState) -> Updates:
        studio, face = self.shell.studio(state), self.face(state)
        data = picture_bytes(studio.finished(face), self.shell.recipe(state, face))
        return self.shell.bring(data, f"{file_name(studio.facts.card.word, 'map')}.png")

    def _large(self, studio: Studio, asked: MapRequest) -> dict[str, Any]:
        (picture,) = studio.pictures([studio.map(asked).at(asked.x, asked.y)])
        return {"faces": [{"file": shown_file(picture), "label": f"The {studio.facts.card.word} here"}]}
