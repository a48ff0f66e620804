"""The page: header, tabs in their order, and the wires between them."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from .session import Session
from .studio import ModelFacts, Studio
from .tabs.edit import EditTab
from .tabs.generate import GenerateTab
from .tabs.morph import MorphTab
from .turns import TurnsQueue

DAY = 24 * 60 * 60
TITLE = "VAE studio"
TAGLINE = "Draw faces that never were, melt one into another, change just what you ask."


def build(studio: Studio) -> gr.Blocks:
    """The whole page. Look and limits (theme, upload size) are given to `launch`, see `__main__`."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(DAY // 24, DAY)) as page:
        session = Session.create(studio)
        gr.HTML(_header(studio.facts), elem_id="header")
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Generate", id="generate"):
                generate = GenerateTab(studio, session)
            with gr.Tab("Morph", id="morph"):
                morph = MorphTab(studio, session)
            with gr.Tab("Edit", id="edit"):
                edit = EditTab(studio, session)
        _wire(page, tabs, session, generate, morph, edit)
    result: gr.Blocks = page.queue(api_open=False)  # no way past the queue
    result._queue = TurnsQueue.of(page)
    return result


def _wire(
    page: gr.Blocks, tabs: gr.Tabs, session: Session, generate: GenerateTab, morph: MorphTab, edit: EditTab
) -> None:
    """What goes from tab to tab, and what a first visit shows."""
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    sent: dict[str, Any] = {"show_progress": "hidden", "preprocess": False}  # requests say what is possible
    chosen = [session.faces, generate.chosen]
    generate.to_edit.click(edit.load, chosen, edit.loaded, api_name="edit_face", **sent).success(
        lambda: gr.Tabs(selected="edit"), None, tabs, **private
    )
    generate.to_tray.click(
        morph.tray_add,
        [session.tray, *chosen],
        morph.shown,
        api_name="tray_add",
        **sent,
    ).success(lambda: gr.Tabs(selected="morph"), None, tabs, **private)

    edit.to_tray.click(
        edit.add,
        [session.tray, session.face, edit.hold],
        session.tray,
        inputs_kwargs=edit.sliders,
        api_name="tray_add_edit",
        **sent,
    ).success(morph.show_last, session.tray, morph.shown, **private).success(
        lambda: gr.Tabs(selected="morph"), None, tabs, **private
    )

    # The faces to pick from are those of the grid; the browser has them already.
    generate.grid.change(None, generate.grid, morph.picker, js="(faces) => [faces]", **private)

    page.load(generate.welcome, None, generate.shown, **private)
    page.load(edit.welcome, session.face, edit.loaded, **private)
    page.load(morph.welcome, session.tray, [morph.tray, morph.position, morph.strip], **private)
    page.load(morph.make_film, *morph.filming, **private, concurrency_id="film", preprocess=False)


def _header(facts: ModelFacts) -> str:
    attributes = f"{len(facts.attributes)} attributes" if facts.attributes else "no attributes"
    chips = (
        facts.name,
        f"{facts.width} \u00d7 {facts.height} pixels",
        f"{facts.latent_dim} latent dimensions",
        attributes,
    )
    return (
        '<header class="masthead"><div class="mark" aria-hidden="true"><i></i><i></i></div>'
        f"<div><h1>{TITLE}</h1><p>{TAGLINE}</p></div>"
        f"<ul>{''.join(f'<li>{escape(chip)}</li>' for chip in chips)}</ul></header>"
    )
