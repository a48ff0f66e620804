"""The page: header, tabs in their order, and the wires between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from modeling_vae.browser.browser_model import SCRIPTS

from .doors import Doors
from .face_recipes import FaceRecipe
from .header import Header
from .page_state import PageState, parsed
from .shelf import Shelf
from .shell import PRIVATE, Shell, Updates, sent
from .studio import Studio
from .tabs.edit import EditTab
from .tabs.face_map import MapTab
from .tabs.generate import GenerateTab
from .tabs.mix import MixTab
from .tabs.morph import MorphTab
from .tabs.photo import PhotoTab
from .tabs.teach import TeachTab
from .toasts import toasts
from .tools import serve_tools
from .turns import TurnsQueue
from .words import Words, say

DAY = 24 * 60 * 60
TITLE = "VAE studio"
FIRST_TAB = "generate"


def build(studio: Studio, folders: Mapping[str, Path] | None = None, any_folder: bool = False) -> gr.Blocks:
    """The whole page. Look and limits (theme, upload size) are given to `launch`, see `__main__`.

    Args:
        studio: of the model to open with.
        folders: of other models on offer, by name.
        any_folder: whether a visitor may name other folders of this machine.
    """
    gr.set_static_paths([SCRIPTS])
    serve_tools()
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(DAY // 24, DAY)) as page:
        shelf = Shelf(studio, folders, any_folder)
        Doors(shelf)
        Page(page, Shell(shelf))
    result: gr.Blocks = page.queue(api_open=False)  # no way past the queue
    result._queue = TurnsQueue.of(page)
    return result


Tab = PhotoTab | GenerateTab | EditTab | MorphTab | MixTab | MapTab | TeachTab


class Page:
    """All tabs, and what goes from tab to tab."""

    def __init__(self, page: gr.Blocks, shell: Shell) -> None:
        self.shell = shell
        self.header = Header(shell)
        self.asked = gr.Textbox(visible=False)
        with gr.Tabs(elem_id="tabs", selected=FIRST_TAB, overflow_behavior="wrap") as self.tabs:
            with gr.Tab(say("Your photo"), id="photo") as photo_tab:
                self.photo = PhotoTab(shell)
            with gr.Tab(say(f"New {shell.shelf.first.facts.card.words}"), id="generate") as self.generate_tab:
                self.generate = GenerateTab(shell)
            with gr.Tab(say("Edit"), id="edit") as edit_tab:
                self.edit = EditTab(shell)
            with gr.Tab(say("Morph"), id="morph") as morph_tab:
                self.morph = MorphTab(shell)
            with gr.Tab(say("Mix"), id="mix") as mix_tab:
                self.mix = MixTab(shell)
            with gr.Tab(say("Map"), id="map") as map_tab:
                self.map = MapTab(shell)
            with gr.Tab(say("Teach"), id="teach") as teach_tab:
                self.teach = TeachTab(shell)
        self.header.place_about()
        self.by_name: dict[str, Tab] = {
            "photo": self.photo,
            "generate": self.generate,
            "edit": self.edit,
            "morph": self.morph,
            "mix": self.mix,
            "map": self.map,
            "teach": self.teach,
        }
        places = {
            "photo": photo_tab,
            "generate": self.generate_tab,
            "edit": edit_tab,
            "morph": morph_tab,
            "mix": mix_tab,
            "map": map_tab,
            "teach": teach_tab,
        }
        self._wire(page, places)

    def _wire(self, page: gr.Blocks, places: Mapping[str, gr.Tab]) -> None:
        shell, state = self.shell, self.shell.state
        everything = self._everything()
        page.load(self.open, self.asked, everything, js="() => [window.studio.address()]", **PRIVATE)
        shell.address.submit(self.reopen, shell.address, everything, **PRIVATE)
        self.header.model.input(self.switch, [state, self.header.model], everything, concurrency_limit=1, **PRIVATE)
        for name, place in places.items():
            tab = self.by_name[name]
            place.select(self._select(name), [state, shell.painter], [state, shell.address, *tab.outputs], **PRIVATE)
        to_edit = [state, shell.address, *self.edit.outputs, self.tabs]
        self.generate.to_edit.click(self.edit_new, state, to_edit, **PRIVATE)
        self.photo.to_edit.click(self.edit_photo, state, to_edit, **PRIVATE)
        self.mix.to_edit.click(self.edit_mixed, state, to_edit, **PRIVATE)
        self.teach.to_edit.click(self.edit_taught, state, to_edit, **PRIVATE)
        self.map.to_edit.click(self.edit_mapped, state, to_edit, **PRIVATE)
        to_mix = [state, shell.address, *self.mix.outputs, self.tabs]
        self.map.to_mix.click(self.mix_mapped, state, to_mix, **PRIVATE)
        to_morph = [state, shell.address, *self.morph.outputs, self.tabs]
        self.generate.to_morph.click(self.morph_new, state, to_morph, **PRIVATE)
        self.photo.to_morph.click(self.morph_photo, state, to_morph, **PRIVATE)
        self.mix.to_morph.click(self.morph_mixed, state, to_morph, **PRIVATE)
        self.map.to_morph.click(self.morph_mapped, state, to_morph, **PRIVATE)
        self.edit.to_morph.click(self.morph_edited, state, to_morph, **PRIVATE)

    def _everything(self) -> list[Any]:
        parts = [part for tab in self.by_name.values() for part in tab.outputs]
        return [
            self.shell.state,
            self.shell.address,
            self.tabs,
            self.generate_tab,
            self.shell.painter,
            *self.header.outputs,
            *parts,
        ]

    # --- a state is opened ---------------------------------------------------------------------------------------

    def open(self, text: str) -> Updates:
        """What a visit shows: the state of its link, or a beginning."""
        state = PageState(self.shell.shelf.first.facts.name)
        if text:
            try:
                return self._opened(parsed(text))
            except ValueError as error:
                gr.Warning(Words.here().finished(str(error)).replace("<", "&lt;"))
        return self._opened(state)

    def reopen(self, value: Any) -> Updates:
        """The state of another link in the same visit."""
        shown = self.open(str(sent(value).get("link", "")))
        return {**shown, self.tabs: gr.Tabs(selected=shown[self.shell.state].tab)}

    @toasts
    def switch(self, state: PageState, model: str) -> Updates:
        """Another model, from its beginning; a photo goes along.

        Gradio 6.31 says each choice twice, one after the other; the second must not undo what was done in between.
        """
        if model == state.model:
            same: Updates = gr.skip()
            return same
        tab = state.tab if state.photo is not None or state.tab != "photo" else "generate"
        return self._opened(replace(PageState(model), tab=tab), push=True)

    def _opened(self, state: PageState, push: bool = False) -> Updates:
        state, facts = replace(state, opened=True), self.shell.studio(state).facts
        return {
            **self.shell.said(state, push),
            **self.header.show(state),
            **self.shell.paint(state),
            # a visitor may have gone to another tab before the first one was there
            **({self.tabs: gr.Tabs(selected=state.tab)} if state.tab != FIRST_TAB or push else {}),
            self.generate_tab: gr.Tab(say(f"New {facts.card.words}")),
            **self.by_name[state.tab].show(state),
        }

    def _select(self, name: str) -> Any:
        @toasts
        def select(state: PageState, painter: Any) -> Updates:
            if not state.opened:
                skipped: Updates = gr.skip()
                return skipped
            opened = replace(self.shell.painted(state, painter), tab=name)
            return {**self.shell.said(opened, push=state.tab != name), **self.by_name[name].show(opened)}

        return select

    # --- from tab to tab -----------------------------------------------------------------------------------------

    @toasts
    def edit_new(self, state: PageState) -> Updates:
        return self._edit(state, self.generate.face(state))

    @toasts
    def edit_photo(self, state: PageState) -> Updates:
        return self._edit(state, self._photo(state))

    @toasts
    def edit_mixed(self, state: PageState) -> Updates:
        return self._edit(state, self.mix.face(state))

    @toasts
    def edit_mapped(self, state: PageState) -> Updates:
        return self._edit(state, self.map.face(state))

    @toasts
    def mix_mapped(self, state: PageState) -> Updates:
        state = replace(self.mix.with_face(state, self.map.face(state)), tab="mix")
        return {**self.shell.said(state, push=True), **self.mix.show(state), self.tabs: gr.Tabs(selected="mix")}

    @toasts
    def morph_mapped(self, state: PageState) -> Updates:
        return self._morph(state, self.map.face(state))

    @toasts
    def edit_taught(self, state: PageState) -> Updates:
        """The face that is edited already, with the new slider."""
        return self._edit(state, state.face)

    def _edit(self, state: PageState, face: FaceRecipe) -> Updates:
        state = replace(state.with_face(face), tab="edit")
        return {**self.shell.said(state, push=True), **self.edit.show(state), self.tabs: gr.Tabs(selected="edit")}

    @toasts
    def morph_new(self, state: PageState) -> Updates:
        return self._morph(state, self.generate.face(state))

    @toasts
    def morph_photo(self, state: PageState) -> Updates:
        return self._morph(state, replace(self._photo(state), keep_photo=False))

    @toasts
    def morph_edited(self, state: PageState) -> Updates:
        return self._morph(state, replace(state.face, keep_photo=False))

    @toasts
    def morph_mixed(self, state: PageState) -> Updates:
        return self._morph(state, self.mix.face(state))

    def _morph(self, state: PageState, face: FaceRecipe) -> Updates:
        state = self.morph.with_face(state, face)
        return {**self.shell.said(state, push=True), **self.morph.show(state), self.tabs: gr.Tabs(selected="morph")}

    def _photo(self, state: PageState) -> FaceRecipe:
        if state.photo is None:
            raise ValueError("There is no photo yet; choose one first.")
        return FaceRecipe(state.photo, keep_photo=True)
