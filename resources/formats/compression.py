"""Compressed files as streams of bytes: gzip, bzip2 and Zstandard, told by their first bytes and not by their names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from resources.formats.files import SourceFile
from resources.kernel.errors import ParseError

BLOCK_BYTES = 8 * 1024 * 1024
ENDINGS = (".gz", ".bz2", ".zst")
_KINDS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}


def compression_of(file: SourceFile) -> str | None:
    """`gzip`, `bz2` or `zstd`; None for plain bytes."""
    with file.path.open("rb") as opened:
        head = opened.read(4)
    return next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), None)


@contextmanager
def _open_bytes(file: SourceFile) -> Iterator[pa.NativeFile]:
    """The file with its compression undone."""
    kind = compression_of(file)
    with pa.OSFile(str(file.path), "rb") as raw:
        if kind is None:
            yield raw
            return
        with pa.CompressedInputStream(raw, kind) as stream:
            yield stream


def read_blocks(file: SourceFile, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The file's bytes in blocks of about `size`, decompressed and not yet decoded.

    Raises:
        ParseError: compressed data that is damaged or cut off (E5).
    """
    with _open_bytes(file) as stream:
        while True:
            try:
                block = stream.read(size)
            except OSError as error:
                if error.errno is not None:
                    raise
                raise ParseError(
                    f"the compressed data is damaged or cut off ({error})",
                    file=file.name,
                    hint="Send the file again",
                ) from error
            if not block:
                return
            yield block
