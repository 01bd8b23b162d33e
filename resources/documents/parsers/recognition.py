"""Text in pictures and on scanned pages, by RapidOCR, whose models come in its wheel: offline, on one thread, quiet."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import cv2
import numpy as np
import pypdfium2
from PIL import Image, ImageOps, UnidentifiedImageError
from rapidocr import RapidOCR

from resources.documents.refusals import DocumentRefusedError
from resources.documents.requests import OcrPage, OcrRequest
from resources.kernel.foreign_text import one_line
from resources.sandbox.ranged_file import RangedFile

_SCALE = 200 / 72
"""Of a page: 200 dots an inch, as scanners have them."""
_LONGEST_EDGE = 3_000
_SETTINGS = {
    "Global.log_level": "critical",
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


@cache
def load() -> RapidOCR:
    """The engine, its models loaded."""
    cv2.setNumThreads(1)
    return RapidOCR(params=_SETTINGS)


def recognise(file: RangedFile, asked: OcrRequest) -> Iterator[OcrPage]:
    """The text of a picture, or of some pages of a PDF.

    Raises:
        DocumentRefusedError: it is no picture, or one that is too large.
    """
    file.seek(0)
    if not asked.pages:
        yield OcrPage(0, _lines(_picture(file, asked.pixels)))
        return
    with pypdfium2.PdfDocument(file) as document:
        for number in asked.pages:
            try:
                yield OcrPage(number, _lines(_rendered(document[number - 1])))
            except (pypdfium2.PdfiumError, IndexError, ValueError) as error:
                yield OcrPage(number, [], f"It cannot be shown: {one_line(str(error), 120)}")


def _picture(file: RangedFile, pixels: int) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = pixels
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            opened = Image.open(io.BufferedReader(file))
            opened.draft("RGB", (_LONGEST_EDGE, _LONGEST_EDGE))
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise DocumentRefusedError("over_size", f"It has more than {pixels:,} pixels") from None
        except UnidentifiedImageError:
            raise DocumentRefusedError("type_mismatch", "Expected a picture, got none") from None
    picture.thumbnail((_LONGEST_EDGE, _LONGEST_EDGE))
    return picture


def _rendered(page: pypdfium2.PdfPage) -> Image.Image:
    longest = max(*page.get_size(), 1.0)
    scale = min(_SCALE, _LONGEST_EDGE / longest)
    picture: Image.Image = page.render(scale=scale, may_draw_forms=False).to_pil()
    return picture.convert("RGB")


def _lines(picture: Image.Image) -> list[str]:
    """The lines from above, as the engine sorts them."""
    found: Any = load()(np.asarray(picture)[:, :, ::-1])
    return [line for text in (found.txts or ()) if (line := " ".join(str(text).split()))]
