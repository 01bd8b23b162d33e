"""Classification sets in the catalog: what a set is, what it holds, what every file did. Exactly once a run.

What is committed is checked in the committing transaction: the run has no entry yet, the set has the version that the
changes were computed from. So a retry applies once, and of two runs at once one computes anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from resources.kernel.errors import ConflictError, GoneError, NotFoundError, SchemaMismatchError
from resources.kernel.records import BatchStream
from resources.stores.catalog.classifications.deltas import (
    DeltaPart,
    forget_deltas,
    read_deltas,
    write_delta,
)
from resources.stores.catalog.classifications.history import (
    find_entry,
    record,
    select_entries,
    select_history,
    to_entry,
)
from resources.stores.catalog.classifications.records import (
    KEY,
    EarlierRows,
    FileEntry,
    FileFacts,
    FileOutcome,
    HistoryFilter,
    RowChanges,
    StoredColumn,
    StoredSet,
    StoredState,
)
from resources.stores.catalog.classifications.rows import RowTable, schema_of
from resources.stores.catalog.classifications.rows_postgresql import PostgresRowTable
from resources.stores.catalog.classifications.rows_sqlite import SqliteRowTable
from resources.stores.catalog.classifications.tables import COLUMNS, FILES, SETS
from resources.stores.catalog.database import CatalogDatabase

Declared = Sequence[tuple[str, str]]
"""(name, type) of each column as the project declares it."""

SCAN_SHARE = 4
"""A file that names a quarter of the keys reads the whole table: in order, without look-ups."""


class ClassificationCatalog:
    """All sets of a catalog. Making the object touches nothing."""

    def __init__(self, database: CatalogDatabase) -> None:
        self.database = database

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Serialises the files of a set, wherever their runs are."""
        return self.database.lock(f"classification-{name}")

    def find(self, name: str) -> StoredSet | None:
        """A set; None when nothing was ever applied to it."""
        with self.database.read() as connection:
            return _find(connection, name)

    def find_all(self, names: Collection[str]) -> dict[str, StoredSet]:
        """Those of these sets to which something was ever applied, by name: one look, however many they are."""
        with self.database.read() as connection:
            return _find_all(connection, names)

    def entry(self, name: str, run_id: str) -> FileEntry | None:
        """What a run did to a set; None when it has not done it."""
        with self.database.read() as connection:
            return find_entry(connection, name, run_id)

    def history(self, wanted: str | HistoryFilter) -> list[FileEntry]:
        """Files and undos of a set, or those of a filter, newest first."""
        chosen = HistoryFilter(wanted) if isinstance(wanted, str) else wanted
        with self.database.read() as connection:
            return [to_entry(row) for row in connection.execute(select_history(chosen))]

    def recorded(self, run_ids: Collection[str]) -> set[tuple[str, str]]:
        """(set, run) of those of these runs that left a line in the history."""
        with self.database.read() as connection:
            rows = connection.execute(
                sa.select(SETS.c.name, FILES.c.run_id)
                .join(FILES, FILES.c.set_id == SETS.c.id)
                .where(FILES.c.run_id.in_(run_ids))
            )
            return {(row.name, row.run_id) for row in rows}

    def last_of(self, name: str, file: str, author: str) -> FileEntry | None:
        """What became last of a file of this name that came from `author`; None when there was none."""
        from_there = select_entries(name).where(FILES.c.file_name == file, FILES.c.author == author)
        with self.database.read() as connection:
            row = connection.execute(from_there.limit(1)).one_or_none()
        return None if row is None else to_entry(row)

    def check_columns(self, name: str, declared: Declared) -> StoredSet | None:
        """The set, whose columns are compared with those declared.

        Raises:
            SchemaMismatchError: a column was removed or got another type.
        """
        stored = self.find(name)
        if stored is not None:
            added_columns(stored, declared)
        return stored

    def read(self, name: str, declared: Declared, keys: pa.Array) -> StoredState:
        """The stored rows of these keys, or all rows when that is cheaper, and the version that they are of.

        Raises:
            SchemaMismatchError: see `check_columns`.
        """
        with self.database.read() as connection:
            stored = _find(connection, name)
            if stored is None:
                return StoredState(None, _empty(declared), is_whole=True)
            added = added_columns(stored, declared)
            table = self._rows(connection, stored)
            known = [column for column, _ in declared if column not in added]
            is_whole = len(keys) * SCAN_SHARE >= stored.key_count
            batches = table.scan(known) if is_whole else table.find(keys.to_pylist(), known)
            found = pa.Table.from_batches(batches, table.schema(known))
        return StoredState(stored, _completed(found, declared), is_whole=is_whole)

    @contextmanager
    def stream(
        self, name: str, declared: Declared
    ) -> Iterator[tuple[StoredSet | None, BatchStream]]:
        """All rows of a set in key order, from one snapshot, memory bounded."""
        empty = _empty(declared)
        with self.database.read() as connection:
            stored = _find(connection, name)
            if stored is None:
                yield None, BatchStream(empty.schema, iter(empty.to_batches()))
                return
            added = added_columns(stored, declared)
            known = [column for column, _ in declared if column not in added]
            # A caller that stops half-way leaves a cursor open; it must be closed before the connection.
            with closing(self._rows(connection, stored).scan(known)) as batches:
                yield stored, BatchStream(empty.schema, _completed_batches(batches, declared))

    def apply(
        self,
        name: str,
        declared: Declared,
        changes: RowChanges,
        facts: FileFacts,
        *,
        base_version: int,
        keep: int,
    ) -> FileEntry:
        """Commits what a file changes, its line of history, and the set's new version: all or nothing, once a run.

        Args:
            name: of the set.
            declared: its columns; new ones are added.
            changes: computed from `base_version`.
            facts: of the file.
            base_version: the version read.
            keep: how many earlier versions stay within reach of an undo.

        Raises:
            ConflictError: the set has another version by now.
            SchemaMismatchError: see `check_columns`.
        """
        with self.database.write() as connection:
            stored = self._ensured(connection, name, declared)
            done = find_entry(connection, name, facts.run_id)
            if done is not None:
                return done
            if stored.version != base_version:
                raise ConflictError(
                    f"classification set {name!r} has version {stored.version}, not {base_version}:"
                    " another file was applied meanwhile",
                    hint="Try again: the changes are then computed anew",
                )
            version = stored.version
            if not changes.is_empty:
                version += 1
                self._rows(connection, stored).write(changes)
                write_delta(connection, stored.id, version, changes)
                self._advance(connection, stored, changes, keep=keep)
            return record(connection, stored, facts, "applied", version)

    def earlier(self, name: str, declared: Declared, wanted: int) -> EarlierRows:
        """What an undo to version `wanted` has to bring back.

        Raises:
            NotFoundError: there is no such version; `GoneError` when it is no longer within reach.
        """
        schema = _empty(declared).schema
        with self.database.read() as connection:
            stored = _find(connection, name)
            if stored is None:
                raise NotFoundError(f"classification set {name!r} has taken no file yet")
            check_undo(stored, wanted)
            keys, pieces = pa.array([], pa.string()), [schema.empty_table()]
            # Oldest first: what a key was before the first version that touched it is what it was then.
            for _, delta in groupby(read_deltas(connection, stored.id, wanted), _version_of):
                touched = []
                for part in delta:
                    fresh = _without(part.rows, keys)  # a version names a key once
                    touched.extend(fresh.column(KEY).chunks)
                    if part.was_stored:
                        pieces.append(_completed(fresh, declared))
                keys = pa.concat_arrays([keys, *touched])
        if not _is_ascending(keys):
            keys = keys.take(pc.sort_indices(keys))
        table = pa.concat_tables(pieces)
        is_in_order = _is_ascending(table.column(KEY))
        return EarlierRows(stored, keys, table if is_in_order else table.sort_by(KEY))

    def note(
        self, name: str, declared: Declared, facts: FileFacts, outcome: FileOutcome
    ) -> FileEntry:
        """Notes a file that changes nothing, because it was refused or skipped; once a run."""
        with self.database.write() as connection:
            stored = self._ensured(connection, name, declared)
            done = find_entry(connection, name, facts.run_id)
            return done or record(connection, stored, facts, outcome, stored.version)

    def _advance(
        self, connection: sa.Connection, stored: StoredSet, changes: RowChanges, *, keep: int
    ) -> None:
        oldest = max(stored.oldest_version, stored.version + 1 - keep)
        forget_deltas(connection, stored.id, oldest)
        connection.execute(
            sa.update(SETS)
            .where(SETS.c.id == stored.id)
            .values(
                version=stored.version + 1,
                key_count=stored.key_count + changes.new_count - len(changes.deleted),
                oldest_version=oldest,
                changed_at=_now(),
            )
        )

    def _rows(self, connection: sa.Connection, stored: StoredSet) -> RowTable:
        kind = SqliteRowTable if self.database.is_sqlite else PostgresRowTable
        return kind(connection, stored.id, stored.columns)

    def _ensured(self, connection: sa.Connection, name: str, declared: Declared) -> StoredSet:
        """The set with the columns declared; made, or given its new columns, in this transaction."""
        values = {"name": name, "version": 0, "key_count": 0, "oldest_version": 0}
        made = connection.execute(
            sa.text(
                "INSERT INTO classification_sets (name, version, key_count, oldest_version, changed_at)"
                " VALUES (:name, :version, :key_count, :oldest_version, :now)"
                " ON CONFLICT (name) DO NOTHING"
            ),
            {**values, "now": _now()},
        )
        is_new = bool(made.rowcount)
        # On PostgreSQL other writers of this set wait here; on SQLite the whole file is locked.
        connection.execute(sa.select(SETS.c.id).where(SETS.c.name == name).with_for_update())
        stored = _known(connection, name)
        added = added_columns(stored, declared)
        first = len(stored.columns)
        columns = [StoredColumn(first + n, *column) for n, column in enumerate(added.items())]
        if columns:
            rows = [{"set_id": stored.id, **vars(column)} for column in columns]
            connection.execute(sa.insert(COLUMNS), rows)
            stored = _known(connection, name)
        table = self._rows(connection, stored)
        if is_new:
            table.create()
        else:
            for column in columns:
                table.add(column)
        return stored


