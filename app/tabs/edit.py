"""Edit: one slider per attribute, and the picture follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
import numpy as np

from ..files import film_file, picture_file, upload_path
from ..readings import readings_html
from ..render_requests import LARGEST_STRENGTH, LARGEST_ZOOM, CropRequest, EditRequest, FilmRequest
from ..session import Session
from ..studio import MOST_SHOWN, EditedFace, Photo, Studio
from ..toasts import toasts
from ..tray import added, chosen
from ..turns import check_wanted

FILM = FilmRequest(frames=32, seconds=1.6, size=256, format="gif")
HELP = (
    "Move a slider and the picture follows. A change of 1 is one standard deviation over all faces the model was "
    "trained on; 0 is the face as it is. The rings show how the model reads that face, the dots how it reads the "
    "edited one. What is held keeps its reading while you move other things."
)
BEST_FIRST = f"The {MOST_SHOWN} attributes that the model reads best come first."


class EditTab:
    """Widgets and wires; to be made inside its tab."""

    def __init__(self, studio: Studio, session: Session) -> None:
        self.studio, self.session = studio, session
        self.attributes = studio.facts.attributes
        self.many = len(self.attributes) > MOST_SHOWN
        with gr.Row(elem_classes=["split", "edit"]):
            with gr.Column(scale=4, min_width=300, elem_classes="edit-left"):
                self._pictures()
                self._crop()
                self._actions()
            with gr.Column(scale=7, min_width=320):
                self._desk()
                gr.Markdown(f"{HELP} {BEST_FIRST}" if self.many else HELP, elem_classes="edit-help")
        self._wire()

    def _pictures(self) -> None:
        with gr.Column(elem_classes="edit-pictures"):
            self.edited = gr.Image(
                label="Edited",
                format="png",
                interactive=False,
                buttons=[],
                elem_classes=["face", "bare", "edited"],
                elem_id="edited",
            )
            self.photo = gr.Image(
                label="Your photo",
                type="filepath",
                sources=["upload"],
                buttons=[],
                placeholder="Drop a photo",
                elem_classes=["face", "bare", "photo"],
                elem_id="photo",
            )
            self.reconstruction = gr.Image(
                label="Reconstruction",
                format="png",
                interactive=False,
                buttons=[],
                elem_classes=["face", "bare", "reconstruction"],
                elem_id="reconstruction",
            )

    def _crop(self) -> None:
        """Shown while there is a photo: the model knows faces that fill the frame."""
        with gr.Column(elem_classes="edit-crop"):
            self.note = gr.Markdown(label="About the crop", elem_classes="edit-help", elem_id="crop-note")
            self.find = gr.Checkbox(
                True,
                label="Find the face",
                container=False,
                visible=self.studio.facts.finds_faces,
                elem_id="find-face",
            )
            with gr.Group(), gr.Row():
                self.crop = [
                    gr.Slider(1, LARGEST_ZOOM, 1, step=0.05, label="Zoom", min_width=90, elem_id="zoom"),
                    gr.Slider(-1, 1, 0, step=0.01, label="Across", min_width=90, elem_id="across"),
                    gr.Slider(-1, 1, 0, step=0.01, label="Down", min_width=90, elem_id="down"),
                ]

    def _actions(self) -> None:
        with gr.Column(elem_classes="edit-actions"):
            with gr.Row(elem_classes="tight"):
                self.reset = gr.Button("Reset", size="md", min_width=90, elem_id="reset")
                self.to_tray = gr.Button("Add to morph", size="md", min_width=110, elem_id="edit-to-tray")
            with gr.Row(elem_classes="tight"):
                self.download = gr.DownloadButton("Download PNG", size="md", min_width=110, elem_id="download-edit")
                self.make = gr.Button("GIF of this edit", size="md", min_width=110, elem_id="make-sweep")
            self.film = gr.Image(
                label="From the face as it is to the edited one",
                interactive=False,
                buttons=[],
                elem_classes=["face", "bare"],
                elem_id="sweep",
            )
            self.download_film = gr.DownloadButton("Download GIF", size="md", elem_id="download-sweep")

    def _desk(self) -> None:
        """Three columns of equal rows: what is held, the sliders, and what the model reads. Of many a few at first."""
        if not self.attributes:
            gr.Markdown("This model has no attribute directions, so there is nothing to move here.")
        self.desk = gr.Row(elem_classes=["desk", "few"], visible=bool(self.attributes))
        with self.desk:
            with gr.Column(min_width=0, elem_classes="desk-hold"):
                self.hold = gr.CheckboxGroup(
                    [(f"Hold {a.label}", a.name) for a in self.attributes], label="Hold", elem_id="hold"
                )
            with gr.Column(min_width=0, elem_classes="desk-sliders"):
                gr.HTML("<p class='desk-head'>Change</p>")
                self.sliders: dict[str, Any] = {
                    a.parameter: gr.Slider(
                        -LARGEST_STRENGTH,
                        LARGEST_STRENGTH,
                        0,
                        step=0.05,
                        label=a.label,
                        elem_id=f"slider-{number}",
                        elem_classes="desk-slider",
                    )
                    for number, a in enumerate(self.attributes)
                }
            with gr.Column(min_width=0, elem_classes="desk-readings"):
                self.readings = gr.HTML(label="Readings", elem_id="readings")
        self.more = gr.Button(
            f"Show all {len(self.attributes)} attributes", size="md", visible=self.many, elem_id="more-attributes"
        )

    def _wire(self) -> None:
        quiet: dict[str, Any] = {"show_progress": "hidden", "preprocess": False}
        sliders = list(self.sliders.values())
        asked = [self.session.face, self.hold]
        shown = self.shown
        gr.on(
            [*(slider.input for slider in sliders), self.hold.input],
            self.edit,
            asked,
            shown,
            inputs_kwargs=self.sliders,
            api_name="edit",
            trigger_mode="always_last",
            concurrency_limit=4,
            **quiet,
        )
        gr.on(
            [slider.input for slider in self.crop],
            self.recrop,
            [self.session.photo, *self.crop, self.hold],
            [*self.recropped, self.find],
            inputs_kwargs=self.sliders,
            api_name="edit_crop",
            trigger_mode="always_last",
            concurrency_limit=4,
            **quiet,
        )
        self.find.input(
            self.find_face,
            [self.session.photo, self.find, *self.crop, self.hold],
            self.recropped,
            inputs_kwargs=self.sliders,
            api_name="edit_find",
            trigger_mode="always_last",
            concurrency_limit=4,
            **quiet,
        )
        self.photo.upload(self.upload, self.photo, self.uploaded, api_name="edit_photo", **quiet).failure(
            lambda: None, None, self.photo, api_visibility="private", **quiet
        )
        # There is no way back: what is moved or held must stay in sight.
        self.more.click(
            lambda: (gr.Row(elem_classes=["desk"]), gr.Button(visible=False)),
            None,
            [self.desk, self.more],
            api_visibility="private",
            **quiet,
        )
        self.reset.click(self.as_it_is, self.session.face, [*shown, *sliders], api_name="edit_reset", **quiet)
        self.make.click(
            self.make_film,
            asked,
            [self.film, self.download_film],
            inputs_kwargs=self.sliders,
            api_name="edit_film",
            concurrency_id="film",
            concurrency_limit=2,
            preprocess=False,
        )

    @property
    def shown(self) -> list[Any]:
        """Outputs of an edit."""
        return [self.edited, self.download, self.readings]

    @property
    def loaded(self) -> list[Any]:
        """Outputs of what loads a face."""
        return [self.session.face, self.photo, self.reconstruction, *self.shown, *self.sliders.values()]

    @property
    def uploaded(self) -> list[Any]:
        """Outputs of what loads a photo."""
        return [*self.loaded, self.session.photo, *self.crop, self.note, self.find]

    @property
    def recropped(self) -> list[Any]:
        """Outputs of what takes another part of the loaded photo."""
        return [self.session.face, self.photo, self.reconstruction, *self.shown, self.note]

    def welcome(self, face: np.ndarray) -> tuple[Any, ...]:
        """What a first visit shows."""
        return self._loaded(face, None)

    @toasts
    def upload(self, photo: Mapping[str, Any]) -> tuple[Any, ...]:
        """Load a picture file: the face that is found in it, or else its middle; all sliders go back to 0."""
        path, whole = upload_path(photo), CropRequest()
        encoded = self.studio.encode(path)
        loaded = self._loaded(encoded.latent, encoded)
        return *loaded, path, whole.zoom, whole.across, whole.down, encoded.note, encoded.found

    @toasts
    def recrop(
        self, photo: str | None, zoom: float, across: float, down: float, hold: Sequence[str], /, **changes: float
    ) -> tuple[Any, ...]:
        """Take another part of the loaded photo: zoom 1 to 8; across and down from -1 (left, top) to 1. Edit it."""
        encoded = self.studio.encode(photo, CropRequest(zoom, across, down))
        return *self._recropped(encoded, hold, changes), False

    @toasts
    def find_face(
        self,
        photo: str | None,
        find: bool,
        zoom: float,
        across: float,
        down: float,
        hold: Sequence[str],
        /,
        **changes: float,
    ) -> tuple[Any, ...]:
        """Take the face that is found in the loaded photo, or (find=False) the part that the sliders say. Edit it."""
        if not isinstance(find, bool):
            raise ValueError(f"find is {find!r:.40}; send true or false.")
        encoded = self.studio.encode(photo, None if find else CropRequest(zoom, across, down))
        return self._recropped(encoded, hold, changes)

    @toasts
    def load(self, faces: np.ndarray | None, index: int) -> tuple[Any, ...]:
        """Load face `index` of the grid (counted from 0); all sliders go back to 0."""
        return self._loaded(chosen(faces, index)[0], None)

    @toasts
    def edit(self, latent: np.ndarray | None, hold: Sequence[str], /, **changes: float) -> tuple[Any, ...]:
        """The loaded face, edited: changes in standard deviations from -3 to 3; attributes to hold by their names."""
        return self._shown(self.studio.edit(latent, self._request(hold, changes)))

    @toasts
    def as_it_is(self, latent: np.ndarray | None) -> tuple[Any, ...]:
        """The loaded face with all sliders at 0."""
        return *self._shown(self.studio.edit(latent, EditRequest())), *(0 for _ in self.sliders)

    @toasts
    def add(
        self, tray: np.ndarray | None, latent: np.ndarray | None, hold: Sequence[str], /, **changes: float
    ) -> np.ndarray:
        """Put the edited face at the end of the tray of faces to morph."""
        return added(tray, self.studio.edited(latent, self._request(hold, changes)))

    @toasts
    def make_film(self, latent: np.ndarray | None, hold: Sequence[str], /, **changes: float) -> tuple[Any, ...]:
        """A GIF back and forth between the loaded face as it is and edited."""
        data = self.studio.sweep(latent, self._request(hold, changes), FILM, check_wanted)
        file = film_file(data, "edit", FILM.format)
        return file, file

    def _request(self, hold: Sequence[str], changes: Mapping[str, float]) -> EditRequest:
        names = {a.parameter: a.name for a in self.attributes}
        return EditRequest({names[parameter]: change for parameter, change in changes.items()}, hold)

    def _loaded(self, latent: np.ndarray, photo: Photo | None) -> tuple[Any, ...]:
        picture, *rest = self.as_it_is(latent)
        return latent, photo and picture_file(photo.crop, "photo"), picture, picture, *rest

    def _recropped(self, photo: Photo, hold: Sequence[str], changes: Mapping[str, float]) -> tuple[Any, ...]:
        as_it_is = self.studio.edit(photo.latent, EditRequest()).picture
        pictures = picture_file(photo.crop, "photo"), picture_file(as_it_is, "edited")
        return photo.latent, *pictures, *self.edit(photo.latent, hold, **changes), photo.note

    def _shown(self, face: EditedFace) -> tuple[Any, ...]:
        file = picture_file(face.picture, "edited")
        return file, file, readings_html(face.readings)
