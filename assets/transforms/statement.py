"""What a transform's SQL says, without running it: its inputs and its column lineage. Pure; no Dagster."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage

from resources.kernel.errors import ConfigError
from resources.kernel.keys import is_table_name

DIALECT = "duckdb"

logging.getLogger("sqlglot").setLevel(
    logging.ERROR
)  # it warns of what is refused here in words of our own

ColumnLineage = dict[str, list[tuple[str, str]]]
"""Output column -> the (dataset, column) pairs that it is made of."""


@dataclass(frozen=True)
class Statement:
    """One SELECT, and the datasets that it names."""

    sql: str
    inputs: tuple[str, ...]

    def digest(self) -> str:
        """Changes when the SQL does: the asset's code version."""
        return hashlib.sha256(self.sql.encode()).hexdigest()[:16]


def parse_statement(sql: str, *, name: str) -> Statement:
    """Reads a transform's SQL.

    Raises:
        ConfigError: it is not one SELECT, reads something that is no dataset, or names none.
    """
    return read_statement(sql, where=f"transform {name}")


def read_statement(sql: str, *, where: str) -> Statement:
    """Reads SQL over datasets, whatever it is for.

    Raises:
        ConfigError: it is not one SELECT, reads something that is no dataset, or names none.
    """
    try:
        trees = sqlglot.parse(sql, dialect=DIALECT)
        parsed = [
            tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)
        ]
    except SqlglotError as error:
        raise ConfigError(
            f"{where}: the SQL cannot be read: {_why_unreadable(error)}",
            hint="It is DuckDB's SQL: one SELECT over the names of datasets",
        ) from error
    except RecursionError as error:
        raise ConfigError(
            f"{where}: the SQL cannot be read: its expressions are nested too deep",
            hint="Take inner parts out: WITH part AS (SELECT ...)",
        ) from error
    if len(parsed) != 1 or not isinstance(parsed[0], exp.Query):
        raise ConfigError(
            f"{where}: expected one SELECT, found "
            + (f"{len(parsed)} statements" if len(parsed) != 1 else parsed[0].key.upper()),
            hint="It reads datasets and returns rows; it changes nothing",
        )
    inputs = _inputs(parsed[0], where)
    if not inputs:
        raise ConfigError(
            f"{where}: the SQL names no dataset", hint="SELECT ... FROM name_of_a_dataset"
        )
    return Statement(sql=sql.strip().rstrip(";"), inputs=inputs)


def _inputs(tree: exp.Query, where: str) -> tuple[str, ...]:
    """Every table of the statement, wherever it stands, but for the names that it defines itself."""
    defines = tree.find(exp.CTE) is not None
    found: dict[str, None] = {}
    for table in tree.find_all(exp.Table):
        if defines and not table.db and table.name.lower() in _names_defined_for(table):
            continue
        if not isinstance(table.this, exp.Identifier) or table.db or not is_table_name(table.name):
            raise ConfigError(
                f"{where}: FROM {table.sql(dialect=DIALECT)[:80]!r} is not a dataset",
                hint="Name datasets only, in lower case; a file or a function is imported by a data source"
                " first",
            )
        found[table.name] = None
    return tuple(sorted(found))


def _names_defined_for(table: exp.Table) -> set[str]:
    """What WITH defines where a table is named: a name is known to what comes after it, and in RECURSIVE to itself.

    To itself only after its UNION, as DuckDB has it: what the first part names is a dataset, also by the same name.
    """
    names: set[str] = set()
    inner: exp.Expr = table
    while (outer := inner.parent) is not None:
        if isinstance(outer, exp.With):
            itself = bool(outer.recursive) and _is_recursive_part(inner, table)
            known = outer.expressions[: (inner.index or 0) + itself]
            names |= {cte.alias.lower() for cte in known}
        elif (given := outer.args.get("with_")) is not None and given is not inner:
            names |= {cte.alias.lower() for cte in given.expressions}
        inner = outer
    return names


def _is_recursive_part(cte: exp.Expr, table: exp.Table) -> bool:
    body = cte.this.unnest()
    part = body.args.get("expression") if isinstance(body, exp.SetOperation) else None
    inner: exp.Expr | None = table
    while inner is not None and inner is not part:
        inner = inner.parent
    return inner is not None


def trace_columns(
    statement: Statement, outputs: Sequence[str], schemas: Mapping[str, Sequence[str]]
) -> ColumnLineage:
    """Which input columns each output column is made of.

    Args:
        statement: the transform.
        outputs: columns of the result, in order.
        schemas: columns of each input dataset.

    Returns:
        An entry for every output whose origin the SQL shows; `count(*)` and constants have none. What sqlglot cannot
        trace is left out: lineage is a help, never a reason to fail a transform.
    """
    schema = {name: dict.fromkeys(columns, "VARCHAR") for name, columns in schemas.items()}
    try:
        # All columns at once: the statement is qualified once, and what columns share is walked once. Trimming would
        # copy the whole statement for each column.
        nodes = lineage(None, statement.sql, schema=schema, dialect=DIALECT, trim_selects=False)
    except (SqlglotError, ValueError, KeyError, RecursionError):
        return {}
    by_folded = {
        (name, column.casefold()): (name, column)
        for name, columns in schemas.items()
        for column in columns
    }
    found = {name.casefold(): node for name, node in nodes.items()}
    traced: ColumnLineage = {}
    for column in outputs:
        node = found.get(column.casefold())
        origins = sorted(_origins(node, by_folded)) if node else []
        if origins:
            traced[column] = origins
    return traced


def _origins(
    root: Node, by_folded: Mapping[tuple[str, str], tuple[str, str]]
) -> set[tuple[str, str]]:
    origins = set()
    for node in root.walk():
        if node.downstream or not isinstance(node.expression, exp.Table):
            continue
        column = node.name.rpartition(".")[2].strip('"')
        origin = by_folded.get((node.expression.name, column.casefold()))
        if origin:
            origins.add(origin)
    return origins


def _why_unreadable(error: SqlglotError) -> str:
    """Where the parser stopped, in the SQL's own words: its description names classes of the parser."""
    found = getattr(error, "errors", None)
    if not found:
        return "a text in quotes or a comment does not end"
    place = found[0]
    before = " ".join(str(place.get("start_context") or "").split())[-60:]
    at = str(place.get("highlight") or "")[:60]
    return f"near {at!r} in its line {place.get('line')}" + (
        f", after {before!r}" if before else ""
    )
