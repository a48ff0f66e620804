"""The page in Spanish: every translation is of a sentence that the page has, and a Spanish browser shows it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import visiting
from visiting import open_tab

from app.words import Words, say, translations

playwright = visiting.playwright
browser = visiting.browser
APP = Path(__file__).parents[2] / "app"
WORDS_OF_CARDS = {"cats", "characters", "faces", "people", "pictures"}
SPANISH = translations()["es"]


def sentences() -> set[str]:
    """All texts in the studio's code: of Python with its concatenations and constants put together."""
    found = set()
    for file in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            if isinstance(node, ast.JoinedStr):
                found.add("".join(p.value if isinstance(p, ast.Constant) else "{}" for p in node.values))
    for file in APP.rglob("*.js"):
        found |= {text.encode().decode("unicode_escape") if "\\u" in text else text
                  for text in re.findall(r'"((?:[^"\\]|\\.)*)"', file.read_text(encoding="utf-8"))}  # fmt: skip
    return found


def test_every_translation_is_of_a_sentence_that_is_there():
    there = sentences()
    patterns = [re.compile(re.escape(text).replace(r"\{\}", ".+")) for text in there if "{}" in text and len(text) > 4]
    lost = [
        english
        for english in SPANISH
        if english not in there | WORDS_OF_CARDS and not any(pattern.fullmatch(english) for pattern in patterns)
    ]
    assert lost == []


@pytest.mark.parametrize(("english", "spanish"), SPANISH.items(), ids=lambda text: text[:20])
def test_translations_have_the_same_parts(english, spanish):
    assert sorted(re.findall(r"\{\w*\}", english)) == sorted(re.findall(r"\{\w*\}", spanish))
    assert spanish.strip() == spanish and spanish


def test_what_nobody_translated_stays_as_it_is():
    assert say("Nobody says this.") == "Nobody says this." and say("Edit") != "Edit"
    assert Words.of("es")("Nobody says this.") == "Nobody says this."


@pytest.mark.browser
def test_a_spanish_browser_shows_spanish(browser, server):
    context = browser.new_context(**visiting.DESKTOP, locale="es-ES")
    context.set_default_timeout(visiting.MILLISECONDS)
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("#grid img")
    for name in ("Tu foto", "Imágenes nuevas", "Editar", "Fundir", "Mezclar", "Mapa", "Enseñar"):
        playwright.expect(page.get_by_role("tab", name=name, exact=True)).to_be_visible()
    playwright.expect(page.locator("#seed")).to_contain_text("La misma semilla")
    playwright.expect(page.locator("#new-faces")).to_have_text("Imágenes nuevas")
    open_tab(page, "Enseñar", "#lesson .thumb img")
    playwright.expect(page.locator("#lesson")).to_contain_text("Suelta fotos aquí")
    playwright.expect(page.get_by_label("¿Cómo se llama?")).to_be_visible()
    open_tab(page, "Editar", "#desk .row")
    playwright.expect(page.get_by_label("Age: del todo hacia arriba")).to_be_visible()
    context.close()
