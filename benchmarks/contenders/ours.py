"""Waybill's own jobs, by the same calls that a Dataset import and an Exporter make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from resources.formats.csv import CsvFile
from resources.formats.registry import open_reader
from resources.stores.tables import TableStore

from benchmarks.task import Task
from resources.connectors.base import TableConnector
from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.keys import asset_key
from resources.kernel.records import ExportRequest, TableName


def csv_to_dataset(task: Task) -> Callable[[], str]:
    """Detects, types under the strict rule, writes and publishes a version."""
    return _file_to_dataset(task, task.csv, str(Path(task.out) / "store"))


def make_dataset(task: Task) -> Callable[[], str]:
    """The dataset that `dataset_to_table` reads; not measured."""
    return _file_to_dataset(task, task.parquet, task.store)


def table_to_dataset(task: Task) -> Callable[[], str]:
    """Streams a table out of PostgreSQL, writes and publishes a version."""
    store = TableStore.open(str(Path(task.out) / "store"))
    connector = _connector(task)
    key = asset_key("datasets", task.dataset)

    def job() -> str:
        with connector.read(TableName(task.table)) as stream:
            store.write_stream(key, lambda: stream, run_id=task.run_id, attempt=0, properties={})
        return _files(Path(task.out) / "store")

    return job


def dataset_to_table(task: Task) -> Callable[[], str]:
    """Replaces a table of PostgreSQL by a stored version, in `overwrite` mode."""
    store = TableStore.open(task.store)
    connector = _connector(task)

    def job() -> str:
        stored = store.read(asset_key("datasets", task.dataset))
        request = ExportRequest(
            exporter="bench",
            table=TableName(task.target),
            mode="overwrite",
            run_id=task.run_id,
            started_at=datetime.now(UTC),
            expected_rows=task.rows,
            source=f"dataset {task.dataset}, version {stored.version.number}",
        )
        connector.write(stored.batches(), request)
        return task.target

    return job


def _file_to_dataset(task: Task, path: str, folder: str) -> Callable[[], str]:
    store = TableStore.open(folder)
    key = asset_key("datasets", task.dataset)

    def job() -> str:
        file = CsvFile(name=Path(path).name, path=Path(path))
        reader = open_reader([file], format=None, options=None)
        store.write_stream(key, reader.stream, run_id=task.run_id, attempt=0, properties={})
        return _files(Path(folder))

    return job


def _connector(task: Task) -> TableConnector:
    server = task.need_server()
    config = SqlConfig(
        dialect="postgresql",
        host=server.host,
        port=server.port,
        database=server.database,
        username=server.username,
        password=server.password,
    )
    return open_table_connector("bench", config)


def _files(store: Path) -> str:
    return str(store / "**" / "*.parquet")
