"""The page's words in English and in Spanish.

English is written where it is used, and is the key of its translation; a key with {} is that of every sentence that
has anything there. What Gradio shows is translated by `gr.I18n`, which looks up every label, value and text of the
page; what the views show `studio.say` translates, in the browser as well; and what the server says (the page's HTML,
messages), `Words`.
"""

from __future__ import annotations

import json
import re
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.context import LocalContext

FOLDER = Path(__file__).with_name("languages")
PAGE, MODELS, MESSAGES = "page", "models", "messages"
"""Of a language's tables: the page's own words, those of the bundled models, and what only the server says."""


@cache
def translations(*tables: str) -> dict[str, dict[str, str]]:
    """By language, English sentence to its translation, of these tables or of all."""
    wanted = tables or (PAGE, MODELS, MESSAGES)
    return {
        folder.name: {
            sentence: said
            for table in wanted
            for sentence, said in json.loads((folder / f"{table}.json").read_text(encoding="utf-8")).items()
        }
        for folder in sorted(FOLDER.iterdir())
    }


def i18n() -> gr.I18n:
    """For `launch`."""
    shown = translations(PAGE, MODELS)
    english = {sentence: sentence for table in shown.values() for sentence in table}
    return gr.I18n(en=english, **shown)


def say(sentence: str) -> Any:
    """A sentence for a component of Gradio's: the browser shows it in its visitor's language.

    One without a translation stays as it is.
    """
    known = any(sentence in table for table in translations(PAGE, MODELS).values())
    return gr.I18n()(sentence) if known else sentence


class Words:
    """Says sentences in one language."""

    def __init__(self, table: dict[str, str]) -> None:
        self._table = table

    @classmethod
    def of(cls, accepted: str) -> Words:
        """In the first language of an Accept-Language header (RFC 9110) that there is; else in English."""
        for language in re.findall(r"(?:^|,)\s*([A-Za-z]+)", accepted):
            if language.lower() in translations():
                return cls(translations()[language.lower()])
            if language.lower() == "en":
                break
        return cls({})

    @classmethod
    def here(cls) -> Words:
        """In the language of the visitor whose request is being answered; in English where there is none."""
        request = LocalContext.request.get(None)
        return cls.of(request.headers.get("accept-language", "") if request is not None else "")

    def __call__(self, sentence: str, **parts: str) -> str:
        """The sentence with its parts put in; one that has no translation stays English."""
        return self._table.get(sentence, sentence).format(**{name: self.finished(p) for name, p in parts.items()})

    def finished(self, text: str) -> str:
        """A sentence whose parts are in it already; they are said too."""
        if text in self._table:
            return self._table[text]
        for pattern, said in self._patterns:
            if found := pattern.fullmatch(text):
                return said.format(*map(self.finished, found.groups()))
        return text

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        """The longest first, which say most."""
        keys = sorted((key for key in self._table if "{}" in key), key=len, reverse=True)
        return [(re.compile(re.escape(key).replace(r"\{\}", "(.+?)"), re.DOTALL), self._table[key]) for key in keys]