def added_columns(stored: StoredSet, declared: Declared) -> dict[str, str]:
    """The declared columns that the set lacks so far: name, type.

    Raises:
        SchemaMismatchError: a column was removed or got another type, neither of which can change.
    """
    given = dict(declared)
    known = {column.name: column.type for column in stored.columns}
    removed = [name for name in known if name not in given]
    retyped = [
        f"{name!r} from {known[name]} to {kind}"
        for name, kind in given.items()
        if known.get(name, kind) != kind
    ]
    if removed or retyped:
        parts = [f"removed {', '.join(map(repr, removed))}"] if removed else []
        parts += [f"changed {', '.join(retyped)}"] if retyped else []
        raise SchemaMismatchError(
            f"classification set {stored.name!r}: the declaration has {' and '.join(parts)}",
            hint="A column's name and type stay as they were first; add a new column, or declare a new set",
            removed=removed,
            retyped=retyped,
        )
    return {name: kind for name, kind in given.items() if name not in known}


def check_undo(stored: StoredSet, wanted: int) -> None:
    """Whether a set can go back to version `wanted`.

    Raises:
        NotFoundError: there is no such version, or it is the one that holds.
        GoneError: it is no longer within reach.
    """
    reach = f"It can go back to versions {stored.oldest_version} to {stored.version - 1}"
    if stored.version == stored.oldest_version:
        reach = "Nothing was applied to it yet"
    what = f"classification set {stored.name!r}, version {wanted}"
    if wanted == stored.version:
        raise NotFoundError(f"{what}: it holds already", hint=reach)
    if not 0 <= wanted < stored.version:
        raise NotFoundError(f"{what}: there is none", hint=reach)
    if wanted < stored.oldest_version:
        raise GoneError(f"{what}: it is no longer kept", hint=reach)


