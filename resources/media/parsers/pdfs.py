"""PDF documents: pages, and pictures of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pypdfium2
from PIL import Image

from resources.media.facts import PdfFacts
from resources.media.parsers.pictures import within
from resources.media.parsers.subject import PicturePlace, Subject
from resources.media.refusals import MediaRefusedError
from resources.sandbox.ranged_file import RangedFile

_MOST_POINTS = 14_400
"""Longest edge of a page that readers agree upon."""


def probe(subject: Subject) -> PdfFacts:
    """How many pages there are."""
    with _document(subject.file) as document:
        return PdfFacts(subject.file.size, len(document))


def picture(subject: Subject, place: PicturePlace) -> bytes:
    """A page, on white: the first unless another one is asked for."""
    with _document(subject.file) as document:
        page = document[place.within(len(document), "page") or 0]
        width, height = page.get_size()
        longer = min(max(width, height, 1.0), _MOST_POINTS)
        bitmap = page.render(scale=place.edge / longer, may_draw_forms=False)
        image: Image.Image = bitmap.to_pil()
        return within(image, place.edge)


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
