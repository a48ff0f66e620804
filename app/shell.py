"""What all tabs share: the visitor's state, the link that says it, and the way in which files reach their disk."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from modeling_vae.browser.browser_model import FILE_NAME, SCRIPTS

from .face_recipes import FaceRecipe, taught_names
from .files import cached, file_data, shown_files, text_of
from .lessons import Given
from .page_state import PageState
from .recipe_text import recipe_text
from .render_requests import PathRequest
from .shelf import Shelf
from .studio import Studio
from .turns import FILM, SEARCH, TUNE
from .views import view

Updates = dict[Any, Any]
"""What a handler returns: components with what they show next."""
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""Of events that only the page itself has any use for; programs have `doors`."""
FILMING: dict[str, Any] = {**PRIVATE, "concurrency_id": FILM, "concurrency_limit": 2}
"""Of events that take long, so that nobody's slider waits behind them."""
WAITING = "() => ({busy: 'Waiting for a free place\u2026', share: 0, run: `waiting ${performance.now()}`})"
"""What a film's view shows from the click on: the server says nothing until a request is begun."""
SEARCHING: dict[str, Any] = {**PRIVATE, "concurrency_id": SEARCH, "concurrency_limit": 2}
TUNING: dict[str, Any] = {**PRIVATE, "concurrency_id": TUNE, "concurrency_limit": 1}
NEWEST: dict[str, Any] = {**PRIVATE, "trigger_mode": "always_last", "concurrency_limit": 4}
"""Of events that come in numbers, of which the newest counts."""


def sent(value: Any) -> dict[str, Any]:
    """What a visitor did in a view, of the value that the view has then."""
    did = value.get("sent") if isinstance(value, dict) else None
    return did if isinstance(did, dict) else {}


class Shell:
    """Components that are in every tab's reach; to be made inside `gr.Blocks`. The header shows the address."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.state = gr.State(PageState(shelf.first.facts.name))
        self.courier = view("courier", elem_id="courier")
        self.painter = view("painter", label="Painter", elem_id="painter")
        self.address = view("address", label="Link", elem_id="address", render=False)
        self._numbers = itertools.count(1)

    def studio(self, state: PageState) -> Studio:
        studio = self.shelf.studio(state.model)
        studio.lessons.known(state.lessons)
        return studio

    def said(self, state: PageState, push: bool = False) -> Updates:
        """The state, and its link; with `push` Back leads to the one before."""
        said = (state.to_json(self.given(state, state.taught_names)), state.to_json())
        link, own = (json.dumps(one, separators=(",", ":")) for one in said)
        return {self.state: state, self.address: {"link": link, "own": own, "push": push}}

    def given(self, state: PageState, names: Collection[str]) -> dict[str, Given]:
        """What was taught under these names, as a link or a file says it."""
        return self.studio(state).lessons.given(state.lessons, names) if names else {}

    def recipe(self, state: PageState, *faces: FaceRecipe, way: PathRequest | None = None) -> str:
        """How faces of this page were made, as the text of a file."""
        names = set().union(*map(taught_names, faces))
        return recipe_text(state.model, *faces, way=way, given=self.given(state, names))

    def paint(self, state: PageState) -> Updates:
        """What the page draws the model's faces with by itself, where it can be drawn so."""
        data = self.studio(state).browser_model
        if data is None:
            return {self.painter: {}}
        model, script = file_data(cached(data, FILE_NAME)), file_data(str(SCRIPTS / "painter.js"))
        return {self.painter: {"script": script, "model": model, "name": state.model}}

    def painted(self, state: PageState, painter: Any) -> PageState:
        """The state, which knows whether the page draws faces by itself: the painter says so once it is ready."""
        return replace(state, paints=sent(painter).get("ready") == state.model)

    def faces(self, state: PageState, faces: Sequence[FaceRecipe], labels: Sequence[str]) -> list[dict[str, Any]]:
        """Faces as the model draws them, for the view of that name: as latents where the page draws them."""
        studio = self.studio(state)
        if state.paints and all(studio.is_plain(face) for face in faces):
            pictures: list[dict[str, Any]] = [{"latent": text_of(studio.latent(face))} for face in faces]
        else:
            pictures = [{"file": file} for file in shown_files(studio.pictures(faces))]
        return [{**picture, "label": label} for picture, label in zip(pictures, labels, strict=True)]

    def busy(self) -> Callable[[str, float], dict[str, Any]]:
        """Of one making of a film, or of anything that takes long: words and a share to what its view shows."""
        run = next(self._numbers)
        return lambda words, share: {"busy": words, "share": share, "run": run}

    def bring(self, data: bytes, name: str) -> Updates:
        """Bytes to the visitor's disk, as a file of this name."""
        return {
            self.courier: {"file": file_data(cached(data, name), name), "name": name, "number": next(self._numbers)}
        }
