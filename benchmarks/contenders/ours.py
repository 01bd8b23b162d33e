"""Waybill's own jobs, by the same calls that a Dataset import and an Exporter make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from assets.datasets.importing import ImportOrder, import_table
from benchmarks.contenders import preload
from benchmarks.task import Task
from resources.connectors.base import TableConnector
from resources.connectors.folder.connector import FolderConnector
from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.keys import Key, asset_key
from resources.kernel.records import ExportRequest, TableName
from resources.sources.source import DatabaseSource, FileSource, Source
from resources.sources.spec import SourceSpec
from resources.stores.tables import TableStore

_POSTGRES = (
    "sqlalchemy.dialects.postgresql.psycopg",
    "psycopg",
    "adbc_driver_postgresql.dbapi",
    "pgpq",
    "resources.connectors.sql.writing.run",
)


def csv_to_dataset(task: Task) -> Callable[[], str]:
    """A data source on a folder: detect, type under the strict rule, write and publish a version."""
    return _import(task, _file_source(Path(task.csv)), Path(task.out) / "store")


def table_to_dataset(task: Task) -> Callable[[], str]:
    """A data source on a table of PostgreSQL: stream it, write and publish a version."""
    spec = SourceSpec(name="bench", connector="bench", table=task.table)
    return _import(task, DatabaseSource(spec, _connector(task)), Path(task.out) / "store")


def table_rows_to_dataset(task: Task) -> Callable[[], str]:
    """The rows alone: the same without the fingerprint, by which an import sees later whether the table changed."""
    connector = _connector(task)
    store = TableStore.open(str(Path(task.out) / "store"))

    def job() -> str:
        with connector.read(TableName(task.table)) as stream:
            store.write_stream(_key(task), lambda: stream, run_id=task.run_id)
        return _files(Path(task.out) / "store")

    return job


def make_dataset(task: Task) -> Callable[[], str]:
    """The dataset that `dataset_to_table` reads; not measured."""
    return _import(task, _file_source(Path(task.parquet)), Path(task.store))


def dataset_to_table(task: Task) -> Callable[[], str]:
    """Replaces a table of PostgreSQL by the newest version of a dataset, in `overwrite` mode."""
    store = TableStore.open(task.store)
    connector = _connector(task)

    def job() -> str:
        table = store.read(_key(task))
        request = ExportRequest(
            exporter="bench",
            table=TableName(task.target),
            mode="overwrite",
            run_id=task.run_id,
            started_at=datetime.now(UTC),
            expected_rows=table.rows,
            source=f"dataset {task.dataset}, version {table.version.number}",
        )
        connector.write(table.batches(), request)
        return task.target

    return job


def _import(task: Task, source: Source, folder: Path) -> Callable[[], str]:
    store = TableStore.open(str(folder))
    order = ImportOrder(name=task.dataset, key=_key(task), run_id=task.run_id)

    def job() -> str:
        import_table(source, store, order)
        return _files(folder)

    return job


def _key(task: Task) -> Key:
    return asset_key("datasets", task.dataset)


def _files(folder: Path) -> str:
    return str(folder / "**" / "*.parquet")


def _file_source(path: Path) -> FileSource:
    spec = SourceSpec(name="bench", connector="bench", path=path.name)
    return FileSource(spec, FolderConnector("bench", path.parent))


def _connector(task: Task) -> TableConnector:
    preload(*_POSTGRES)
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
