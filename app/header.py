"""The header: what this is, which model is open, and what may be done with it."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import gradio as gr

from .facts import ModelFacts
from .page_state import PageState
from .shell import Shell, Updates
from .words import say

TITLE = "VAE studio"
TAGLINE = (
    "Draw {words} that never were, melt one into another, change just what you ask. Drop a photo of yours anywhere."
)


class Header:
    """Widgets above and below the tabs; to be made inside `gr.Blocks`. The page is wired to `model`."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        facts = shell.shelf.first.facts
        with gr.Row(elem_id="top"):
            self.masthead = gr.HTML(masthead(facts), elem_id="header", padding=False)
            self.model = gr.Dropdown(
                [*shell.shelf.names],
                value=facts.name,
                allow_custom_value=True,
                label=say("Model"),
                info=say("or user/name of one on the Hub"),
                elem_id="model",
                scale=0,
                min_width=210,
            )

    def place_about(self) -> None:
        """What stands below the tabs."""
        facts = self.shell.shelf.first.facts
        with gr.Row(elem_id="bottom"):
            self.rights = gr.HTML(rights(facts), elem_id="rights", padding=False)
            self.shell.address.render()  # type: ignore[no-untyped-call]
        with gr.Accordion(say("The model's card"), open=False, elem_id="card"):
            self.card = gr.Markdown(card_text(facts))

    @property
    def outputs(self) -> list[Any]:
        return [self.masthead, self.model, self.rights, self.card]

    def show(self, state: PageState) -> Updates:
        facts = self.shell.studio(state).facts
        return {
            self.masthead: masthead(facts),
            self.model: state.model,
            self.rights: rights(facts),
            self.card: card_text(facts),
        }


def masthead(facts: ModelFacts) -> str:
    """Faces are shown in the model's own proportions, which the stylesheet reads off here."""
    return (
        f"<style>:root {{ --face-aspect: {facts.width} / {facts.height}; }}</style>"
        '<header class="masthead"><div class="mark" aria-hidden="true"><i></i><i></i></div>'
        f"<div><h1>{TITLE}</h1><p>{escape(TAGLINE.format(words=facts.card.words))}</p></div></header>"
    )


def rights(facts: ModelFacts) -> str:
    """Licence, credit and card of the model, in one line."""
    card = facts.card
    licence = escape(card.licence.replace("-", " ")) if card.licence else "no licence named"
    if card.link.startswith(("https://", "http://")):
        licence = f'<a href="{escape(card.link)}" target="_blank" rel="noopener">{licence}</a>'
    name = escape(facts.name)
    if card.address:
        name = f'<a href="{escape(card.address)}" target="_blank" rel="noopener">{name}</a>'
    attributes = f"{len(facts.attributes)} attributes" if facts.attributes else "no attributes"
    size = (
        f"{facts.width} \u00d7 {facts.height} pixels, {facts.latent_dim} numbers a {escape(card.word)}, {attributes}"
    )
    return f"<p><b>{name}</b>: {size}. Licence: {licence}. Its card is below.</p>"


def card_text(facts: ModelFacts) -> str:
    """The card without pictures, which lie beside it, and without its comments."""
    text = re.sub(r"<!--.*?-->", "", facts.card.text, flags=re.DOTALL)
    text = re.sub(r"^!\[.*?\]\(.*?\)\s*$", "", text, flags=re.MULTILINE)
    return text.strip() or "This model came without a card."
