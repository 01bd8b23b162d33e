"""What an export does to the table it meets: make it, keep it, widen it, or refuse (E19-E21).

Pure: compares the columns to write with the columns that are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from resources.connectors.sql.writing.columns import WrittenColumn
from resources.connectors.sql.writing.dialect import ExportDialect
from resources.kernel.errors import InputError, SchemaMismatchError
from resources.kernel.records import ExportRequest, TableName

FilledBy = Literal["nobody", "default", "identity", "generated"]


@dataclass(frozen=True)
class TargetColumn:
    """A column of a table that exists.

    Args:
        name: as the database spells it.
        type: as the database prints it.
        required: NOT NULL.
        filled_by: what gives a value to a row that brings none.
        is_wrapped: values of this type are not sent as such: an array of a domain.
    """

    name: str
    type: str
    required: bool = False
    filled_by: FilledBy = "nobody"
    is_wrapped: bool = False


@dataclass(frozen=True)
class ReferringKey:
    """A foreign key of another table that refers to the target."""

    table: str
    constraint: str
    deletes: str
    """What a DELETE would do to that table's rows; empty when it is refused instead."""


@dataclass(frozen=True)
class Cast:
    """A column whose values arrive in another type than the table's column has.

    Args:
        column: the data.
        name: the target column.
        type: its type.
    """

    column: WrittenColumn
    name: str
    type: str


@dataclass(frozen=True)
class TablePlan:
    """What is to be done.

    Args:
        action: make the table, write into it as it is, or drop and make it again.
        pairs: the columns to write and the names they have in the target.
        added: columns that the target gets.
        exact: every target column has the very type in which its values arrive, so that none needs a cast.
        casts: columns whose values change their type on the way into a table that is kept.
        only_nulls: columns that the table has no type for, so that they must be null in every row.
        warnings: what the user should know.
    """

    action: Literal["create", "keep", "recreate"]
    pairs: tuple[tuple[WrittenColumn, str], ...]
    added: tuple[WrittenColumn, ...] = ()
    exact: bool = True
    casts: tuple[Cast, ...] = ()
    only_nulls: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


def plan_table(
    columns: Sequence[WrittenColumn],
    target: Sequence[TargetColumn] | None,
    *,
    table: TableName,
    request: ExportRequest,
    dialect: ExportDialect,
    empty: frozenset[str] = frozenset(),
) -> TablePlan:
    """Decides what happens to `table`, which has the columns `target`, or does not exist when that is None.

    Args:
        columns: what is written.
        target: what is there.
        table: where.
        request: the export.
        dialect: the kind of database.
        empty: columns that hold no value as far as is known yet: a column of nulls has no type of its own.

    Raises:
        InputError: the table exists and the mode never touches an existing one.
        SchemaMismatchError: columns were removed or retyped, or are not for us to fill; all are listed.
    """
    if target is None:
        exact = all(column.staged == column.type.sql for column in columns)
        pairs = tuple((column, column.name) for column in columns)
        return TablePlan(action="create", pairs=pairs, exact=exact)
    if request.mode in ("safe", "timestamp"):
        raise InputError(
            f"table {table} exists already and mode {request.mode!r} never changes an existing table",
            hint="Choose another table name, or mode `overwrite` or `append`",
            table=str(table),
        )
    problems = _find_problems(columns, target, dialect, empty)
    if problems and request.mode == "overwrite" and request.on_schema_change == "recreate":
        exact = all(column.staged == column.type.sql for column in columns)
        pairs = tuple((column, column.name) for column in columns)
        warning = f"table {table} was dropped and made again: {'; '.join(problems)}"
        return TablePlan("recreate", pairs, exact=exact, warnings=(warning,))
    if problems:
        _refuse(problems, table, request)
    return _plan_existing(columns, target, table, dialect)


def _plan_existing(
    columns: Sequence[WrittenColumn],
    target: Sequence[TargetColumn],
    table: TableName,
    dialect: ExportDialect,
) -> TablePlan:
    there = {dialect.fold(found.name): found for found in target}
    here = {dialect.fold(column.name) for column in columns}
    added = tuple(column for column in columns if dialect.fold(column.name) not in there)
    pairs, casts, exact, unfit = [], [], True, set()
    for column in columns:
        found = there.get(dialect.fold(column.name))
        pairs.append((column, found.name if found else column.name))
        exact &= column.staged == (found.type if found else column.type.sql)
        exact &= found is None or not found.is_wrapped
        if found is None or column.is_null:
            continue
        if not dialect.takes(column, found.type):
            unfit.add(column.name)
        elif column.staged != found.type:
            casts.append(Cast(column, found.name, found.type))
    filled = [found.name for found in target if dialect.fold(found.name) not in here]
    warnings = (
        (f"table {table}: the database fills {_listed(filled)}, which the data does not have",)
        if filled
        else ()
    )
    return TablePlan(
        "keep",
        tuple(pairs),
        added=added,
        exact=exact,
        casts=tuple(casts),
        only_nulls=frozenset(unfit),
        warnings=warnings,
    )


def _find_problems(
    columns: Sequence[WrittenColumn],
    target: Sequence[TargetColumn],
    dialect: ExportDialect,
    empty: frozenset[str],
) -> list[str]:
    there = {dialect.fold(found.name): found for found in target}
    here = {dialect.fold(column.name) for column in columns}
    gone = [
        f"{found.name!r}{' (NOT NULL)' if found.required else ''}{_namesake(found, columns)}"
        for found in target
        if dialect.fold(found.name) not in here and found.filled_by == "nobody"
    ]
    retyped, filled = [], []
    for column in columns:
        found = there.get(dialect.fold(column.name))
        if found is None:
            continue
        if found.filled_by == "generated":
            filled.append(repr(found.name))
        elif not dialect.takes(column, found.type) and column.name not in empty:
            retyped.append(f"{found.name!r} is {found.type}, the data needs {column.type.sql}")
    problems = [f"the data lacks {_listed(gone)}"] if gone else []
    problems += [f"other types: {_listed(retyped)}"] if retyped else []
    problems += [f"the database itself computes {_listed(filled)}"] if filled else []
    return problems


def _namesake(found: TargetColumn, columns: Sequence[WrittenColumn]) -> str:
    """The column of the data that differs in case alone, where the database takes that for another one."""
    others = [c.name for c in columns if c.name.casefold() == found.name.casefold()]
    return f" (it has {others[0]!r}: rename it in a transform)" if others else ""


def _refuse(problems: Sequence[str], table: TableName, request: ExportRequest) -> None:
    if request.mode == "overwrite":
        hint = (
            "Change the data in a transform, change the table, or set `on_schema_change: recreate`"
        )
    else:
        hint = "Change the data in a transform, or change the table"
    raise SchemaMismatchError(
        f"{request.source} does not fit table {table}: {'; '.join(problems)}",
        hint=hint,
        table=str(table),
        problems=list(problems),
    )


def _listed(items: Sequence[str], most: int = 8) -> str:
    rest = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + rest
