"""Bytes of a text file to blocks of UTF-8: compression undone, byte order mark removed, other encodings translated."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from resources.formats.compression import BLOCK_BYTES, read_blocks
from resources.formats.files import SourceFile
from resources.formats.text_marks import NUL_SHARE, bare_utf16, marked_encoding
from resources.kernel.errors import ConfigError, ParseError

_HINT_BYTES = 64 * 1024
_LIKELY = 0.1  # what a few words of an alphabet of its own reach, and a few letters of western Europe do not
_USUAL = "cp1252"  # what Excel and other Windows programs of western Europe write
_OTHER_ALPHABETS = (
    "cp1251",
    "cp1253",
    "cp1255",
    "cp1256",
    "koi8-r",
    "koi8-u",
    "iso8859-5",
    "iso8859-7",
    "cp866",
    "mac-cyrillic",
)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_AMONG_LATIN = re.compile(
    rb"(?<=[A-Za-z])[\x80-\xff](?![\x80-\xff])|(?<![\x80-\xff])[\x80-\xff](?=[A-Za-z])"
)


def check_encoding(name: str | None) -> None:
    """Refuses what is no text encoding.

    Raises:
        ConfigError: an unknown name, or a codec that is not for text.
    """
    if name is None:
        return
    try:
        codecs.lookup(name)
        "a".encode(name)
    except (LookupError, TypeError) as error:
        raise ConfigError(
            f"encoding: {name[:40]!r} is not known",
            hint="Give the name of a Python text codec, for instance utf-8, cp1252, utf-16",
        ) from error


@dataclass(frozen=True)
class TextEncoding:
    """How the bytes of one file become text."""

    codec: str
    mark_bytes: int
    """Length of the byte order mark."""
    reason: str

    is_assumed: bool = False
    """Whether it is UTF-8 only because nothing spoke against it at the beginning of the file."""

    @property
    def is_utf8(self) -> bool:
        """Whether bytes pass as they are; the parser then checks them."""
        return codecs.lookup(self.codec).name == "utf-8"


def detect_encoding(file: SourceFile, head: bytes, given: str | None) -> TextEncoding:
    """The encoding of a file that begins with `head`.

    Raises:
        ParseError: many NUL bytes, and not where UTF-16 has them (E29).
    """
    codec, mark_bytes = marked_encoding(head)
    if given is not None:
        name = codecs.lookup(given).name
        same = bool(codec) and (name == codec or name in ("utf-16", "utf-32", "utf-8-sig"))
        if name in ("utf-16", "utf-32", "utf-8-sig"):
            name = codec or {"utf-8-sig": "utf-8"}.get(name, f"{name}-le")
        return TextEncoding(name, mark_bytes if same else 0, "given")
    if codec:
        return TextEncoding(codec, mark_bytes, "byte order mark")
    if head.count(0) > len(head) * NUL_SHARE:
        return _detect_utf16(file, head)
    return TextEncoding("utf-8", 0, "default; checked in every value", is_assumed=True)


def _detect_utf16(file: SourceFile, head: bytes) -> TextEncoding:
    """UTF-16 without a mark: every second byte of western text is NUL, and no other one."""
    if codec := bare_utf16(head):
        return TextEncoding(codec, 0, "every second byte is NUL")
    raise ParseError(
        "many NUL bytes, and no byte order mark", file=file.name, line=1, hint=_hint_of_nuls(head)
    )


def _hint_of_nuls(head: bytes) -> str:
    """What many NUL bytes may be: another encoding, padding, or a disk that never got the data."""
    if not head.strip(b"\0"):
        return "It holds nothing else: the file was not written to its end. Send it again"
    if not any(any(head[n::4]) for n in (1, 2, 3)) or not any(any(head[n::4]) for n in (0, 1, 2)):
        return "Give its encoding, probably `encoding: utf-32-le` or `utf-32-be`"
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        return "Give its encoding, probably `encoding: utf-16-le` or `utf-16-be`"
    return (
        "It is UTF-8 otherwise: if the values are padded with them, `encoding: utf-8` reads them as they stand;"
        " a block of them comes from a disk or copy that failed: send the file again"
    )


def is_utf8(file: SourceFile) -> bool:
    """Whether all of the file is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        for block in read_blocks(file):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def decode_blocks(
    file: SourceFile, encoding: TextEncoding, size: int = BLOCK_BYTES
) -> Iterator[bytes]:
    """The file's text as blocks of UTF-8, byte order mark removed.

    UTF-8 passes unchecked: the parser checks it.

    Raises:
        ParseError: bytes that are not of the encoding, with their offset and line.
    """
    blocks = _without_mark(read_blocks(file, size), encoding.mark_bytes)
    if encoding.is_utf8:
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding.codec)("strict")
    offset, lines = encoding.mark_bytes, 1
    for block, final in _mark_last(blocks):
        waiting = len(decoder.getstate()[0])
        try:
            text = decoder.decode(block, final)
        except UnicodeDecodeError as error:
            lines += error.object[: error.start].decode(encoding.codec, "ignore").count("\n")
            raise not_decodable(
                file, encoding.codec, offset - waiting + error.start, lines, error.object
            ) from error
        offset += len(block)
        lines += text.count("\n")
        yield text.encode()


def _without_mark(blocks: Iterator[bytes], mark_bytes: int) -> Iterator[bytes]:
    first = next(blocks, b"")
    yield first[mark_bytes:]
    yield from blocks


def _mark_last(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block and whether it is the last; one empty last block where there is none."""
    yield from ((block, False) for block in blocks)
    yield b"", True


def _plain_name(encoding: str) -> str:
    """As Python calls it: `Windows-1252` is `cp1252`."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return _USUAL


def not_decodable(
    file: SourceFile, codec: str, offset: int | None, line: int, around: bytes
) -> ParseError:
    """The error about bytes that are not text in `codec`, with encodings to try.

    A few letters tell little, and a wrong encoding is never noticed later: the hint says to look at them.

    Args:
        file: the file.
        codec: encoding that failed.
        offset: of the first bad byte, from the beginning of the file, if known.
        line: where that is.
        around: bytes that hold the bad ones, to guess the real encoding from.
    """
    import chardet

    found = chardet.detect(around[:_HINT_BYTES], encoding_era=chardet.EncodingEra.MODERN_WEB)
    guess = _plain_name(found["encoding"] or _USUAL)
    is_likely = found["confidence"] >= _LIKELY and not (
        guess in _OTHER_ALPHABETS and stands_among_latin(around)
    )
    names = (guess, _USUAL) if is_likely else (_USUAL, guess)
    proposal = " or ".join(f"`encoding: {name}`" for name in dict.fromkeys(names))
    return ParseError(
        f"{'a byte' if offset is None else f'byte {offset}'} is not valid {codec.upper()}",
        file=file.name,
        line=line,
        hint=f"Give the file's encoding, for instance {proposal}, and look at its letters with"
        " `waybill datasource test`; or send it as UTF-8",
        byte_offset=offset,
        likely_encoding=names[0],
    )


def stands_among_latin(around: bytes) -> bool:
    """Whether letters beyond ASCII are single ones in words of Latin letters, as in French."""
    among = len(_AMONG_LATIN.findall(around))
    return among * 2 > len(_BEYOND_ASCII.findall(around))
