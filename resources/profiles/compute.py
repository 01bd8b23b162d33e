"""The profile of a stored table: its columns block by block, then its rows as wholes, then pairs of columns."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from resources.kernel.keys import Key
from resources.kernel.temporal_text import temporal_texts
from resources.profiles.associations import associate
from resources.profiles.counting import Block, Counter
from resources.profiles.extremes import is_beyond_duckdb, profile_of_extremes
from resources.profiles.judging import warnings_of
from resources.profiles.kept import content_of
from resources.profiles.kinds import CountedColumn, column_of, cut
from resources.profiles.ordered_columns import profile_ordered
from resources.profiles.record import (
    SAMPLE_ROWS,
    Association,
    ColumnProfile,
    MissingPattern,
    Note,
    Profile,
    ProfiledVersion,
    SampleRows,
)
from resources.profiles.session import Session, UnreadableError, open_session, readable
from resources.profiles.streamed import StreamedColumns, value_sizes
from resources.profiles.unordered_columns import profile_unordered, spelled_columns
from resources.profiles.whole_rows import count_duplicates, missing_patterns
from resources.stores.tables import StoredTable

Tell = Callable[[str], None]
"""Hears what is being done."""


def compute_profile(key: Key, table: StoredTable, *, tell: Tell = lambda _: None) -> Profile:
    """The profile of a version of a table.

    Args:
        key: of the table.
        table: the version.
        tell: hears of each step.

    Raises:
        IntegrityError: a file is damaged or missing (E53).
        GoneError: the version was collected meanwhile (E51).
        StorageError: neither memory nor temporary disk is enough.
        InputError: DuckDB cannot read the rows.
    """
    started = time.monotonic()
    with open_session(table) as session:
        work = _Work(session, tell)
        profiles = work.columns()
        duplicates = work.duplicates()
        patterns = work.missingness()
        associations = work.associations()
        sample = _sample(table)
    return Profile(
        of=ProfiledVersion(key, table.version.number, content_of(table.version)),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - started, 3),
        rows=table.rows,
        size_bytes=table.version.size_bytes,
        memory_bytes=sum(work.memory(profile) for profile in profiles),
        missing_cells=sum(profile.missing for profile in profiles),
        duplicate_rows=duplicates,
        columns=tuple(profiles),
        associations=associations,
        missingness=patterns,
        sample=sample,
        notes=tuple(work.notes),
    )


class _Work:
    """One table on the way to its profile."""

    def __init__(self, session: Session, tell: Tell) -> None:
        self._session, self._tell = session, tell
        self._columns = [
            column_of(place, field) for place, field in enumerate(session.table.schema)
        ]
        self._sizes = value_sizes(session, self._columns)
        self._streamed = StreamedColumns(session, self._columns, self._sizes)
        self._profiles: list[ColumnProfile] = []
        self.notes: list[Note] = []

    def columns(self) -> list[ColumnProfile]:
        """The profiles of all columns, in order."""
        counter = Counter(self._session, self._streamed, self._sizes)
        found = [
            profile
            for block in counter.blocks(self._columns)
            for profile in self._block(counter, block)
        ]
        self._profiles = sorted(found, key=lambda profile: profile.position)
        hashed = tuple(column.name for column in self._columns if column.family == "hashed")
        if hashed:
            text = "Lists, structs, maps and bytes are told apart by a hash of 64 bits"
            self.notes.append(Note("distinct", text, hashed))
        return self._profiles

    def duplicates(self) -> int | None:
        """Rows that repeat an earlier one."""
        self._tell("rows that are repeated")
        if unread := self._unread():
            text = "Repeated rows were not counted: DuckDB cannot read all columns as they are"
            self.notes.append(Note("duplicates", text, unread))
            return None
        return count_duplicates(self._session, self._streamed, self._columns, self._profiles)

    def missingness(self) -> tuple[MissingPattern, ...]:
        """Which cells are missing together."""
        self._tell("missing cells")
        patterns, notes = missing_patterns(
            self._session, self._streamed, self._columns, self._profiles
        )
        self.notes += notes
        return patterns

    def associations(self) -> tuple[Association, ...]:
        """Which columns go together."""
        self._tell("associations")
        found, notes = associate(self._session, self._columns, self._profiles)
        self.notes += notes
        return found

    def memory(self, profile: ColumnProfile) -> int:
        """Bytes of a column in Arrow: by its type, and by the lengths of its values."""
        rows = self._session.table.rows
        bits = -(-rows // 8) if profile.missing else 0
        with suppress(ValueError):  # of a type whose values have no fixed width
            width = int(self._columns[profile.position].field.type.bit_width)
            return bits + -(-rows * width // 8)
        return bits + 4 * (rows + 1) + self._value_bytes(profile)

    def _value_bytes(self, profile: ColumnProfile) -> int:
        """Characters count as bytes; lists and structs as Parquet has them before compression."""
        rows = self._session.table.rows
        if profile.kind != "nested" and profile.lengths is not None:
            return round(profile.lengths.mean * profile.present(rows))
        return round(self._sizes.get(profile.position, 0) * rows)

    def _block(self, counter: Counter, block: Block) -> list[ColumnProfile]:
        names = ", ".join(column.name for column in block.columns[:3])
        self._tell(
            names if len(block.columns) <= 3 else f"{names} and {len(block.columns) - 3} more"
        )
        if any(is_beyond_duckdb(column) for column in block.columns):
            return [
                self._unreadable(column, "it has more than 38 digits") for column in block.columns
            ]
        try:
            with readable():
                counter.count(block)
                return self._counted(block)
        except UnreadableError as error:
            if len(block.columns) > 1:
                singles = (Block((column,), block.is_measured) for column in block.columns)
                return [profile for single in singles for profile in self._block(counter, single)]
            return [self._unreadable(block.columns[0], str(error))]

    def _counted(self, block: Block) -> list[ColumnProfile]:
        if block.columns[0].is_ordered:
            found, spelled = profile_ordered(self._session, block), {}
        else:
            found = profile_unordered(self._session, block)
            spelled = spelled_columns(self._session, block, found)
        rows = self._session.table.rows
        return [
            replace(one, warnings=warnings_of(one, rows, spelled.get(one.position, "")))
            for one in found
        ]

    def _unreadable(self, column: CountedColumn, reason: str) -> ColumnProfile:
        """What Arrow alone tells of a column."""
        text = f"Of {column.name!r} only its extremes and missing cells are told: {reason}"
        self.notes.append(Note("columns", text, (column.name,)))
        return profile_of_extremes(self._session, column)

    def _unread(self) -> tuple[str, ...]:
        return tuple(
            name for note in self.notes if note.about == "columns" for name in note.columns
        )


def _sample(table: StoredTable) -> SampleRows:
    rows = table.sample(SAMPLE_ROWS)
    columns = [_shown_cells(column) for column in rows.columns]
    return SampleRows(
        tuple(rows.column_names), tuple(zip(*columns, strict=True)) if rows.num_rows else ()
    )


def _shown_cells(column: pa.ChunkedArray) -> list[str | None]:
    kind = column.type
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return temporal_texts(column)
    return [_shown_cell(value) for value in column.to_pylist()]


def _shown_cell(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return cut(f"{value:f}" if isinstance(value, Decimal) else str(value))
