"""Morph: a tray of faces in order, the way between them, and the film."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
import numpy as np

from ..files import film_file, picture_file, picture_files, upload_path
from ..render_requests import LARGEST_FILM, MOST_FRAMES, MOST_KEYFRAMES, FilmRequest, PathRequest
from ..session import Session
from ..studio import Studio
from ..toasts import toasts
from ..tray import added, check_room, chosen, moved, removed
from ..turns import check_wanted

PATH_LABELS = [("Round the sphere", "slerp"), ("Straight line", "linear")]
EASING_LABELS = [("Rest at each face", "smooth"), ("Even pace", "linear")]
LOOP_LABELS = [("Around", "around"), ("Back and forth", "boomerang"), ("Once", "once")]
FORMAT_LABELS = [("GIF", "gif"), ("WebP", "webp"), ("MP4", "mp4")]
PATH_DEFAULTS = ("slerp", "smooth", "around")


class MorphTab:
    """Widgets and wires; to be made inside its tab. `picker` shows the faces of Generate; a click adds one."""

    def __init__(self, studio: Studio, session: Session) -> None:
        self.studio, self.session = studio, session
        self._tray()
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=7, min_width=320):
                self._sources()
                self._settings()
            with gr.Column(scale=5, min_width=300, elem_classes="film"):
                self._film()
        self._wire()

    def _tray(self) -> None:
        with gr.Column(elem_classes="tray"):
            self.tray = gr.Gallery(
                label=f"Tray: 2 to {MOST_KEYFRAMES} faces, in order",
                format="png",
                columns=MOST_KEYFRAMES,
                height="auto",
                object_fit="cover",
                allow_preview=False,
                interactive=False,
                selected_index=0,
                fit_columns=False,
                buttons=[],
                elem_classes=["faces", "small"],
                elem_id="tray",
            )
            self.strip = gr.Image(
                label="The film at a glance",
                show_label=False,
                format="png",
                interactive=False,
                buttons=[],
                elem_classes=["strip", "bare"],
                elem_id="strip",
            )
            self.position = gr.Number(0, precision=0, label="Position in the tray", visible="hidden")
            with gr.Row(elem_classes=["tight", "tray-buttons"]):
                self.earlier = gr.Button("\u2190 Earlier", size="sm", min_width=80)
                self.later = gr.Button("Later \u2192", size="sm", min_width=80)
                self.remove = gr.Button("Remove", size="sm", min_width=80)
                self.clear = gr.Button("Clear", size="sm", min_width=80)

    def _sources(self) -> None:
        self.picker = gr.Gallery(
            label="Click a face to add it",
            format="png",
            columns=10,
            height="auto",
            object_fit="cover",
            allow_preview=False,
            interactive=False,
            buttons=[],
            elem_classes=["faces", "small"],
            elem_id="picker",
        )
        self.upload = gr.UploadButton(
            "Add photos of your own", file_count="multiple", file_types=["image"], size="md", elem_id="tray-upload"
        )

    def _settings(self) -> None:
        path, easing, loop = PATH_DEFAULTS
        with gr.Group():
            with gr.Row():
                self.frames = gr.Slider(
                    2, MOST_FRAMES, 48, step=1, precision=0, label="Frames", min_width=140, elem_id="frames"
                )
                self.seconds = gr.Slider(0.4, 12, 3, step=0.1, label="Seconds", min_width=140)
                self.size = gr.Slider(64, LARGEST_FILM, 256, step=32, precision=0, label="Pixels", min_width=140)
            with gr.Row():
                self.path = gr.Radio(PATH_LABELS, value=path, label="Path", min_width=200)
                self.easing = gr.Radio(EASING_LABELS, value=easing, label="Pace", min_width=200)
            with gr.Row():
                self.loop = gr.Radio(LOOP_LABELS, value=loop, label="Ending", scale=3, min_width=280)
                self.format = gr.Radio(FORMAT_LABELS, value="gif", label="Format", scale=2, min_width=200)

    def _film(self) -> None:
        self.film = gr.Image(
            label="The film",
            interactive=False,
            buttons=["fullscreen"],
            elem_classes=["face", "bare"],
            elem_id="film",
        )
        self.video = gr.Video(
            label="The film",
            interactive=False,
            autoplay=True,
            loop=True,
            buttons=[],
            elem_classes=["face", "bare"],
            elem_id="video",
        )
        self.caption = gr.Markdown(label="About the film", elem_classes="caption", elem_id="film-caption")
        with gr.Row(elem_classes="tight"):
            self.make = gr.Button("Make the film", variant="primary", min_width=130, elem_id="make-film")
            self.download = gr.DownloadButton("Download", min_width=130, elem_id="download-film")

    def _wire(self) -> None:
        quiet: dict[str, Any] = {"show_progress": "hidden"}
        private: dict[str, Any] = {"api_visibility": "private", **quiet}
        asked, shown = [self.session.tray, self.position], self.shown
        as_sent: dict[str, Any] = {"preprocess": False}  # what is possible the requests say, in sentences
        self.earlier.click(self.tray_earlier, asked, shown, api_name="tray_earlier", **quiet, **as_sent)
        self.later.click(self.tray_later, asked, shown, api_name="tray_later", **quiet, **as_sent)
        self.remove.click(self.tray_remove, asked, shown, api_name="tray_remove", **quiet, **as_sent)
        self.clear.click(self.tray_clear, None, shown, api_name="tray_clear", **quiet)
        self.upload.upload(
            self.tray_add_photos,
            [self.session.tray, self.upload],
            shown,
            api_name="tray_add_photos",
            preprocess=False,
        )
        self.picker.select(self.pick, [self.session.tray, self.session.faces], shown, **private)
        self.tray.select(self.select, None, self.position, **private)
        self.position.change(lambda position: gr.Gallery(selected_index=position), self.position, self.tray, **private)
        gr.on(
            [self.session.tray.change, self.path.input, self.easing.input, self.loop.input],
            self.glance,
            [self.session.tray, self.path, self.easing, self.loop],
            self.strip,
            api_name="strip",
            trigger_mode="always_last",
            **quiet,
            **as_sent,
        )
        self.make.click(
            self.make_film, *self.filming, api_name="film", concurrency_id="film", concurrency_limit=2, **as_sent
        )

    @property
    def shown(self) -> list[Any]:
        """Outputs of what changes the tray."""
        return [self.session.tray, self.tray, self.position]

    @property
    def filming(self) -> tuple[list[Any], list[Any]]:
        """Inputs and outputs of `make_film`."""
        settings = [self.frames, self.seconds, self.size, self.path, self.easing, self.loop, self.format]
        return [self.session.tray, *settings], [self.film, self.video, self.caption, self.download]

    # --- the tray ------------------------------------------------------------------------------------------------

    def welcome(self, tray: np.ndarray) -> tuple[Any, ...]:
        """What a first visit shows: a film through a few faces, and how it goes."""
        return *self._shown(tray, 0)[1:], self.glance(tray, *PATH_DEFAULTS)

    @toasts
    def tray_add(self, tray: np.ndarray | None, faces: np.ndarray, index: int) -> tuple[Any, ...]:
        """Put face `index` of the grid (counted from 0) at the end of the tray."""
        return self._with(tray, chosen(faces, index))

    @toasts
    def pick(self, tray: np.ndarray | None, faces: np.ndarray, event: gr.SelectData) -> tuple[Any, ...]:
        return self._with(tray, chosen(faces, event.index))

    @toasts
    def tray_add_photos(self, tray: np.ndarray | None, photos: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
        """Put the faces of uploaded pictures at the end of the tray; those that are no pictures are named."""
        if not isinstance(photos, Sequence) or isinstance(photos, str):
            raise ValueError("No pictures came; send a list of uploaded picture files.")
        check_room(tray, len(photos))
        paths, refused = self.studio.readable([upload_path(photo) for photo in photos])
        for sentence in refused:
            gr.Warning(html.escape(sentence, quote=False))
        shown = self._with(tray, self.studio.encode_all(paths))
        without = sum(not self.studio.encode(path).found for path in paths)
        if without and self.studio.facts.finds_faces:
            gr.Info(f"No face was found in {without} of {len(paths)} photos, so the middle was taken.")
        return shown

    @toasts
    def tray_remove(self, tray: np.ndarray | None, position: int) -> tuple[Any, ...]:
        """Take the face at a position (from 0) out of the tray."""
        return self._shown(removed(tray, position), position)

    @toasts
    def tray_earlier(self, tray: np.ndarray | None, position: int) -> tuple[Any, ...]:
        """Move the face at a position (from 0) one place towards the start."""
        return self._shown(*moved(tray, position, -1))

    @toasts
    def tray_later(self, tray: np.ndarray | None, position: int) -> tuple[Any, ...]:
        """Move the face at a position (from 0) one place towards the end."""
        return self._shown(*moved(tray, position, 1))

    def tray_clear(self) -> tuple[Any, ...]:
        """Empty the tray."""
        return None, [], 0

    def show_last(self, tray: np.ndarray) -> tuple[Any, ...]:
        """The tray with its last face selected."""
        return self._shown(tray, len(tray) - 1)

    def select(self, event: gr.SelectData) -> int:
        result: int = event.index
        return result

    def _with(self, tray: np.ndarray | None, latents: np.ndarray) -> tuple[Any, ...]:
        return self.show_last(added(tray, latents))

    def _shown(self, tray: np.ndarray, position: int) -> tuple[Any, ...]:
        """A tray's latents, its faces, and which of them is selected."""
        return tray, picture_files(self.studio.show(tray)), max(0, min(position, len(tray) - 1))

    # --- the film ------------------------------------------------------------------------------------------------

    @toasts
    def glance(self, tray: np.ndarray | None, path: str, easing: str, loop: str) -> str | None:
        """The film at a glance: twelve of its frames in one picture."""
        strip = self.studio.strip(tray, PathRequest(path, easing, loop))
        return None if strip is None else picture_file(strip, "strip")

    @toasts
    def make_film(
        self,
        tray: np.ndarray | None,
        frames: int,
        seconds: float,
        size: int,
        path: str,
        easing: str,
        loop: str,
        format: str,
    ) -> tuple[Any, ...]:
        """A film through the faces in the tray; the file comes last.

        size: longer side in pixels; path: "slerp" or "linear"; easing: "smooth" or "linear"; loop: "around",
        "boomerang" or "once"; format: "gif", "webp" or "mp4".
        """
        way, asked = PathRequest(path, easing, loop), FilmRequest(frames, seconds, size, format)
        data = self.studio.film(tray, way, asked, check_wanted)
        file = film_file(data, "morph", asked.format)
        picture, video = (None, file) if asked.format == "mp4" else (file, None)
        words = f"{asked.frames} frames, {asked.seconds:g} s, {asked.format.upper()}, {len(data) / 1000:,.0f} kB"
        return picture, video, words, file
