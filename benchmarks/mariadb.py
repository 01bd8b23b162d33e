"""The benchmark's MariaDB server and its table: started by what the tests start theirs with."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.inputs import COLUMNS, Inputs
from benchmarks.task import Server
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import ServerUnavailableError

DATABASE = "bench"
_SETTINGS = ("--innodb-buffer-pool-size=4G", "--innodb-log-file-size=1G")
_TYPES = {"text": "varchar(500)", "timestamp": "datetime(6)", "double precision": "double"}


@contextmanager
def running_mariadb(folder: Path) -> Iterator[Server]:
    """A server with an empty database; stopped and removed at the end.

    Raises:
        RuntimeError: there is none to be had.
    """
    root = Path(tempfile.mkdtemp(prefix="mariadb-", dir=folder))
    try:
        server = MariadbServer(root, _SETTINGS)
        server.start()
        try:
            server.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
            yield Server(
                server.host,
                server.port,
                DATABASE,
                server.username,
                server.password,
                psql="",
                pid=server.pid,
            )
        finally:
            server.stop()
    except ServerUnavailableError as error:
        raise RuntimeError(str(error)) from error
    finally:
        shutil.rmtree(root, ignore_errors=True)


def load(server: Server, inputs: Inputs) -> None:
    """Makes the table of `inputs`, with a primary key as tables there have one."""
    columns = ", ".join(f"{name} {_TYPES.get(kind, kind)}" for name, kind in COLUMNS)
    read = ", ".join(f"@{name}" for name, _ in COLUMNS)
    values = ", ".join(
        f"{name} = (@{name} = 'true')" if kind == "boolean" else f"{name} = nullif(@{name}, '')"
        for name, kind in COLUMNS
    )
    run_sql(
        server,
        f"CREATE TABLE {inputs.table} ({columns}, PRIMARY KEY (id))",
        f"LOAD DATA LOCAL INFILE '{inputs.csv}' INTO TABLE {inputs.table} CHARACTER SET utf8mb4"
        " FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''"
        f" LINES TERMINATED BY '\\n' IGNORE 1 LINES ({read}) SET {values}",
        f"ANALYZE TABLE {inputs.table}",
        f"SELECT count(note) FROM {inputs.table}",
    )


def version(server: Server) -> str:
    """What the server says it is, and its settings."""
    return f"{run_sql(server, 'SELECT version()')} over loopback TCP, {', '.join(_SETTINGS)}"


def run_sql(server: Server, *statements: str) -> str:
    """Runs statements; the first value of the last one."""
    import pymysql

    connection: Any = pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.username,
        password=server.password,
        database=server.database,
        local_infile=True,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall()
    return str(rows[0][0]) if rows else ""
