"""Generate: a grid of new faces from a seed; one of them goes on to the other tabs."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from ..files import picture_file, picture_files
from ..render_requests import LARGEST_SEED, GenerateRequest
from ..session import Session
from ..studio import Faces, Studio
from ..toasts import toasts
from ..tray import chosen

UNFITTED = (
    "This model has no prior fitted to its data, so new faces are drawn from the textbook N(0, I). Expect rough ones."
)


class GenerateTab:
    """Widgets and wires; to be made inside its tab. Other tabs are wired to `chosen`, `to_edit` and `to_tray`."""

    def __init__(self, studio: Studio, session: Session) -> None:
        self.studio, self.session = studio, session
        with gr.Row(elem_classes="split", elem_id="generate-split"):
            with gr.Column(scale=7, min_width=320):
                self.grid = gr.Gallery(
                    label="New faces",
                    format="png",
                    columns=5,
                    height="auto",
                    object_fit="cover",
                    allow_preview=False,
                    interactive=False,
                    selected_index=0,
                    buttons=[],
                    elem_classes=["faces", "bare"],
                    elem_id="grid",
                )
            with gr.Column(scale=3, min_width=300):
                self._chosen_face()
                self._controls()
        self._wire()

    def _chosen_face(self) -> None:
        with gr.Column(elem_classes="chosen"):
            self.large = gr.Image(
                label="Chosen face",
                format="png",
                interactive=False,
                buttons=["download", "fullscreen"],
                elem_classes=["face", "bare"],
                elem_id="chosen-face",
            )
            self.chosen = gr.Number(0, precision=0, label="Number of the chosen face", visible="hidden")
            with gr.Row(elem_classes="tight"):
                self.to_edit = gr.Button("Edit this face", variant="secondary", min_width=100)
                self.to_tray = gr.Button("Add to morph", variant="secondary", min_width=100)

    def _controls(self) -> None:
        self.new = gr.Button("New faces", variant="primary", elem_id="new-faces")
        with gr.Group():
            self.seed = gr.Number(
                self.studio.welcome_request.seed,
                precision=0,
                minimum=0,
                maximum=LARGEST_SEED,
                label="Seed",
                info="The same seed gives the same faces, today and tomorrow.",
                elem_id="seed",
            )
            self.truncation = gr.Slider(
                0,
                1.5,
                self.studio.welcome_request.truncation,
                step=0.05,
                label="Truncation",
                info="Low is typical, high is strange.",
                elem_id="truncation",
            )
        if not self.studio.facts.draws_fitted:
            gr.Markdown(UNFITTED, elem_classes="caption")

    def _wire(self) -> None:
        settings = [self.seed, self.truncation]
        shown = self.shown
        gr.on(
            [self.seed.submit, self.seed.blur, self.truncation.release],
            self.generate,
            settings,
            shown,
            api_name="generate",
            trigger_mode="always_last",
            show_progress="hidden",
            preprocess=False,  # what is possible the requests say, in sentences
        )
        self.new.click(
            self.new_faces,
            [self.truncation],
            [self.seed, *shown],
            api_name="new_faces",
            show_progress_on=[self.grid],
            preprocess=False,
        )
        self.grid.select(
            self.choose,
            [self.session.faces],
            [self.large, self.chosen],
            api_visibility="private",
            show_progress="hidden",
        )

        self.chosen.change(
            lambda index: gr.Gallery(selected_index=index),
            self.chosen,
            self.grid,
            api_visibility="private",
            show_progress="hidden",
        )

    @property
    def shown(self) -> list[Any]:
        """Outputs of `generate`."""
        return [self.grid, self.session.faces, self.large, self.chosen]

    def welcome(self) -> tuple[Any, ...]:
        """What a first visit shows."""
        return self._shown(self.studio.welcome())

    @toasts
    def generate(self, seed: int, truncation: float) -> tuple[Any, ...]:
        """The faces of a seed. truncation: 0 to 1.5."""
        return self._shown(self.studio.generate(GenerateRequest(seed, truncation=truncation)))

    @toasts
    def new_faces(self, truncation: float) -> tuple[Any, ...]:
        """Faces of a new seed; the seed comes first."""
        seed = self.studio.new_seed()
        return seed, *self.generate(seed, truncation)

    def _shown(self, faces: Faces) -> tuple[Any, ...]:
        files = picture_files(faces.pictures)
        return files, faces.latents, files[0], 0

    @toasts
    def choose(self, faces: np.ndarray, event: gr.SelectData) -> tuple[str, int]:
        return picture_file(self.studio.show(chosen(faces, event.index))[0]), event.index
