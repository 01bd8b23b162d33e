"""Compressed files as streams of bytes: gzip, bzip2 and Zstandard, told by their first bytes and not by their names."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa

from resources.formats.files import SourceFile
from resources.kernel.errors import ParseError

BLOCK_BYTES = 8 * 1024 * 1024
ENDINGS = (".gz", ".bz2", ".zst")
_KINDS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_SKIPPABLE = (
    b"\x2a\x4d\x18"  # behind a first byte of 0x50 to 0x5f: frames of pzstd and seekable zstd
)
_SKIPPABLE_BYTES = range(0x50, 0x60)
_MAGIC_BYTES = 4
_GZIP_TRAILER_BYTES = 8
_MANY_FRAMES = 1000


def compression_of(file: SourceFile) -> str | None:
    """`gzip`, `bz2` or `zstd`; None for plain bytes."""
    with file.path.open("rb") as opened:
        head = _magic_behind_skippable_frames(opened)
    return compression_of_bytes(head)


def compression_of_bytes(head: bytes) -> str | None:
    """How bytes that begin like that are compressed; None if they are not."""
    return next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), None)


def _magic_behind_skippable_frames(opened: BinaryIO) -> bytes:
    """The first bytes of a file, or of its first frame of Zstandard that holds data."""
    first = head = opened.read(_MAGIC_BYTES)
    for _ in range(_MANY_FRAMES):
        if head[1:] != _SKIPPABLE or head[0] not in _SKIPPABLE_BYTES:
            break
        opened.seek(int.from_bytes(opened.read(4), "little"), 1)
        head = opened.read(_MAGIC_BYTES)
    return head if compression_of_bytes(head) == "zstd" else first


@contextmanager
def _open_bytes(file: SourceFile, kind: str, raw: pa.NativeFile) -> Iterator[pa.NativeFile]:
    """The file with its compression undone."""
    if kind == "gzip" and _is_zero_padded(file):
        # Arrow calls zeros behind the last member damage; they come from tapes and block devices.
        with gzip.open(file.path) as plain, pa.PythonFile(plain, "r") as stream:
            yield stream
        return
    with pa.CompressedInputStream(raw, kind) as stream:
        yield stream


def _is_zero_padded(file: SourceFile) -> bool:
    with file.path.open("rb") as opened:
        opened.seek(-min(_GZIP_TRAILER_BYTES, file.path.stat().st_size), 2)
        # The length of the data ends in a zero where it is below 16 MB: Python's reader takes both, and checks both.
        return opened.read()[-1:] == b"\0"


def read_blocks(file: SourceFile, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The file's bytes in blocks of about `size`, decompressed and not yet decoded.

    Raises:
        ParseError: compressed data that is damaged or cut off (E5), or more of it than the import may unpack (T8).
    """
    kind = compression_of(file)
    with pa.OSFile(str(file.path), "rb") as raw:
        if kind is None:
            while block := raw.read(size):
                yield block
            return
        with _open_bytes(file, kind, raw) as stream:
            yield from _unpacked(file, raw, stream, size)


def _unpacked(
    file: SourceFile, raw: pa.NativeFile, stream: pa.NativeFile, size: int
) -> Iterator[bytes]:
    packed, unpacked = file.path.stat().st_size, 0
    while block := _read(file, stream, size):
        unpacked += len(block)
        file.budget.take(file.name, raw.tell() or packed, unpacked)
        yield block


def _read(file: SourceFile, stream: pa.NativeFile, size: int) -> bytes:
    try:
        block: bytes = stream.read(size)
    except (OSError, EOFError, zlib.error) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise _broken(file, error) from error
    return block


def _broken(file: SourceFile, error: Exception) -> ParseError:
    if "too much memory" in str(error):
        return ParseError(
            "packed by zstd with a window of more than 128 MB, which is not unpacked: it takes as much memory",
            file=file.name,
            hint="Pack it again without `--long`, or with `--long=27` at most:"
            " `zstd -d --long=31 -c FILE | zstd -o NEW`",
        )
    return ParseError(
        f"the compressed data is damaged or cut off ({error})",
        file=file.name,
        hint="Send the file again",
    )
