"""What a parser is given."""

from __future__ import annotations

from typing import NamedTuple

from resources.formats.content_types import ContentType
from resources.media.facts import FileType
from resources.media.refusals import MediaRefusedError
from resources.sandbox.ranged_file import RangedFile


class PicturePlace(NamedTuple):
    """Which picture of a file is wanted, and how large it may be."""

    number: int | None
    """Page, slice or frame, from 0 on; of a video a millisecond; None: what stands for the file."""
    edge: int

    def within(self, count: int, what: str) -> int | None:
        """The number, if the file has so many.

        Raises:
            MediaRefusedError: it has not.
        """
        if self.number is not None and not 0 <= self.number < count:
            there = f"1 {what}" if count == 1 else f"{count:,} {what}s"
            raise MediaRefusedError(
                "object_unreadable", f"It has {there}, none with the number {self.number + 1:,}"
            )
        return self.number


class Subject(NamedTuple):
    """A file of which the kind is known."""

    file: RangedFile
    found: ContentType
    announced: FileType
    pixels: int
    """Most that a picture of it may have."""
