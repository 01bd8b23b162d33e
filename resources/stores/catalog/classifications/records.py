"""What the catalog says of classification sets. Immutable records, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pyarrow as pa

KEY = "Key"


@dataclass(frozen=True)
class StoredColumn:
    """A column as the set has it for good: name and type never change.

    Args:
        position: names it in the tables of values, so that any text may be a column's name.
        name: as files write it.
        type: `text`, `integer`, `float` or `list[string]`.
    """

    position: int
    name: str
    type: str


@dataclass(frozen=True)
class StoredSet:
    """A set as the catalog knows it."""

    id: int
    name: str
    version: int
    """Grows by one with each file and each undo that changes something; 0 is the empty set."""
    key_count: int
    oldest_version: int
    """The earliest version that an undo can go back to."""
    changed_at: datetime
    columns: tuple[StoredColumn, ...]


FileKind = Literal["file", "undo"]
FileOutcome = Literal["applied", "rejected", "skipped"]
"""`skipped`: a file of the watched place that was touched: what it says was taken from it before."""


@dataclass(frozen=True)
class FileFacts:
    """What is kept of a file (or of an undo), whatever becomes of it.

    Args:
        run_id: of the run that took it; a run has one entry, however often it is tried again.
        kind: a file, or the return to an earlier version.
        name: the file's name as its sender called it.
        sha256: of its bytes; empty for an undo.
        size_bytes: of the file.
        author: who sent it.
        details: how it was read, first errors and warnings ... as JSON can hold it.
    """

    run_id: str
    kind: FileKind
    name: str
    sha256: str
    size_bytes: int
    author: str
    counts: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FileEntry:
    """One line of a set's history."""

    facts: FileFacts
    outcome: FileOutcome
    version: int
    """The set's version after it."""
    recorded_at: datetime
    set_name: str = ""


@dataclass(frozen=True)
class HistoryFilter:
    """Which lines of the history.

    Args:
        set_name: of this set alone; empty for every set.
        outcomes: with one of these; empty for any.
        file: files whose name has this text in it.
        since: recorded then or later.
        until: recorded before.
        limit: at most so many, the newest; None for all.
    """

    set_name: str = ""
    outcomes: tuple[str, ...] = ()
    file: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True)
class RowChanges:
    """Rows to write: what a file changes and nothing else.

    Args:
        upserts: Key and every column, whole rows in key order, new or changed.
        old: the stored rows that are replaced or deleted, as they were, in key order.
        deleted: stored keys that go, in order.
    """

    upserts: pa.Table
    old: pa.Table
    deleted: pa.Array

    @property
    def replaced_count(self) -> int:
        """How many of the upserts replace a stored row."""
        return int(self.old.num_rows - len(self.deleted))

    @property
    def new_count(self) -> int:
        """How many of the upserts are new keys."""
        return int(self.upserts.num_rows - self.replaced_count)

    @property
    def is_empty(self) -> bool:
        """Nothing changes."""
        return not (self.upserts.num_rows or len(self.deleted))


@dataclass(frozen=True)
class StoredState:
    """Stored rows of a set at one version.

    Args:
        stored: the set; None when nothing was ever applied to it.
        table: Key and columns in the order asked for, in key order.
        is_whole: whether these are all rows of the set.
    """

    stored: StoredSet | None
    table: pa.Table
    is_whole: bool


@dataclass(frozen=True)
class EarlierRows:
    """What differs between what holds now and an earlier version.

    Args:
        stored: the set as it is now.
        keys: every key that has been written or deleted since, in order.
        table: those of them that the earlier version had, as they were then, in key order.
    """

    stored: StoredSet
    keys: pa.Array
    table: pa.Table
