"""Which kind of document a file is: its name's ending, in any case, and its content have to say the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Literal, get_args

from msgspec import Struct

from resources.documents.refusals import DocumentRefusedError
from resources.formats.content_types import ContentType, content_type_of
from resources.formats.text_marks import bare_utf16

DocumentKind = Literal[
    "text",
    "markdown",
    "json",
    "html",
    "webpage",
    "docx",
    "pdf",
    "rtf",
    "odt",
    "pptx",
    "xlsx",
    "csv",
    "epub",
    "email",
]
"""`webpage`: a page of the web, of which the article alone is taken; `html`: a file, of which all is."""
KINDS: tuple[DocumentKind, ...] = get_args(DocumentKind)
_OLE = "application/x-ole-storage"
_MIMETYPE_AT = 30
"""Where in a ZIP the name of the first member begins."""


class KindOfDocument(Struct, frozen=True):
    """What a kind of document is called, and what its files look like."""

    title: str
    endings: tuple[str, ...]
    """With the dot, in small letters; none: it is never told by a name."""
    content: str
    """What its files have to begin as: `text`, `markup`, `zip`, or a type of content."""


DOCUMENT_KINDS: dict[DocumentKind, KindOfDocument] = {
    "text": KindOfDocument("plain text", (".txt", ".text", ".log"), "text"),
    "markdown": KindOfDocument("Markdown", (".md", ".markdown"), "text"),
    "json": KindOfDocument("JSON", (".json",), "text"),
    "html": KindOfDocument("an HTML page", (".html", ".htm", ".xhtml"), "markup"),
    "webpage": KindOfDocument("an HTML page", (), "markup"),
    "docx": KindOfDocument("a Word document", (".docx", ".docm"), "zip"),
    "pdf": KindOfDocument("a PDF", (".pdf",), "application/pdf"),
    "rtf": KindOfDocument("rich text", (".rtf",), "application/rtf"),
    "odt": KindOfDocument("an OpenDocument text", (".odt",), "zip"),
    "pptx": KindOfDocument("a PowerPoint presentation", (".pptx", ".pptm"), "zip"),
    "xlsx": KindOfDocument("an Excel workbook", (".xlsx", ".xlsm"), "zip"),
    "csv": KindOfDocument("a table as text", (".csv", ".tsv"), "text"),
    "epub": KindOfDocument("an e-book", (".epub",), "zip"),
    "email": KindOfDocument("an e-mail", (".eml",), "text"),
}
_BY_ENDING: dict[str, DocumentKind] = {
    ending: kind for kind, one in DOCUMENT_KINDS.items() for ending in one.endings
}
_MIMETYPES: dict[bytes, DocumentKind] = {
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/epub+zip": "epub",
}
"""What the first member `mimetype` of some archives says."""


def kind_of(name: str, head: bytes) -> DocumentKind | None:
    """The kind of a file that begins so; None: no document, or its content is not what its name says.

    Args:
        name: of the file, or of an object.
        head: its first bytes, 4 KB of them or all.
    """
    try:
        return check_kind(name, head, len(head))
    except DocumentRefusedError:
        return None


def check_kind(name: str, head: bytes, size: int) -> DocumentKind:
    """The kind of a file.

    Args:
        name: of the file, or of an object.
        head: its first bytes, 4 KB of them or all.
        size: how many it has.

    Raises:
        DocumentRefusedError: its name ends in nothing that is known, it is empty, or its content is something else.
    """
    ending = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    kind = _BY_ENDING.get(ending)
    if kind is None:
        what = f"Files that end in {ending[:20]!r} are" if ending else "A file without an ending is"
        raise DocumentRefusedError("format_not_taken", f"{what} not taken")
    check_content(kind, head, size)
    return kind


def check_content(kind: DocumentKind, head: bytes, size: int) -> None:
    """Refuses a file whose first bytes are not those of its kind.

    Raises:
        DocumentRefusedError: it has no byte, or is something else.
    """
    if size == 0:
        raise DocumentRefusedError("empty", "It has 0 bytes")
    found = content_type_of(head, size)
    expected = DOCUMENT_KINDS[kind].content
    fits = _FITS.get(expected)
    if not (fits(found, head) if fits else found.mime == expected):
        raise mismatch(kind, _shown(found))
    packed = packed_kind(head)
    if expected == "zip" and packed not in (None, kind):
        raise mismatch(kind, DOCUMENT_KINDS[packed].title if packed else "")


def mismatch(kind: DocumentKind, found: str) -> DocumentRefusedError:
    """The refusal of a file that is something else than its kind.

    Args:
        kind: what its name says.
        found: what it is, with its article.
    """
    return DocumentRefusedError(
        "type_mismatch", f"Expected {DOCUMENT_KINDS[kind].title}, got {found}"
    )


def packed_kind(head: bytes) -> DocumentKind | None:
    """The kind that the first member of an archive names, if it does."""
    if head[_MIMETYPE_AT : _MIMETYPE_AT + 8] != b"mimetype":
        return None
    start = _MIMETYPE_AT + 8 + int.from_bytes(head[28:30], "little")
    found = (kind for mime, kind in _MIMETYPES.items() if head.startswith(mime, start))
    return next(found, None)


def _is_text(found: ContentType, head: bytes) -> bool:
    return found.kind in ("text", "markup") or bool(bare_utf16(head))


def _is_page(found: ContentType, head: bytes) -> bool:
    """HTML, or text that has marks of it; a picture as SVG is none."""
    if found.mime == "image/svg+xml":
        return False
    return found.kind == "markup" or (_is_text(found, head) and b"<" in head)


def _is_zip(found: ContentType, _: bytes) -> bool:
    """A ZIP; or what wraps a document that is locked, which is told when it is opened."""
    return found.mime in ("application/zip", _OLE)


_FITS: dict[str, Callable[[ContentType, bytes], bool]] = {
    "text": _is_text,
    "markup": _is_page,
    "zip": _is_zip,
}


def _shown(found: ContentType) -> str:
    return {"text/plain": "plain text", "application/octet-stream": "bytes that are no document"}.get(found.mime, found.mime)  # fmt: skip
