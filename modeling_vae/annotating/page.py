"""The page that asks: a picture, the answers with their keys, and how far one has come."""

from __future__ import annotations

import html
import threading
from typing import Any

import gradio as gr
from PIL import Image

from modeling_vae.model.image_processing_image_vae import to_picture

from .annotations import Annotations

LARGEST, SMALLEST = 640, 320
"""Sides of the picture that is shown."""
KEYS = """
<script>
document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key === " " ? "skip" : event.key === "Backspace" || event.key === "z" ? "undo" : event.key;
  const button = document.getElementById("key-" + key);
  if (button && !button.disabled) { event.preventDefault(); button.click(); }
});
</script>
"""
STYLE = """
.gradio-container { max-width: 46rem !important; margin: auto; }
#picture { display: flex; justify-content: center; }
#picture img { image-rendering: auto; max-height: 60vh; width: auto; margin: auto; }
"""


class Page:
    """The page on one table of answers. Who opens it twice fills in the same table."""

    def __init__(self, annotations: Annotations) -> None:
        self.annotations, self._lock = annotations, threading.Lock()

    def build(self) -> gr.Blocks:
        """The page, to be launched."""
        values = self.annotations.values
        page: gr.Blocks
        with gr.Blocks(title=f"Annotate {self.annotations.column}", analytics_enabled=False) as page:
            asked = gr.State()
            said = gr.HTML(elem_id="said")
            picture = gr.Image(
                elem_id="picture", show_label=False, interactive=False, buttons=[], format="png", type="pil"
            )
            with gr.Row():
                answers = [
                    gr.Button(f"{value} ({number})", elem_id=f"key-{number}", variant="primary")
                    for number, value in enumerate(values, 1)
                ]
            with gr.Row():
                skip = gr.Button("cannot say (space)", elem_id="key-skip")
                undo = gr.Button("undo (backspace)", elem_id="key-undo")
            shown = [asked, picture, said, *answers, skip, undo]
            quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": 1}
            page.load(self.show, None, shown, **quiet)
            for button, value in zip([*answers, skip], [*values, None], strict=True):
                button.click(self._answering(value), asked, shown, concurrency_id="answers", **quiet)
            undo.click(self._undoing, None, shown, concurrency_id="answers", **quiet)
        return page

    def show(self, name: str | None = None) -> list[Any]:
        """What the page shows: the next picture, or this one."""
        with self._lock:
            name = name or self.annotations.next
            can_undo, words = self.annotations.can_undo, self._progress(name)
        buttons = [gr.Button(interactive=name is not None)] * (len(self.annotations.values) + 1)
        return [name, None if name is None else self._picture(name), words, *buttons, gr.Button(interactive=can_undo)]

    def _answering(self, value: str | None) -> Any:
        def answer(name: str | None) -> list[Any]:
            if name is not None:
                try:
                    with self._lock:
                        self.annotations.answer(name, value)
                except OSError as error:
                    raise gr.Error(f"The answer could not be written: {error.strerror or error}") from error
            return self.show()

        return answer

    def _undoing(self) -> list[Any]:
        with self._lock:
            name = self.annotations.undo()
        return self.show(name)

    def _picture(self, name: str) -> Image.Image | None:
        try:
            picture = to_picture(self.annotations.folder / name)
        except ValueError:
            return None  # what it is called is said above it
        factor = min(LARGEST / max(picture.size), max(1.0, SMALLEST / min(picture.size)))
        size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
        return picture.resize(size, Image.Resampling.LANCZOS)

    def _progress(self, name: str | None) -> str:
        known, every = self.annotations.answers, len(self.annotations.pictures)
        done = sum(picture in known for picture in self.annotations.pictures)
        counts = ", ".join(f"{html.escape(v)} {self.annotations.counts[v]:,}" for v in self.annotations.values)
        question = f"<h2>{html.escape(self.annotations.column)}?</h2>"
        rest = "Every picture has been asked about." if name is None else f"<code>{html.escape(name)}</code>"
        bar = f'<progress max="{every}" value="{done}" style="width: 100%"></progress>'
        return f"{question}{bar}<p>{done:,} of {every:,}: {counts}</p><p>{rest}</p>"


def serve(annotations: Annotations, port: int | None = None) -> None:
    """Serve the page to this machine until it is stopped.

    Raises:
        OSError: the port is taken.
    """
    page = Page(annotations).build()
    page.launch(server_name="127.0.0.1", server_port=port, head=KEYS, css=STYLE, footer_links=[], quiet=False)
