"""Rich text (RTF): its paragraphs. Which of them are headings it tells no reader that does not lay it out."""

from __future__ import annotations

import re

from striprtf.striprtf import rtf_to_text

from resources.documents.parsers.gathering import Fact, Gathered
from resources.documents.parsers.plain import read_all
from resources.sandbox.ranged_file import RangedFile

_PICTURES = re.compile(r"\{\\\*?\\?(?:shppict|nonshppict|pict)\b[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
_INFO: dict[str, Fact] = {"title": "title", "author": "author", "doccomm": "description"}
_CELLS = re.compile(r"\|")


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads rich text."""
    text = read_all(file).decode("latin-1")
    for name, fact in _INFO.items():
        if found := re.search(r"\{\\" + name + r"\s([^{}]{1,500})\}", text):
            gathered.fact(fact, rtf_to_text("{\\rtf1 " + found[1] + "}", errors="replace"))
    if _PICTURES.search(text):
        text = _PICTURES.sub("", text)
        gathered.left_out("pictures")
    _put(rtf_to_text(text, errors="replace"), gathered)


def _put(text: str, gathered: Gathered) -> None:
    """A paragraph a line; lines with cells that follow each other are a table."""
    rows: list[list[str]] = []
    for line in text.split("\n"):
        if line.rstrip().endswith("|"):
            rows.append(_CELLS.split(line.rstrip()[:-1]))
            continue
        gathered.table(rows)
        rows = []
        gathered.paragraph(line)
    gathered.table(rows)
