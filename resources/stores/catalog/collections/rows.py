"""Items as rows: which columns are read, and what they are as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resources.stores.catalog.collections.records import FailedFile, StoredItem, to_moment

_COLUMNS = (
    "i.id",
    "d.path",
    "i.type",
    "i.title",
    "i.urls",
    "i.state",
    "i.place",
    "i.attempts",
    "i.made_by",
    "i.import_id",
    "i.created_at",
    "i.changed_at",
    "i.media",
    "i.metadata",
    "i.objects",
    "i.rule",
    "i.message",
    "i.error_url",
)
_AS_JSON_TEXT = {"i.media", "i.metadata"}
FAILURE_COLUMNS = "item_id, position, place, type, title, url, rule, message, attempts, failed_at"


def item_columns(*, is_sqlite: bool, metadata_limit: int | None = None) -> str:
    """What `to_item` reads, of items `i` and their folders `d`.

    Args:
        is_sqlite: whose columns they are.
        metadata_limit: most bytes of custom metadata; what is longer is left out. None: all is read.
    """
    own = {
        name: f"{name}::text" if name in _AS_JSON_TEXT and not is_sqlite else name
        for name in _COLUMNS
    }
    metadata = own["i.metadata"]
    size = f"length(CAST({metadata} AS BLOB))" if is_sqlite else f"octet_length({metadata})"
    if metadata_limit is not None:
        own["i.metadata"] = f"CASE WHEN {size} <= {metadata_limit:d} THEN {metadata} END"
    return ", ".join((*own.values(), size))


def to_item(row: Sequence[Any]) -> StoredItem:
    """A row of `item_columns`."""
    return StoredItem(
        id=row[0],
        folder=row[1],
        type=row[2],
        title=row[3],
        urls=tuple(row[4].split("\n")),
        state=row[5],
        place=row[6],
        attempts=row[7],
        made_by=row[8],
        import_id=row[9],
        created_at=to_moment(row[10]),
        changed_at=to_moment(row[11]),
        media=_bytes(row[12]),
        metadata=_bytes(row[13]),
        objects=_bytes(row[14]),
        rule=row[15] or "",
        message=row[16] or "",
        error_url=row[17] or "",
        metadata_size=row[18] or 0,
    )


def to_failed(row: Sequence[Any]) -> FailedFile:
    """A row of `FAILURE_COLUMNS`."""
    return FailedFile(
        item_id=row[0],
        position=row[1],
        row_or_pointer=row[2],
        type=row[3],
        title=row[4],
        object_url=row[5],
        rule=row[6],
        message=row[7],
        attempts=row[8],
        when=to_moment(row[9]),
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
