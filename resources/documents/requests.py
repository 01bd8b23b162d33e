"""What a worker is asked for, and what is wanted of a document: the words of both sides."""

from __future__ import annotations

from msgspec import Struct

from resources.documents.kinds import DocumentKind


class ReadRequest(Struct, frozen=True):
    """One document."""

    kind: DocumentKind
    pages: int
    """Most that it may have."""
    unpacked_bytes: int
    """Most that its members may have."""
    answer_bytes: int
    """Most that what is read of it may have."""
    address: str = ""
    """Of a page of the web: where it came from."""
    charset: str = ""
    """Of a page of the web: its encoding, as its server says."""


class OcrRequest(Struct, frozen=True):
    """Text of pictures: of one picture, or of pages of a PDF."""

    pages: tuple[int, ...]
    """Numbers from 1 on; none: the file is a picture itself."""
    pixels: int
    """Most that a picture may have."""


class OcrPage(Struct, frozen=True):
    """What was recognised on one page, or why nothing was."""

    page: int
    """0: the file is a picture itself."""
    lines: list[str]
    message: str = ""


class ReadWanted(Struct, frozen=True):
    """What is wanted of a document."""

    ocr: bool = False
    """Whether pages that are pictures are read by text recognition (extra `ocr`)."""
    address: str = ""
    """Of a page of the web: where it came from; its links start there."""
    charset: str = ""
    """Of a page of the web: its encoding, as its server says."""
