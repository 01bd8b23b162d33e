"""Several Parquet files as one, without reading a value: their row groups byte for byte, and one footer for all.

A footer says where in the file each column of each row group begins; those places move with the bytes that come before. What
lies in a file beside its row groups moves along unread. Page indexes are left out of the new footer: they hold places that
nobody moves, and no reader needs them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from resources.formats.thrift_compact import I16, I64, LIST, STRUCT, Items, Struct, decode, encode

MAGIC = b"PAR1"
_PIECE = 1 << 20
_FOOTER_LIMIT_BYTES = 256_000_000
# Numbers of fields in parquet.thrift.
_SCHEMA, _ROWS, _GROUPS, _TEXTS, _ENCRYPTION = 2, 3, 4, 5, 8
_COLUMNS, _GROUP_PLACE, _ORDINAL = 1, 5, 7
_CHUNK_FILE, _CHUNK_PLACE, _CHUNK_FACTS, _CHUNK_INDEXES = 1, 2, 3, (4, 5, 6, 7)
_CHUNK_SECRETS = (8, 9)
_PLACES = (9, 10, 11, 14)
"""Of data, index and dictionary pages and of bloom filters, in the facts of a column chunk."""


@dataclass(frozen=True)
class _Part:
    path: Path
    body_bytes: int
    """Between the magic number at its start and its footer."""
    footer: Struct


@dataclass(frozen=True)
class JoinedParquet:
    """A file that is made of others.

    Args:
        size_bytes: its length.
        chunks: its bytes.
    """

    size_bytes: int
    chunks: Iterator[bytes]


def join_parquet(paths: Sequence[Path]) -> JoinedParquet | None:
    """The files as one; None where they do not fit together as they are: other columns, types, or encrypted.

    Raises:
        InputError: one has no footer that can be read.
    """
    parts = [_read(path) for path in paths]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    first = known[0].footer
    for part in known[1:]:
        if any(part.footer.get(name) != first.get(name) for name in (_SCHEMA, _TEXTS)):
            return None
    footer = encode(_whole(known))
    size = len(MAGIC) + sum(part.body_bytes for part in known) + len(footer) + 4 + len(MAGIC)
    return JoinedParquet(size, _bytes(known, footer))


def _read(path: Path) -> _Part | None:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size < 12:
            return None
        file.seek(size - 8)
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC or length > min(size - 12, _FOOTER_LIMIT_BYTES):
            return None
        file.seek(size - 8 - length)
        footer = decode(file.read(length))
    if _ENCRYPTION in footer.fields or not all(map(_is_plain, _chunks(footer))):
        return None
    return _Part(path, size - 8 - length - len(MAGIC), footer)


def _chunks(footer: Struct) -> Iterator[Struct]:
    groups: Items = footer.get(_GROUPS, Items(STRUCT, []))
    for group in groups.values:
        yield from group.get(_COLUMNS).values


def _is_plain(chunk: Struct) -> bool:
    """Whether a column's data stands in the file itself, for anybody to read."""
    return _CHUNK_FILE not in chunk.fields and not any(n in chunk.fields for n in _CHUNK_SECRETS)


def _whole(parts: Sequence[_Part]) -> Struct:
    whole = Struct(dict(parts[0].footer.fields))
    groups: list[Struct] = []
    moved = 0
    for part in parts:
        for group in part.footer.get(_GROUPS, Items(STRUCT, [])).values:
            _move(group, moved, len(groups))
            groups.append(group)
        moved += part.body_bytes
    whole.put(_ROWS, I64, sum(part.footer.get(_ROWS) for part in parts))
    whole.put(_GROUPS, LIST, Items(STRUCT, groups))
    return whole


def _move(group: Struct, by: int, number: int) -> None:
    _shift(group, _GROUP_PLACE, by)
    if _ORDINAL in group.fields:
        group.fields.pop(_ORDINAL)
        if number < 1 << 15:
            group.put(_ORDINAL, I16, number)
    for chunk in group.get(_COLUMNS).values:
        _shift(chunk, _CHUNK_PLACE, by)
        for place in _PLACES:
            _shift(chunk.get(_CHUNK_FACTS), place, by)
        for name in _CHUNK_INDEXES:
            chunk.fields.pop(name, None)


def _shift(struct: Struct, name: int, by: int) -> None:
    """Moves a place; 0 stands for none."""
    if struct.get(name):
        struct.put(name, I64, struct.get(name) + by)


def _bytes(parts: Sequence[_Part], footer: bytes) -> Iterator[bytes]:
    yield MAGIC
    for part in parts:
        with part.path.open("rb") as file:
            file.seek(len(MAGIC))
            left = part.body_bytes
            while left:
                piece = file.read(min(_PIECE, left))
                if not piece:
                    raise OSError(f"{part.path.name} ended while it was read")
                left -= len(piece)
                yield piece
    yield footer
    yield len(footer).to_bytes(4, "little") + MAGIC
