"""A card that a program writes again and again, and that a person edits in between.

What is generated stands between comments that a reader of the card does not see,

    <!-- generated: usage 1f2e3d4c5b6a -->
    ...
    <!-- end: usage -->

with a digest of the generated text, so that one sees whether it was changed since. The rule is the same everywhere:
what was generated and is still as it was is ours, and is replaced; all else is a person's, and stays. A section that
shall be gone for good is emptied, its two comments left. The keys of the metadata have their digests in one comment.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from huggingface_hub import RepoCard

START = ""
"""Name of the part before the first section, which has no body."""
SECTION = re.compile(r"<!-- generated: ([\w-]+) ([0-9a-f]{12}) -->\n(.*?)<!-- end: \1 -->\n?", re.DOTALL)
METADATA = re.compile(r"<!-- generated: metadata ((?:[\w-]+=[0-9a-f]{12} ?)*)-->\n?")


@dataclass(frozen=True)
class Section:
    """A generated text, and what a person wrote between it and the next one."""

    body: str
    digest: str
    after: str = ""

    @classmethod
    def generated(cls, body: str) -> Section:
        body = body.strip() + "\n"
        return cls(body, _digest(body))

    @property
    def edited(self) -> bool:
        return _digest(self.body) != self.digest


@dataclass(frozen=True)
class Card:
    """A model card taken apart.

    Args:
        metadata: the YAML block at the top.
        sections: by name, in order; the first is `START`.
        digests: of the values of those keys of the metadata that were generated.
    """

    metadata: dict[str, Any]
    sections: dict[str, Section]
    digests: dict[str, str] = field(default_factory=dict)

    @classmethod
    def generated(cls, metadata: dict[str, Any], bodies: dict[str, str]) -> Card:
        """A card whose every word is generated."""
        sections = {START: Section("", _digest(""))} | {name: Section.generated(body) for name, body in bodies.items()}
        return cls(metadata, sections, {key: _digest(_canonical(value)) for key, value in metadata.items()})

    @classmethod
    def parse(cls, text: str) -> Card:
        """Take the text of a README.md apart; one without any section is a person's throughout.

        Raises:
            ValueError: its metadata is no YAML table.
        """
        try:
            loaded = RepoCard(_with_metadata(text), ignore_metadata_errors=True)
        except (yaml.YAMLError, ValueError, TypeError) as error:
            why = " ".join(str(error).split())
            raise ValueError(f"the metadata at the top of README.md is no YAML table ({why}): correct it.") from error
        body = loaded.text.replace("\r\n", "\n")
        noted = METADATA.search(body)
        digests = dict(pair.split("=") for pair in noted[1].split()) if noted else {}
        body = METADATA.sub("", body, count=1)
        sections, name, at = {START: Section("", _digest(""))}, START, 0
        for found in SECTION.finditer(body):
            sections[name] = replace(sections[name], after=body[at : found.start()])
            name, at = found[1], found.end()
            sections[name] = Section(found[3], found[2])
        sections[name] = replace(sections[name], after=body[at:])
        return cls(loaded.data.to_dict(), sections, digests)

    def __str__(self) -> str:
        noted = " ".join(f"{key}={digest}" for key, digest in self.digests.items())
        parts = [f"<!-- generated: metadata {noted} -->\n"] if noted else []
        for name, section in self.sections.items():
            if name != START:
                parts.append(f"<!-- generated: {name} {section.digest} -->\n{section.body}<!-- end: {name} -->\n")
            parts.append(f"{section.after.strip()}\n\n" if section.after.strip() else "\n")
        card = RepoCard("---\n{}\n---\n", ignore_metadata_errors=True)
        card.data.__dict__.update(self.metadata)
        card.text = "\n" + "".join(parts).strip() + "\n"
        return str(card)

    def onto(self, older: Card) -> Card:
        """This card with what people wrote into an older one; where both have a person's words, this one's stay."""
        sections: dict[str, Section] = {}
        for name, ours in self.sections.items():
            theirs = older.sections.get(name)
            kept = theirs if theirs is not None and theirs.edited and not ours.edited else ours
            words = ours.after if ours.after.strip() or theirs is None else theirs.after
            sections[name] = replace(kept, after=words)
        _add_missing(sections, older)
        metadata, digests = dict(self.metadata), dict(self.digests)
        for key, value in older.metadata.items():
            if older.person_wrote(key) and not (key in metadata and self.person_wrote(key)):
                metadata[key] = value
                digests.pop(key, None)
        return Card(metadata, sections, digests)

    def person_wrote(self, key: str) -> bool:
        """Whether the value of a key of the metadata is another than the generated one."""
        return self.digests.get(key) != _digest(_canonical(self.metadata[key]))


def _add_missing(sections: dict[str, Section], older: Card) -> None:
    """A person's words around and in sections that are no longer generated, behind what they stood behind."""
    before = START
    for name, section in older.sections.items():
        if name in sections:
            before = name
        elif section.edited:
            names = list(sections)
            place = names.index(before) + 1
            items = [*sections.items()]
            sections.clear()
            sections.update([*items[:place], (name, section), *items[place:]])
            before = name
        elif section.after.strip():
            words = f"{sections[before].after.strip()}\n\n{section.after.strip()}"
            sections[before] = replace(sections[before], after=words)


def _with_metadata(text: str) -> str:
    """The text with an empty YAML block where it has none."""
    return text if re.match(r"\s*---\r?\n", text) else f"---\n{{}}\n---\n{text}"


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _digest(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()[:12]
