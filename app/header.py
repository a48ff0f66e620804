"""The header: what this is, which model is open, and what may be done with it."""

from __future__ import annotations

import re
from html import escape
from typing import Any

import gradio as gr

from .facts import ModelFacts
from .files import cached, file_data, file_name
from .page_state import PageState
from .shell import PRIVATE, Shell, Updates
from .views import view
from .words import Words, say

TITLE = "VAE studio"
TAGLINE = (
    "Make {words} that never were, melt one into another, change just what you ask. Drop a photo of yours anywhere."
)
TRAINING = "The same samples, from the first step to the last; the steps are spaced as their logarithms."
PICTURE = re.compile(r"^!\[.*?\]\(.*?\)\s*$", re.MULTILINE)
NUMBERS = "{size} pixels, {count} numbers for each, {attributes}. Licence: {licence}. Its card is below."


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
        has_film = facts.film is not None
        with gr.Accordion(
            say("Its training as a film"), open=False, visible=has_film, elem_id="training"
        ) as self.training:
            self.film = view("film", label="The training", elem_id="training-film")
        self.training.expand(self.bring_film, self.shell.state, self.film, **PRIVATE)

    @property
    def outputs(self) -> list[Any]:
        return [self.masthead, self.model, self.rights, self.card, self.training, self.film]

    def show(self, state: PageState) -> Updates:
        facts = self.shell.studio(state).facts
        return {
            self.masthead: masthead(facts),
            self.model: state.model,
            self.rights: rights(facts),
            self.card: card_text(facts),
            self.training: gr.Accordion(open=False, visible=facts.film is not None),
            self.film: {},
        }

    def bring_film(self, state: PageState) -> Updates:
        """The film of the training, which nobody has to fetch who does not open it."""
        facts = self.shell.studio(state).facts
        if facts.film is None:
            return {self.film: {}}
        name = file_name(facts.name, "training") + facts.film.suffix
        shown = {
            "file": file_data(cached(facts.film.read_bytes(), name), name),
            "name": name,
            "words": TRAINING,
            "kind": facts.film.suffix[1:].upper(),
            "video": facts.film.suffix == ".mp4",
        }
        return {self.film: shown}


def masthead(facts: ModelFacts) -> str:
    """Faces are shown in the model's own proportions, which the stylesheet reads off here."""
    tagline = Words.here()(TAGLINE, words=facts.card.words)
    return (
        f"<style>:root {{ --face-aspect: {facts.width} / {facts.height}; }}</style>"
        '<header class="masthead"><div class="mark" aria-hidden="true"><i></i><i></i></div>'
        f"<div><h1>{TITLE}</h1><p>{escape(tagline)}</p></div></header>"
    )


def rights(facts: ModelFacts) -> str:
    """Licence, credit and card of the model, in one line."""
    card, words = facts.card, Words.here()
    licence = escape(licence_words(card.licence)) if card.licence else words("no licence named")
    if card.link.startswith(("https://", "http://")):
        licence = f'<a href="{escape(card.link)}" target="_blank" rel="noopener">{licence}</a>'
    name = escape(facts.name)
    if card.address:
        name = f'<a href="{escape(card.address)}" target="_blank" rel="noopener">{name}</a>'
    count = len(facts.attributes)
    numbers = words(
        NUMBERS,
        size=f"{facts.width} \u00d7 {facts.height}",
        count=str(facts.latent_dim),
        attributes=words("{count} attributes", count=str(count)) if count else "no attributes",
        licence=licence,
    )
    return f"<p><b>{name}</b>: {numbers}</p>"


def licence_words(name: str) -> str:
    """ "cc-by-nc-4.0", as the Hub writes it, is "CC BY-NC 4.0"."""
    if found := re.fullmatch(r"cc(0?)((?:-[a-z]+)*)-([\d.]+)", name):
        zero, kind, version = found.groups()
        return " ".join(filter(None, (f"CC{zero}", kind.removeprefix("-").upper(), version)))
    return name.replace("-", " ")


def card_text(facts: ModelFacts) -> str:
    """The card without its comments, and without pictures, which lie beside it, and sections that are about them."""
    text = re.sub(r"<!--.*?-->", "", facts.card.text, flags=re.DOTALL)
    beginning, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    kept = [PICTURE.sub("", beginning), *(section for section in sections if not PICTURE.search(section))]
    return "".join(kept).strip() or Words.here()("This model came without a card.")
