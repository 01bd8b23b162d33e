"""Texts: only that they are text. What kind of text is told by the name, since no content tells Markdown from CSV."""

from __future__ import annotations

from resources.media.facts import TextFacts
from resources.media.parsers.subject import PicturePlace, Subject

_NAMED = {
    "csv": "text/csv",
    "css": "text/css",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "md": "text/markdown",
    "ndjson": "application/x-ndjson",
    "rst": "text/x-rst",
    "tsv": "text/tab-separated-values",
    "vtt": "text/vtt",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}
"""Endings of names -> types; any other plain text is `text/plain`."""


def probe(subject: Subject) -> TextFacts:
    """Size and type."""
    file, found = subject.file, subject.found
    named = _NAMED.get(file.name.partition("?")[0].rpartition(".")[2].lower(), found.mime)
    return TextFacts(file.size, named if found.kind == "text" else found.mime)


def picture(subject: Subject, place: PicturePlace) -> None:
    """None: a text is shown as text."""
