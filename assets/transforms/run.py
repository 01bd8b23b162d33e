"""Running a transform: DuckDB over the newest versions of its inputs, straight into the store."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import duckdb

from assets.transforms.statement import ColumnLineage, Statement, trace_columns
from resources.kernel.errors import InputError
from resources.kernel.keys import Key, asset_key
from resources.kernel.records import StoredVersion
from resources.stores.tables import StoredTable, TableStore

MEMORY_LIMIT = "2GB"  # beyond it DuckDB spills to a scratch folder


@dataclass(frozen=True)
class TransformReport:
    """What a transform did."""

    version: StoredVersion
    inputs: Mapping[str, int]
    """Version of each input."""
    lineage: ColumnLineage


def run_statement(
    statement: Statement, store: TableStore, *, key: Key, name: str, run_id: str, attempt: int = 0
) -> TransformReport:
    """Runs the SELECT and publishes its rows as a new version of `key`.

    The SQL sees the datasets that it names and nothing else: no file, no network, no setting.

    Raises:
        InputError: DuckDB refuses the SQL, or a value does not fit: with its own words.
        NotFoundError: an input has no version yet.
    """
    tables = {wanted: store.read(asset_key("datasets", wanted)) for wanted in statement.inputs}
    with ExitStack() as stack:
        scratch = stack.enter_context(TemporaryDirectory(prefix="waybill-transform-"))
        connection = stack.enter_context(
            duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": scratch})
        )
        writer = stack.enter_context(store.writer(key, run_id=run_id, attempt=attempt))
        for wanted, table in tables.items():
            stack.enter_context(table.view(connection, wanted))
        try:
            writer.copy_query(connection, statement.sql)
        except duckdb.Error as error:
            raise InputError(
                f"transform {name}: {_first_lines(error)}",
                hint="Inputs: " + "; ".join(_columns(n, table) for n, table in tables.items()),
            ) from error
        lineage = trace_columns(
            statement, writer.schema.names, {n: table.schema.names for n, table in tables.items()}
        )
        version = writer.publish(
            properties={
                "origin": "transform",
                "inputs": {n: table.version.number for n, table in tables.items()},
                "sql": statement.sql,
            }
        )
    return TransformReport(version, {n: t.version.number for n, t in tables.items()}, lineage)


def _columns(name: str, table: StoredTable) -> str:
    names = table.schema.names
    return f"{name} ({', '.join(names[:12])}{', ...' if len(names) > 12 else ''})"


def _first_lines(error: duckdb.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:300]
