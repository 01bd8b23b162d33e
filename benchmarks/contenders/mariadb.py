"""Waybill's import of a MariaDB table, and what the same bytes cost when nobody looks at them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assets.datasets.importing import ImportOrder, import_table
from benchmarks.contenders import preload
from benchmarks.task import Task
from resources.connectors.sql import DatabaseConnector, SqlConfig, open_table_connector
from resources.connectors.sql.mysql.connector import MysqlConnector
from resources.kernel.keys import asset_key
from resources.kernel.records import TableName
from resources.sources.source import DatabaseSource
from resources.sources.spec import SourceSpec
from resources.stores.tables import TableStore

_NEEDED = ("pymysql", "resources.connectors.sql.mysql.connector", "cryptography.x509")


def table_to_dataset(task: Task) -> Callable[[], str]:
    """A data source on a table: stream it, write and publish a version."""
    spec = SourceSpec(name="bench", connector="bench", table=task.table)
    source, store = DatabaseSource(spec, _connector(task)), TableStore.open(str(_folder(task)))
    order = ImportOrder(
        name=task.dataset, key=asset_key("datasets", task.dataset), run_id=task.run_id
    )

    def job() -> str:
        import_table(source, store, order)
        return str(_folder(task) / "**" / "*.parquet")

    return job


def table_rows_to_dataset(task: Task) -> Callable[[], str]:
    """The rows alone: the same without the fingerprint, by which an import sees later whether the table changed."""
    connector, store = _connector(task), TableStore.open(str(_folder(task)))

    def job() -> str:
        with connector.read(TableName(task.table)) as stream:
            store.write_stream(
                asset_key("datasets", task.dataset), lambda: stream, run_id=task.run_id
            )
        return str(_folder(task) / "**" / "*.parquet")

    return job


def binary_rows_to_nowhere(task: Task) -> Callable[[], str]:
    """The binary rows of one SELECT, received and thrown away."""
    connector = _connector(task)
    if not isinstance(connector, MysqlConnector):
        raise TypeError(f"{connector!r} is no MySQL connector")

    def job() -> str:
        session = connector.session()
        statement = session.wire.prepare(f"SELECT * FROM {task.table}")
        for _ in session.wire.execute(statement):
            pass
        session.close()
        return ""

    return job


def _folder(task: Task) -> Path:
    return Path(task.out) / "store"


def _connector(task: Task) -> DatabaseConnector:
    preload(*_NEEDED)
    server = task.need_server()
    config = SqlConfig(
        dialect="mariadb",
        host=server.host,
        port=server.port,
        database=server.database,
        username=server.username,
        password=server.password,
    )
    return open_table_connector("bench", config)
