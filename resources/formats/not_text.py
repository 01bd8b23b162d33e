"""Files that are not the text they are called: told by their first bytes, so that the error says what they are."""

from __future__ import annotations

import re

from resources.formats.compression import compression_of_bytes
from resources.formats.files import SourceFile
from resources.kernel.errors import ParseError

_AGAIN = "Pack it again as .gz, .bz2, .zst or .zip, or send it plain"
_MAGIC = (
    (b"\xfd7zXZ\x00", "packed with xz", _AGAIN),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _AGAIN),
    (b"Rar!\x1a\x07", "a RAR archive", _AGAIN),
    (b"\x04\x22\x4d\x18", "packed with lz4", _AGAIN),
    (b"\x1f\x9d", "packed with compress (.Z)", _AGAIN),
    (b"PK\x03\x04", "a ZIP archive within another archive", "Pack the data once only"),
    (b"\xd0\xcf\x11\xe0", "a workbook of Excel 97 (.xls)", "Save it as .xlsx or CSV"),
    (b"PAR1", "a Parquet file", "Give `format: parquet`"),
    (b"%PDF-", "a PDF", "Ask the sender for the data itself"),
    (b"SQLite format 3\x00", "a SQLite database", "Read it through a SQL connector"),
)
_HTML = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html[\s>]|head[\s>]|body[\s>])",
    re.IGNORECASE | re.DOTALL,
)


def check_text(file: SourceFile, head: bytes) -> None:
    """Refuses a file that begins with `head`, already unpacked, if that is the beginning of something else than text.

    Raises:
        ParseError: saying what it is.
    """
    again = compression_of_bytes(head)
    if again is not None:
        raise _refused(file, f"packed twice: its content is {again} again", "Pack it once only")
    for magic, what, hint in _MAGIC:
        if head.startswith(magic):
            raise _refused(file, what, hint)


def check_no_page(file: SourceFile, text: str) -> None:
    """Refuses a web page that was saved instead of the data: a login form, an error.

    Raises:
        ParseError: the text begins as HTML does.
    """
    if _HTML.match(text[:4096]):
        raise _refused(
            file,
            "a web page (HTML)",
            "The download returned a web page instead of the data, for instance a login form: fetch it again",
        )


def _refused(file: SourceFile, what: str, hint: str) -> ParseError:
    return ParseError(f"is no text: it is {what}", file=file.name, hint=hint)
