"""The page is built for whatever model there is."""

import gradio as gr
import httpx
import pytest
from gradio import networking
from patience import PATIENCE

from app.facts import ModelCard, ModelFacts
from app.header import card_text, licence_words, masthead, rights
from app.layout import build
from app.page_state import PageState
from app.theme import FAVICON, STYLESHEET, appearance
from app.views import script, stylesheets
from app.words import translations


def facts(**values) -> ModelFacts:
    return ModelFacts("x", 32, 48, 4, False, (), **values)


def test_the_doors_of_the_page(studio):
    page = build(studio)
    tabs = [block.id for block in page.blocks.values() if type(block) is gr.Tab]
    assert tabs == ["photo", "generate", "edit", "morph", "mix", "map", "teach"]


def test_a_page_of_a_model_without_attributes(bare_studio):
    assert build(bare_studio).blocks


def test_a_session_keeps_recipes_and_no_model(studio):
    kept = [block.value for block in build(studio).blocks.values() if isinstance(block, gr.State)]
    assert kept == [PageState("tiny")]


def test_pictures_have_the_models_proportions():
    assert "--face-aspect: 48 / 32" in masthead(facts())


def test_words_are_the_models_own():
    cats = facts(card=ModelCard(word="cat"))
    assert "Make cats that never were" in masthead(cats) and "4 numbers for each" in rights(cats)
    assert ModelCard(word="pony").words == "ponies"


def test_licence_and_card_are_on_the_page_and_nobodys_markup():
    card = ModelCard(
        licence="my-<b>licence", link="https://example.org/l", text="<!-- x -->\n# Card\n![p](media/p.webp)\nText"
    )
    said = rights(facts(card=card))
    assert "my &lt;b&gt;licence" in said and 'href="https://example.org/l"' in said
    assert "javascript" not in rights(facts(card=ModelCard(licence="x", link="javascript:alert(1)")))
    assert card_text(facts(card=card)).split() == ["#", "Card", "Text"]
    words = "# Card\n## Pictures\n![p](media/p.webp)\n\nSamples.\n## Use\nText"
    assert card_text(facts(card=ModelCard(text=words))).split() == ["#", "Card", "##", "Use", "Text"]
    assert "without a card" in card_text(facts()) and "no licence named" in rights(facts())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cc-by-nc-4.0", "CC BY-NC 4.0"),
        ("cc0-1.0", "CC0 1.0"),
        ("celeba-non-commercial-research", "celeba non commercial research"),
        ("apache-2.0", "apache 2.0"),
    ],
)
def test_licences_have_their_names(name, words):
    assert licence_words(name) == words


@pytest.mark.parametrize(
    "text", [*(file.read_text() for file in (STYLESHEET, FAVICON, *stylesheets())), script(translations())]
)
def test_nothing_is_fetched_from_elsewhere(text):
    text = text.replace("http://www.w3.org/2000/svg", "")  # the name of a format, not an address
    assert "http" not in text and "url(//" not in text


def test_a_page_that_answers_late_is_opened(studio, monkeypatch):
    """On a busy machine Gradio takes it for one that nobody can reach."""
    monkeypatch.setattr(networking, "url_ok", lambda url: False)
    page = build(studio)
    try:
        _, url, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **appearance(studio))
        assert httpx.get(url, timeout=PATIENCE).is_success
    finally:
        page.close()


def test_gradio_is_as_it_was_for_others(studio):
    asked = networking.url_ok
    build(studio)
    assert networking.url_ok is asked and asked.__module__ == "gradio.networking"
