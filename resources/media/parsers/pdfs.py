"""PDF documents: pages, and a picture of the first one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pypdfium2
from PIL import Image

from resources.media.facts import PdfFacts
from resources.media.parsers.pictures import EDGE, thumbnail_of
from resources.media.parsers.subject import Subject
from resources.media.refusals import MediaRefusedError
from resources.media.sandbox.ranged_file import RangedFile

_MOST_POINTS = 14_400
"""Longest edge of a page that readers agree upon."""


def probe(subject: Subject) -> PdfFacts:
    """How many pages there are."""
    with _document(subject.file) as document:
        return PdfFacts(subject.file.size, len(document))


def thumbnail(subject: Subject) -> bytes:
    """The first page, on white."""
    with _document(subject.file) as document:
        page = document[0]
        width, height = page.get_size()
        longer = min(max(width, height, 1.0), _MOST_POINTS)
        bitmap = page.render(scale=EDGE / longer, may_draw_forms=False)
        image: Image.Image = bitmap.to_pil()
        return thumbnail_of(image)


@contextmanager
def _document(file: RangedFile) -> Iterator[pypdfium2.PdfDocument]:
    file.seek(0)
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise MediaRefusedError(
            "object_unreadable",
            "It is locked with a password" if locked else "It is damaged or cut off",
        ) from None
    try:
        if len(document) < 1:
            raise MediaRefusedError("object_unreadable", "It has no page")
        yield document
    finally:
        document.close()
