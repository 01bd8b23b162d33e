"""The bytes of a file, piece by piece, with the rules that concern the file as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from assets.classifications.problems import RULES, FileProblem

_BOMS = (
    (b"\xef\xbb\xbf", "UTF-8"),
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)

_MAGIC = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"%PDF-", "PDF"),
    (b"PAR1", "Parquet"),
    (b"SQLite format 3\x00", "an SQLite database"),
)


SAVE_AS_UTF8 = "it looks like Windows-1252, which is not Latin-1: save it as UTF-8"
_C1_BYTES = bytes(range(0x80, 0xA0))


def has_c1_byte(data: bytes) -> bool:
    """Whether bytes that are not UTF-8 have one that is a letter or a quote in Windows-1252, in Latin-1 a control."""
    rest = data.decode("utf-8", "ignore").encode()  # what is UTF-8 in it has such bytes too
    return len(rest) < len(data) and any(data.count(byte) > rest.count(byte) for byte in _C1_BYTES)


class RefusedFileError(Exception):
    """The file as a whole breaks a rule: nothing else is said about it."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(detail)
        self.problem = FileProblem(0, rule, None, f"{RULES[rule]}: {detail}")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file, and whether they are its last ones; the last piece may be empty."""

    data: bytes
    is_last: bool


def read_pieces(stream: BinaryIO, max_bytes: int, piece_bytes: int) -> Iterator[Piece]:
    """The file in pieces of equal size, the last one shorter (G3, G8).

    Raises:
        RefusedFileError: file_bom, file_format_invalid, file_too_large.
    """
    size_bytes = 0
    while True:
        data = _read_full(stream, piece_bytes)
        if size_bytes == 0:
            refusal = _refusal_of_start(data)
            if refusal:
                # A file that is too large is named so first, whatever it starts with.
                _refuse_large(len(data) + _drain(stream, max_bytes, piece_bytes), max_bytes)
                raise refusal
        size_bytes += len(data)
        _refuse_large(size_bytes, max_bytes)
        is_last = len(data) < piece_bytes
        yield Piece(data, is_last)
        if is_last:
            return


def _refusal_of_start(piece: bytes) -> RefusedFileError | None:
    """The first bytes of another encoding (G3) or of a well-known binary format (G1)."""
    for mark, name in _BOMS:
        if piece.startswith(mark):
            detail = f"the file starts with the mark of {name}; save it as UTF-8 without mark"
            return RefusedFileError("file_bom", detail)
    if piece[:2].count(0) == 1:  # no file here starts with U+0000, and every one starts with ASCII
        return RefusedFileError("file_bom", "the file is UTF-16 without a mark; save it as UTF-8")
    for mark, name in _MAGIC:
        if piece.startswith(mark):
            return RefusedFileError("file_format_invalid", f"the content is {name}")
    return None


def _refuse_large(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise RefusedFileError(
            "file_too_large",
            f"it has more than {max_bytes} bytes; split it or raise the set's limit",
        )


def _drain(stream: BinaryIO, max_bytes: int, piece_bytes: int) -> int:
    size_bytes = 0
    while size_bytes <= max_bytes and (piece := stream.read(piece_bytes)):
        size_bytes += len(piece)
    return size_bytes


def _read_full(stream: BinaryIO, size_bytes: int) -> bytes:
    piece = stream.read(size_bytes)
    if len(piece) == size_bytes or not piece:
        return piece
    parts = [piece]
    missing = size_bytes - len(piece)
    while missing and (piece := stream.read(missing)):
        parts.append(piece)
        missing -= len(piece)
    return b"".join(parts)


class Utf8Gate:
    """Lets a file pass as UTF-8, piece by piece: Latin-1 is turned into it, UTF-8 is checked (G3, G4)."""

    def __init__(self, *, is_latin1: bool) -> None:
        self._is_latin1 = is_latin1
        self._tail = b""  # start of a character that the next piece ends
        self._offset_bytes = 0

    def feed(self, piece: Piece) -> bytes:
        """The piece's bytes as valid UTF-8; up to three bytes of it may come with the next one.

        Raises:
            RefusedFileError: file_encoding_invalid.
        """
        if self._is_latin1:
            return piece.data if piece.data.isascii() else piece.data.decode("latin-1").encode()
        data = self._tail + piece.data if self._tail else piece.data
        self._tail = b""
        if not data.isascii():
            data = self._checked(data, is_last=piece.is_last)
        self._offset_bytes += len(data)
        return data

    def _checked(self, data: bytes, *, is_last: bool) -> bytes:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            is_cut = error.end == len(data) and error.reason == "unexpected end of data"
            if is_last or not is_cut:
                raise self._refusal(data, error) from None
            self._tail = data[error.start :]
            return data[: error.start]
        return data

    def _refusal(self, data: bytes, error: UnicodeDecodeError) -> RefusedFileError:
        place = self._offset_bytes + error.start + 1
        remedy = "choose the encoding latin1 if the file is Latin-1"
        if has_c1_byte(data):
            remedy = SAVE_AS_UTF8
        return RefusedFileError(
            "file_encoding_invalid",
            f"byte {place} (0x{data[error.start]:02X}) is not UTF-8; {remedy}",
        )
