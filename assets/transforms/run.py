"""Running a transform: DuckDB over the newest versions of its inputs, straight into the store."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from assets.checks.schema_change import accepted_change, newest_readable
from assets.transforms.sandbox import lock_in, open_sandbox
from assets.transforms.statement import ColumnLineage, Statement, trace_columns
from assets.transforms.time_limit import DEFAULT_SECONDS, time_limit
from resources.kernel.keys import Key, asset_key
from resources.kernel.records import StoredVersion
from resources.scratch import ScratchFolder
from resources.stores.tables import TableStore


@dataclass(frozen=True)
class TransformReport:
    """What a transform did."""

    version: StoredVersion
    inputs: Mapping[str, int]
    """Version of each input."""
    lineage: ColumnLineage


def run_statement(
    statement: Statement,
    store: TableStore,
    *,
    key: Key,
    run_id: str,
    attempt: int = 0,
    max_seconds: float = DEFAULT_SECONDS,
    on_schema_change: str = "accept",
) -> TransformReport:
    """Runs the SELECT and publishes its rows as a new version of `key`.

    The SQL sees the datasets that it names and nothing else: no file, no network, no setting.

    Raises:
        InputError: DuckDB refuses the SQL, or a value does not fit: with its own words; or the query takes more than
            `max_seconds`.
        SchemaMismatchError: its columns are others than before, and `on_schema_change` is `fail`.
        NotFoundError: an input has no version yet.
    """
    before = newest_readable(store, key)
    tables = {wanted: store.read(asset_key("datasets", wanted)) for wanted in statement.inputs}
    with ExitStack() as stack:
        scratch = stack.enter_context(ScratchFolder("transform")).name
        connection = stack.enter_context(open_sandbox(scratch))
        writer = stack.enter_context(store.writer(key, run_id=run_id, attempt=attempt))
        for wanted, table in tables.items():
            table.relation(connection).create_view(wanted)
        opened = {folder for table in tables.values() for folder in table.opened_folders}
        lock_in(connection, [Path(scratch), writer.folder, *sorted(opened)])
        with time_limit(connection, max_seconds, name=key[-1]):
            writer.copy_query(connection, statement.sql)
        lineage = trace_columns(
            statement, writer.column_names, {n: table.schema.names for n, table in tables.items()}
        )
        written = writer.settled_schema()
        version = writer.publish(
            properties={
                **accepted_change(store, key, written, on_schema_change, before=before),
                "origin": "transform",
                "lineage": _with_keys(lineage),
                "inputs": {n: table.version.number for n, table in tables.items()},
                "sql": statement.sql,
            }
        )
    return TransformReport(
        version, {n: table.version.number for n, table in tables.items()}, lineage
    )


def _with_keys(lineage: ColumnLineage) -> dict[str, list[list[str]]]:
    """The columns that each column comes from, with their assets, as a version keeps it."""
    return {
        column: [[*asset_key("datasets", dataset), origin] for dataset, origin in origins]
        for column, origins in lineage.items()
    }