def _find(connection: sa.Connection, name: str) -> StoredSet | None:
    return _find_all(connection, [name]).get(name)


def _find_all(connection: sa.Connection, names: Collection[str]) -> dict[str, StoredSet]:
    rows = connection.execute(sa.select(SETS).where(SETS.c.name.in_(names))).all()
    columns: dict[int, list[StoredColumn]] = {}
    wanted = [COLUMNS.c.set_id, COLUMNS.c.position, COLUMNS.c.name, COLUMNS.c.type]
    of_sets = COLUMNS.c.set_id.in_([row.id for row in rows])
    for found in connection.execute(sa.select(*wanted).where(of_sets).order_by(COLUMNS.c.position)):
        columns.setdefault(found.set_id, []).append(
            StoredColumn(found.position, found.name, found.type)
        )
    return {
        row.name: StoredSet(
            id=row.id,
            name=row.name,
            version=row.version,
            key_count=row.key_count,
            oldest_version=row.oldest_version,
            changed_at=datetime.fromisoformat(row.changed_at),
            columns=tuple(columns.get(row.id, ())),
        )
        for row in rows
    }


def _known(connection: sa.Connection, name: str) -> StoredSet:
    found = _find(connection, name)
    assert found is not None  # noqa: S101 - for the type checker: made in this transaction at the latest
    return found


def _empty(declared: Declared) -> pa.Table:
    types = dict(declared)
    return schema_of(types, types).empty_table()


def _version_of(part: DeltaPart) -> int:
    return part.version


def _without(rows: pa.Table, keys: pa.Array) -> pa.Table:
    """The rows of other keys; no copy where there are no keys."""
    return rows.filter(pc.invert(pc.is_in(rows.column(KEY), keys))) if len(keys) else rows


def _is_ascending(keys: pa.Array | pa.ChunkedArray) -> bool:
    return len(keys) < 2 or bool(
        pc.all(pc.less(keys.slice(0, len(keys) - 1), keys.slice(1))).as_py()
    )


def _completed(table: pa.Table, declared: Declared) -> pa.Table:
    """The table with null columns for what was declared since, in the order declared."""
    schema = _empty(declared).schema
    arrays = [
        table.column(field.name)
        if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)


def _completed_batches(
    batches: Iterator[pa.RecordBatch], declared: Declared
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield from _completed(pa.Table.from_batches([batch]), declared).to_batches()


def _now() -> str:
    return datetime.now(UTC).isoformat()
