"""Two versions of a dataset compared, within limits of memory and disk, as people and programs are shown it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets.transforms.sandbox import lock_in, open_sandbox
from orchestration.services.rows.cells import shown_rows
from resources.kernel.errors import InputError, IntegrityError
from resources.kernel.keys import Key
from resources.scratch import ScratchFolder
from resources.stores.tables import StoredTable, TableStore

if TYPE_CHECKING:
    from resources.comparison.columns import ColumnPair
    from resources.comparison.compare import TableComparison
    from resources.comparison.found import Differences, FoundChange, FoundRow

MEMORY = "600MB"
SPILL = "50GB"
SECONDS = 1800.0
CUT_AT = 200
"""Characters of a value that are shown."""
_CELLS = 30
"""Values of an example that are shown; of a changed row those that have changed come alone."""


@dataclass(frozen=True)
class NamedType:
    """A column that only one version has."""

    column: str
    type: str


@dataclass(frozen=True)
class Retyped:
    """A column whose type has changed."""

    column: str
    before: str
    after: str


@dataclass(frozen=True)
class Renamed:
    """A column whose name has changed by case alone."""

    before: str
    after: str


@dataclass(frozen=True)
class NotCompared:
    """A column whose values were not compared."""

    column: str
    reason: str


@dataclass(frozen=True)
class ColumnChanges:
    """In how many rows the value of a column has changed."""

    column: str
    rows: int


@dataclass(frozen=True)
class CellValue:
    """A value, as JSON has it."""

    column: str
    value: Any


@dataclass(frozen=True)
class ChangedCell:
    """A value before and after."""

    column: str
    before: Any
    after: Any


@dataclass(frozen=True)
class OneRow:
    """A row that only one version has."""

    number: int
    """In its version, from 1."""
    cells: tuple[CellValue, ...]
    more_cells: int = 0
    """Values that are not shown."""
    times: int = 1
    """Without a key: how many times more it is there than in the other version."""


@dataclass(frozen=True)
class ChangedRow:
    """A row whose key both versions have, with other values."""

    before: int
    """Its number in the version before, from 1."""
    after: int
    key: tuple[CellValue, ...]
    changes: tuple[ChangedCell, ...]
    more_changes: int = 0


@dataclass(frozen=True)
class Comparison:
    """What has changed from one version to another."""

    dataset: str
    from_version: int
    to_version: int
    key: tuple[str, ...]
    """Columns that tell rows apart; empty: whole rows were compared, and one that has changed is one removed and one added."""
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    unchanged: int
    columns_added: tuple[NamedType, ...]
    columns_removed: tuple[NamedType, ...]
    columns_retyped: tuple[Retyped, ...]
    columns_renamed: tuple[Renamed, ...]
    is_reordered: bool
    """Whether the columns of both stand in another order."""
    not_compared: tuple[NotCompared, ...]
    added_rows: tuple[OneRow, ...]
    """At most 20, as of the other two."""
    removed_rows: tuple[OneRow, ...]
    changed_rows: tuple[ChangedRow, ...]
    column_changes: tuple[ColumnChanges, ...]
    """Columns whose values have changed, the most often first."""
    counted_changes: int
    """Of so many changed rows, the first ones, those numbers are."""
    seconds: float

    @property
    def is_same(self) -> bool:
        """Whether nothing differs, neither in rows nor in columns; of values that cannot be compared nobody knows."""
        columns = (
            self.columns_added,
            self.columns_removed,
            self.columns_retyped,
            self.columns_renamed,
            self.not_compared,
        )
        return not (self.added or self.removed or self.changed or any(columns))


def compared_by(declared: Sequence[str], asked: Sequence[str] | None) -> list[str]:
    """The columns that tell rows apart: those that were asked for, else those that the dataset declares.

    Args:
        declared: `key` of the declaration.
        asked: names, blank ones aside: only blank ones ask for whole rows; None or nothing: as declared.
    """
    if not asked:
        return list(declared)
    return [name.strip() for name in asked if name.strip()]


def compare_versions(
    store: TableStore,
    key: Key,
    *,
    before: str,
    after: str = "",
    by: Sequence[str] = (),
) -> Comparison:
    """What has changed between two versions of a dataset.

    Args:
        store: where it is kept.
        key: of the dataset.
        before: the version to begin with, by its number or a tag.
        after: the other one; the newest by default.
        by: columns that tell rows apart; without one whole rows are compared.

    Raises:
        NotFoundError: no such version or tag; `GoneError` when it has been collected.
        InputError: the key is none, or the comparison takes more than it may.
        IntegrityError: a file is damaged.
    """
    started = time.monotonic()
    item = store.item(key)
    newest = item.read_latest(lambda manifest: manifest.number)
    one = item.tagging.find(before)
    other = item.tagging.find(after) if after else newest
    tables = store.read(key, one), store.read(key, other)
    with _opened(tables) as comparison, _explained(tables[0].name):
        found = comparison.run(list(by))
        chosen = [comparison.columns.pair(name) for name in by]
        told = _told(comparison, found, chosen, tables)
    seconds = round(time.monotonic() - started, 3)
    return Comparison(dataset=key[-1], from_version=one, to_version=other, seconds=seconds, **told)


def _told(
    comparison: TableComparison,
    found: Differences,
    key: Sequence[ColumnPair],
    tables: tuple[StoredTable, StoredTable],
) -> dict[str, Any]:
    columns = comparison.columns
    are_read = any(side.rows for side in comparison.sides)  # else both are the same files
    counted = [pair for pair in columns.compared if pair not in set(key)]
    counts = sorted(zip(counted, found.changes_of_columns, strict=False), key=lambda one: -one[1])
    return {
        "key": tuple(pair.name for pair in key),
        "rows_before": tables[0].rows,
        "rows_after": tables[1].rows,
        "added": found.added,
        "removed": found.removed,
        "changed": found.changed,
        "unchanged": tables[1].rows - found.added - found.changed,
        "columns_added": tuple(NamedType(*column) for column in columns.added),
        "columns_removed": tuple(NamedType(*column) for column in columns.removed),
        "columns_retyped": tuple(Retyped(*column) for column in columns.retyped),
        "columns_renamed": tuple(Renamed(*column) for column in columns.renamed),
        "is_reordered": columns.is_reordered,
        "not_compared": tuple(
            NotCompared(pair.name, pair.reason)
            for pair in columns.pairs
            if pair.reason and are_read
        ),
        "added_rows": _rows(comparison, 1, found.added_rows, key),
        "removed_rows": _rows(comparison, 0, found.removed_rows, key),
        "changed_rows": _changed(comparison, found.changed_rows, key),
        "column_changes": tuple(ColumnChanges(pair.name, n) for pair, n in counts if n),
        "counted_changes": found.counted_changes,
    }


@contextmanager
def _opened(tables: tuple[StoredTable, StoredTable]) -> Iterator[TableComparison]:
    from resources.comparison.compare import TableComparison

    with ExitStack() as stack:
        scratch = stack.enter_context(ScratchFolder("compare")).name
        connection = stack.enter_context(open_sandbox(scratch, memory=MEMORY, spill=SPILL))
        comparison = TableComparison(connection, *tables)
        connection.execute("SET preserve_insertion_order = false")  # what that takes is memory
        lock_in(connection, [Path(scratch), *comparison.folders])
        yield comparison


@contextmanager
def _explained(name: str) -> Iterator[None]:
    import duckdb

    try:
        yield
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise InputError(
            f"comparing versions of {name} takes more than {MEMORY} of memory and {SPILL} of disk",
            hint="Compare fewer columns: make a transform that leaves some out",
        ) from error
    except duckdb.Error as error:
        raise IntegrityError(
            f"versions of {name} cannot be compared: {' '.join(str(error).split())[:200]}",
            hint="Import it again, or compare other versions",
        ) from error


def _rows(
    comparison: TableComparison, side: int, found: Sequence[FoundRow], key: Sequence[ColumnPair]
) -> tuple[OneRow, ...]:
    """Examples with their first values, those of the key before all others."""
    if not found:
        return ()
    opened = comparison.sides[side]
    names = opened.part.schema.names
    first = [pair.name if side else pair.before for pair in key]
    shown = [*first, *(name for name in names if name not in set(first))][:_CELLS]
    rows, _ = shown_rows(opened.rows_at([one.number for one in found], shown), CUT_AT)
    return tuple(
        OneRow(
            number=opened.number_in_version(one.number),
            cells=tuple(map(CellValue, shown, row)),
            more_cells=len(names) - len(shown),
            times=one.times,
        )
        for one, row in zip(found, rows, strict=True)
    )


def _changed(
    comparison: TableComparison, found: Sequence[FoundChange], key: Sequence[ColumnPair]
) -> tuple[ChangedRow, ...]:
    changed = comparison.changed_columns(found)
    return tuple(
        _changed_row(comparison, one, key, pairs) for one, pairs in zip(found, changed, strict=True)
    )


def _changed_row(
    comparison: TableComparison,
    found: FoundChange,
    key: Sequence[ColumnPair],
    pairs: list[ColumnPair],
) -> ChangedRow:
    one, other = comparison.sides
    shown = pairs[:_CELLS]
    wanted = [*key, *shown]
    (before,), _ = shown_rows(one.rows_at([found.before], [pair.before for pair in wanted]), CUT_AT)
    (after,), _ = shown_rows(other.rows_at([found.after], [pair.name for pair in wanted]), CUT_AT)
    cells = list(zip(wanted, before, after, strict=True))
    return ChangedRow(
        before=one.number_in_version(found.before),
        after=other.number_in_version(found.after),
        key=tuple(CellValue(pair.name, new) for pair, _, new in cells[: len(key)]),
        changes=tuple(ChangedCell(pair.name, old, new) for pair, old, new in cells[len(key) :]),
        more_changes=len(pairs) - len(shown),
    )
