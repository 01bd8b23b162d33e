"""Plain text: paragraphs are what stands between empty lines."""

from __future__ import annotations

import re

from resources.documents.parsers.gathering import Gathered, cleaned
from resources.documents.parsers.plain import read_text
from resources.sandbox.ranged_file import RangedFile

_EMPTY_LINES = re.compile(r"\n(?:[ \t]*\n)+")


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads a plain text."""
    for part in _EMPTY_LINES.split(cleaned(read_text(file, gathered).replace("\f", "\n\n"))):
        gathered.paragraph(part)
