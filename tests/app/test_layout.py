"""The page is built for whatever model there is."""

import gradio as gr
import pytest

from app.layout import build
from app.studio import Attribute, ModelFacts
from app.theme import FAVICON, STYLESHEET, appearance


def labels(page: gr.Blocks, kind: type) -> list[str]:
    return [block.label for block in page.blocks.values() if type(block) is kind]


def test_one_slider_for_each_attribute(studio):
    page = build(studio)
    assert labels(page, gr.Tab) == ["Generate", "Morph", "Edit"]
    sliders = labels(page, gr.Slider)
    assert sliders[-5:] == ["Smiling", "Coat: black", "Coat: tabby", "Coat: white", "Age"]
    assert not any("N(0, I)" in str(block.value) for block in page.blocks.values() if isinstance(block, gr.Markdown))


def test_a_model_without_attributes(bare_studio):
    page = build(bare_studio)
    assert labels(page, gr.Slider)[-3:] == ["Zoom", "Across", "Down"]
    # nor with a prior, which the page says
    assert any("N(0, I)" in str(block.value) for block in page.blocks.values() if isinstance(block, gr.Markdown))
    names = [fn.api_name for fn in page.fns.values() if fn.api_visibility == "public"]
    assert len(names) == len(set(names))


def test_a_session_keeps_latents_and_no_model(studio):
    page = build(studio)
    kept = [block.value for block in page.blocks.values() if isinstance(block, gr.State)]
    assert {getattr(value, "shape", None) for value in kept} == {(20, 8), (3, 8), (8,), None}


def test_pictures_have_the_models_proportions():
    facts = ModelFacts("x", 32, 48, 4, False, (Attribute("a", "a", "A"),), False)
    assert "--face-aspect: 48 / 32" in appearance(facts)["css"]


@pytest.mark.parametrize("file", [STYLESHEET, FAVICON])
def test_nothing_is_fetched_from_elsewhere(file):
    text = file.read_text().replace("http://www.w3.org/2000/svg", "")  # the name of a format, not an address
    assert "http" not in text and "//" not in text.replace("*/", "")
