"""Documents that are ZIP archives of XML: what their directory says is checked before anything is unpacked (T9, T10, T13).

Archives in archives are not opened. No part may declare a document type: that is where entities come from, whose expansion
fills memory or reads other files.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from lxml import etree

from resources.documents.kinds import DOCUMENT_KINDS, DocumentKind, mismatch
from resources.documents.refusals import DocumentRefusedError, shown_bytes
from resources.documents.requests import ReadRequest
from resources.kernel.foreign_text import one_line
from resources.sandbox.ranged_file import RangedFile

_MOST_MEMBERS = 20_000
_MOST_RATIO = 200
_RATIO_BYTES = 64 * 1024 * 1024
"""Unpacked bytes from which on the ratio counts."""
_LOCKED = 0x1
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED_PART = "EncryptedPackage".encode("utf-16-le")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, IndexError)  # fmt: skip
_MAIN: dict[str, DocumentKind] = {
    "word/document.xml": "docx",
    "ppt/presentation.xml": "pptx",
    "xl/workbook.xml": "xlsx",
}


class Package:
    """The parts of such a document."""

    def __init__(self, opened: zipfile.ZipFile) -> None:
        self._opened = opened
        self._names = {info.filename.replace("\\", "/"): info for info in opened.infolist()}

    @property
    def names(self) -> list[str]:
        """Of all parts."""
        return list(self._names)

    def has(self, name: str) -> bool:
        """Whether there is such a part."""
        return name in self._names

    def require(self, name: str, kind: DocumentKind) -> None:
        """Refuses an archive without the part that makes it a document of its kind.

        Raises:
            DocumentRefusedError: see there.
        """
        if not self.has(name):
            raise mismatch(kind, f"an archive without `{name}`")

    def read(self, name: str) -> bytes:
        """The bytes of a part.

        Raises:
            DocumentRefusedError: it is not there, or damaged.
        """
        info = self._names.get(name)
        if info is None:
            raise DocumentRefusedError("unreadable", f"Its part {one_line(name, 80)!r} is missing")
        with _told(name):
            return self._opened.read(info)

    def xml(self, name: str) -> Any:
        """The tree of a part.

        Raises:
            DocumentRefusedError: it is not there, damaged, or declares a document type.
        """
        return xml_tree(self.read(name), name)

    def check_xml(self, name: str) -> None:
        """Refuses a part that declares a document type, without reading more of it than its beginning.

        Raises:
            DocumentRefusedError: see there.
        """
        with _told(name), self._opened.open(self._names[name]) as opened:
            _forbid_document_type(opened, name)

    def xml_if_any(self, name: str) -> Any | None:
        """The tree of a part; None: it is not there."""
        return self.xml(name) if self.has(name) else None


@contextmanager
def open_package(file: RangedFile, asked: ReadRequest) -> Iterator[Package]:
    """The parts of a document, judged as a whole.

    Raises:
        DocumentRefusedError: it is locked, damaged, made to harm, or of another kind.
    """
    kind = asked.kind
    file.seek(0)
    if file.head.startswith(_OLE):
        raise _wrapped(file, kind)
    with _told(""):
        opened = zipfile.ZipFile(io.BufferedReader(file, 1 << 16))
    with opened:
        _check_members(opened, asked.unpacked_bytes)
        package = Package(opened)
        found = next((kind for main, kind in _MAIN.items() if package.has(main)), None)
        if found not in (None, kind):
            raise mismatch(kind, DOCUMENT_KINDS[found].title if found else "")
        yield package


def _check_members(opened: zipfile.ZipFile, most_bytes: int) -> None:
    """Refuses an archive by what its directory says.

    Raises:
        DocumentRefusedError: too many members or bytes, or locked ones.
    """
    infos = opened.infolist()
    if len(infos) > _MOST_MEMBERS:
        raise DocumentRefusedError(
            "over_size", f"It has {len(infos):,} parts, at most {_MOST_MEMBERS:,} are read"
        )
    size, packed = sum(i.file_size for i in infos), sum(i.compress_size for i in infos)
    if size > most_bytes:
        raise DocumentRefusedError(
            "over_size",
            f"It has {size:,} bytes unpacked, at most {shown_bytes(most_bytes)} are read",
        )
    if size > max(_RATIO_BYTES, packed * _MOST_RATIO):
        raise DocumentRefusedError(
            "over_size",
            f"Its {packed:,} packed bytes unpack to {size:,}, at most {_MOST_RATIO} for each are read",
        )
    for info in infos:
        if info.flag_bits & _LOCKED:
            raise DocumentRefusedError("encrypted", "It is locked with a password")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise DocumentRefusedError(
                "unreadable", f"Its part {one_line(info.filename, 80)!r} is a link to another file"
            )


def xml_tree(data: bytes, name: str) -> Any:
    """The tree of a part that is XML.

    Raises:
        DocumentRefusedError: it is damaged, or declares a document type.
    """
    _forbid_document_type(io.BytesIO(data), name)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )  # fmt: skip
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _broken(name, str(error)) from None


def _forbid_document_type(opened: IO[bytes], name: str) -> None:
    """What declares one does so before its first element, so no more is read."""
    try:
        next(ElementTree.iterparse(opened, events=("start",), forbid_dtd=True), None)
    except DefusedXmlException:
        raise DocumentRefusedError(
            "unreadable",
            f"Its part {one_line(name, 80)!r} declares a document type (DOCTYPE), which may name other files:"
            " such are not read",
        ) from None
    except ElementTree.ParseError as error:
        raise _broken(name, str(error)) from None


def _broken(name: str, reason: str) -> DocumentRefusedError:
    return DocumentRefusedError(
        "unreadable", f"Its part {one_line(name, 80)!r} is no valid XML: {one_line(reason, 150)}"
    )


def _wrapped(file: RangedFile, kind: DocumentKind) -> DocumentRefusedError:
    """What an old binary container is: a locked document of today, or one of Office 97."""
    file.seek(0)
    if _LOCKED_PART in (file.readall() or b""):
        return DocumentRefusedError("encrypted", "It is locked with a password")
    return mismatch(
        kind, "a document of Office 97, or one that is locked: save it in today's format"
    )


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except DocumentRefusedError:  # it is a ValueError too
        raise
    except _DAMAGED as error:
        what = f"Its part {one_line(name, 80)!r}" if name else "It"
        raise DocumentRefusedError(
            "unreadable", f"{what} is damaged or cut off ({one_line(str(error), 120)})"
        ) from None
