"""The page's words in English and in Spanish.

English is written where it is used, and is the key of its translation. What Gradio shows is translated by `gr.I18n`,
which looks up every label, value and text of the page; what the views show `studio.say` translates, in the browser as
well; and what the server writes into the page's HTML, `Words`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

FOLDER = Path(__file__).with_name("languages")


@cache
def translations() -> dict[str, dict[str, str]]:
    """By language, English sentence to its translation."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))}


def i18n() -> gr.I18n:
    """For `launch`."""
    english = {sentence: sentence for table in translations().values() for sentence in table}
    return gr.I18n(en=english, **translations())


def say(sentence: str) -> Any:
    """A sentence for a component of Gradio's: the browser shows it in its visitor's language.

    One without a translation stays as it is.
    """
    known = any(sentence in table for table in translations().values())
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

    def __call__(self, sentence: str, **parts: str) -> str:
        """The sentence with its parts put in; one that has no translation stays English."""
        return self._table.get(sentence, sentence).format(**{name: self._table.get(p, p) for name, p in parts.items()})
