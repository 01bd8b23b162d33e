"""Which parser a document is given to."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from resources.documents.document import Document
from resources.documents.kinds import DocumentKind, check_content
from resources.documents.parsers.gathering import Gathered
from resources.documents.requests import ReadRequest
from resources.formats.content_types import HEAD
from resources.sandbox.ranged_file import RangedFile

PARSERS: dict[DocumentKind, str] = {
    "text": "texts",
    "markdown": "markdowns",
    "json": "jsons",
    "html": "pages",
    "webpage": "webpage",
    "docx": "word",
    "pdf": "pdf.parsing",
    "rtf": "rich_text",
    "odt": "open_document",
    "pptx": "slides",
    "xlsx": "workbooks",
    "csv": "delimited",
    "epub": "books",
    "email": "mails",
}
"""Kind of document -> module beside this one, with a function `parse(file, gathered)`."""


def load(kind: DocumentKind) -> ModuleType:
    """The module that reads such documents. Each costs up to a second of processor time: it is loaded when it is needed."""
    return import_module(f"{__package__}.{PARSERS[kind]}")


def parse(file: RangedFile, asked: ReadRequest) -> Document:
    """What is in a document.

    Raises:
        DocumentRefusedError: it is something else than its kind, or breaks a limit.
    """
    check_content(asked.kind, _head(file), file.size)
    gathered = Gathered(asked)
    load(asked.kind).parse(file, gathered)
    return gathered.document()


def _head(file: RangedFile) -> bytes:
    if len(file.head) >= min(HEAD, file.size):
        return file.head[:HEAD]
    file.seek(0)
    head = file.read(HEAD) or b""
    file.seek(0)
    return head
