"""Views: what Gradio has no component for, each a function of its value in a file of JavaScript beside this one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

FOLDER = Path(__file__).parent
NAMES = (
    *("faces", "mixer", "stage", "desk", "become", "photo", "film", "courier", "address", "lesson", "map"),
    "painter",
)


def view(name: str, *, label: str = "", elem_id: str, render: bool = True, **options: Any) -> gr.HTML:
    """A view as a component; what it sends are the events that Gradio knows (`select`, `input`, `change`, ...).

    Its value is JSON, with files as `files.file_data` gives them.

    Args:
        name: of its file.
        label: what it is.
        elem_id, render: of the component.
        options: of the view. They are no props of the component: those Gradio 6.31 forgets at the first update.
    """
    return gr.HTML(
        {},
        label=label or name,
        html_template=f'<div class="view view-{name}"></div>',
        js_on_load=f"window.studio.views.{name}(element, props, trigger, watch, upload, {json.dumps(options)})",
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes=["studio-view"],
        render=render,
    )


def script(translations: Mapping[str, Mapping[str, str]]) -> str:
    """All views as one script for the page's head, with their words in other languages: language to sentences."""
    words = f"const studioWords = {json.dumps(translations, ensure_ascii=False)};\n".replace("</", "<\\/")
    files = [FOLDER / f"{name}.js" for name in ("studio", "queue", "cancels", *NAMES)]
    return f"<script>\n{words}" + "\n".join(file.read_text(encoding="utf-8") for file in files) + "</script>"


def stylesheets() -> list[Path]:
    return sorted(FOLDER.glob("*.css"))
