"""The page in Spanish: every translation is of a sentence that the page has, and a Spanish browser shows it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import visiting
from visiting import open_tab

from app.facts import WORD, ModelFacts, label_of
from app.words import MESSAGES, MODELS, PAGE, Words, say, translations
from modeling_vae import VAEPipeline

playwright = visiting.playwright
browser = visiting.browser
APP = Path(__file__).parents[2] / "app"
SPANISH = translations()["es"]
SHOWN = """() => {
  const found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const { parentElement: owner, textContent: text } = walk.currentNode;
    if (!["SCRIPT", "STYLE"].includes(owner.tagName) && text.trim() && owner.checkVisibility()) found.add(text.trim());
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder], [alt]"))
    for (const name of ["aria-label", "title", "placeholder", "alt"])
      if (element.getAttribute(name) && element.checkVisibility()) found.add(element.getAttribute(name));
  return [...found];
}"""


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
        script = file.read_text(encoding="utf-8")
        found |= {text.encode().decode("unicode_escape") if "\\u" in text else text
                  for text in re.findall(r'"((?:[^"\\]|\\.)*)"', script)}  # fmt: skip
        found |= {re.sub(r"\$\{[^}]*\}", "{}", text) for text in re.findall(r"`([^`]*)`", script)}
    return {re.sub(r"\{\w+\}", "{}", text) for text in found}


def test_every_translation_is_of_a_sentence_that_is_there():
    there = sentences()
    with_figures = [
        re.compile(re.escape(text).replace(r"\{\}", r"\d+")) for text in there if re.search(r"\{\}.{40}", text)
    ]
    of_the_page = (re.sub(r"\{\w+\}", "{}", text) for text in translations(PAGE, MESSAGES)["es"])
    lost = [text for text in of_the_page if text not in there and not any(p.fullmatch(text) for p in with_figures)]
    assert lost == []


def test_the_words_of_the_bundled_models_are_all_there():
    wanted = set()
    for folder in (path for path in (APP.parent / "hub_configs").iterdir() if (path / "config.json").is_file()):
        facts = ModelFacts.of(VAEPipeline.from_pretrained(folder), folder.name)
        word = facts.card.word
        wanted |= {
            word,
            facts.card.words,
            f"New {facts.card.words}",
            f"The {word}",
            f"Your {word}",
            f"The {word} here",
        }
        wanted |= {attribute.label for attribute in facts.attributes}
        wanted |= {label for name, label in facts.values.items()}
        wanted |= {label_of(name.partition(":")[0]) for name in facts.values}
    of_none = {text.replace("{}", WORD) for text in ("{}", "{}s", "New {}s", "The {}", "Your {}", "The {} here")}
    assert set(translations(MODELS)["es"]) == wanted | of_none


@pytest.mark.parametrize(("english", "spanish"), SPANISH.items(), ids=lambda text: text[:20])
def test_translations_have_the_same_parts(english, spanish):
    assert sorted(re.findall(r"\{\w*\}", english)) == sorted(re.findall(r"\{\w*\}", spanish))
    assert spanish.strip() == spanish and spanish


def test_what_nobody_translated_stays_as_it_is():
    assert say("Nobody says this.") == "Nobody says this." and say("Edit") != "Edit"
    assert Words.of("es")("Nobody says this.") == "Nobody says this."


def test_a_sentence_with_its_parts_in_it():
    spanish = Words(SPANISH)
    assert spanish.finished("The seed is -1; give a whole number from 0 to 9.") == (
        "La semilla es -1; da un número entero de 0 a 9."
    )
    assert spanish.finished("There are 2 with it and 0 without it; give 5 of each at least, better 20.") == (
        "Hay 2 con ello y 0 sin ello; da al menos 5 de cada, mejor 20."
    )
    assert Words({}).finished("The seed is -1.") == "The seed is -1."


@pytest.mark.browser
def test_a_spanish_browser_shows_nothing_english(browser, server):
    context = browser.new_context(**visiting.DESKTOP, locale="es-ES")
    context.set_default_timeout(visiting.MILLISECONDS)
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_selector("#grid img")
    english = [text for text, said in SPANISH.items() if text != said]
    patterns = [re.compile(re.sub(r"\\\{\w*\\\}", ".+", re.escape(text))) for text in english]
    left = {}

    def look(tab: str) -> None:
        shown = page.evaluate(SHOWN)
        left[tab] = [text for text in shown if any(pattern.fullmatch(text) for pattern in patterns)]

    look("Imágenes nuevas")
    tabs = {
        "Tu foto": "#photo .door",
        "Editar": "#desk .row",
        "Fundir": "#keyframes img",
        "Mezclar": "#mix-picker img",
        "Mapa": "#map img[src]",
        "Enseñar": "#lesson .thumb img",
    }
    for name, ready in tabs.items():
        open_tab(page, name, ready)
        if name == "Editar":
            page.get_by_label("Age: del todo hacia arriba").click()
            page.wait_for_selector("#steps .thumb")
        if name == "Mezclar":
            page.locator("#mix-picker .thumb").nth(1).click()
            page.wait_for_selector("#mixer .parent")
        look(name)
    assert {tab: found for tab, found in left.items() if found} == {}
    playwright.expect(page.locator("#header")).to_contain_text("que nunca existieron")
    page.locator("#teach").click()
    playwright.expect(page.locator(".toast-wrap")).to_contain_text("Hay 0 con ello y 0 sin ello")
    context.close()
