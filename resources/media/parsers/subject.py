"""What a parser is given."""

from __future__ import annotations

from typing import NamedTuple

from resources.media.content_types import ContentType
from resources.media.facts import FileType
from resources.media.sandbox.ranged_file import RangedFile


class Subject(NamedTuple):
    """A file of which the kind is known."""

    file: RangedFile
    found: ContentType
    announced: FileType
    pixels: int
    """Most that a picture of it may have."""
