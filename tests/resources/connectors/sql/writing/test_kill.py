"""An export that is killed, stopped or cut off at any moment leaves the old rows or the new ones, and nothing else.

R5, R7; E6, E10, E57. Each fault point is a statement, a converted batch or the COPY itself: the child is killed before
each of them and at the end.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from resources.connectors.sql.duckdb import write_session as duckdb
from resources.connectors.sql.mysql import load_data
from resources.connectors.sql.mysql.write_session import MysqlWriteSession
from resources.connectors.sql.postgresql import target_writer
from resources.connectors.sql.postgresql.write_session import PostgresqlWriteSession
from resources.connectors.sql.sqlalchemy.target_writer import SqlalchemyTargetWriter
from resources.connectors.sql.sqlalchemy.write_session import (
    SqlalchemyLedger,
    SqlalchemyWriteSession,
)
from resources.connectors.sql.sqlite import target_writer as sqlite
from resources.connectors.sql.sqlite.write_session import SqliteWriteSession
from resources.connectors.sql.writing.run import run_export
from resources.connectors.sql.writing.settings import ExportSettings
from resources.connectors.sql.writing.source import SourceRows
from resources.kernel.records import BatchStream
from tests.faults import Child, count_steps, kill_at
from tests.resources.connectors.sql.writing.databases import (
    PATIENT,
    START,
    ExportDatabase,
    connect_postgresql,
    request,
    sales,
    versions_query,
)
from tests.servers.faulty_proxy import FaultyProxy
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.kill

POINTS: dict[str, list[tuple[Any, str]]] = {
    "postgresql": [
        (PostgresqlWriteSession, "execute"),
        (PostgresqlWriteSession, "change"),
        (target_writer, "copy_rows"),
    ],
    "sqlite": [(SqliteWriteSession, "execute"), (sqlite, "_rows")],
    "other": [
        (SqlalchemyWriteSession, "execute"),
        (SqlalchemyTargetWriter, "insert_batch"),
        (SqlalchemyLedger, "record"),
    ],
    "mariadb": [(MysqlWriteSession, "change"), (load_data, "as_lines")],
    "duckdb": [(duckdb.DuckdbWriteSession, "execute"), (duckdb, "make_file")],
}
ROWS = 10
OTHER_SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'waybill'",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE db = database()"
    " AND id <> connection_id() AND user = 'waybill'",
}


def settle(database: ExportDatabase) -> None:
    """Waits until the server has noticed that a client is dead."""
    if database.dialect not in OTHER_SESSIONS:
        return
    others = OTHER_SESSIONS[database.dialect]
    deadline = time.monotonic() + 20
    while database.run(others) != [(0,)]:
        assert time.monotonic() < deadline, "the server still works for a dead client"
        time.sleep(0.01)


def view(database: ExportDatabase, name: str) -> list[tuple[Any, ...]]:
    """The versions in a table; there is no staging table beside it, or, where DDL commits, one."""
    left = [table for table in database.names() if table.startswith("_stg_")]
    assert len(left) <= (database.dialect == "mariadb"), "R7"
    return database.versions(name)


@contextmanager
def polling(database: ExportDatabase, tmp_path: Path, name: str = "sales") -> Iterator[None]:
    """A reader in another process, all the time: each of its views must be one whole version (R5)."""
    if database.dialect == "duckdb":  # one process at a time has the file: there is nobody to look
        yield
        return
    stop = tmp_path / "stop"

    def poll() -> list[Any]:
        polls, bad = 0, []
        with database.connect() as connection:
            while not stop.exists():
                seen = connection.execute(versions_query(name)).fetchall()
                polls += 1
                if len(seen) != 1 or seen[0][1] != ROWS:
                    bad.append(seen)
                time.sleep(0.002)
        return [polls, bad]

    reader = Child(poll)
    try:
        yield
    finally:
        stop.touch()
        outcome = reader.wait()
    assert outcome.status == 0
    polls, bad = outcome.answer
    assert polls > 0
    assert bad == []


def test_killed_at_every_point_of_an_overwrite(database: ExportDatabase, tmp_path: Path) -> None:
    """E10."""
    database.settings = PATIENT
    _kill_everywhere(database, tmp_path, {"mode": "overwrite"})


@pytest.mark.parametrize(
    "changes", [{"mode": "append"}, {"mode": "timestamp", "keep": 2}], ids=["append", "timestamp"]
)
def test_killed_at_points_of_other_modes(
    database: ExportDatabase, tmp_path: Path, changes: dict[str, Any]
) -> None:
    """Every third point: most are those of an overwrite."""
    database.settings = PATIENT
    _kill_everywhere(database, tmp_path, changes, every=3)


@pytest.mark.postgres
def test_killed_at_every_point_of_a_truncate(postgresql: ExportDatabase, tmp_path: Path) -> None:
    postgresql.settings = ExportSettings(delete_limit_rows=3)
    _kill_everywhere(postgresql, tmp_path, {"mode": "overwrite"}, every=2)


def _kill_everywhere(
    database: ExportDatabase, tmp_path: Path, changes: dict[str, Any], every: int = 1
) -> None:
    """Kills the first delivery of a run at each point, then retries it."""
    points = [
        *POINTS["other" if database.is_generic else database.dialect],
        (SourceRows, "_convert"),
    ]
    name = "sales_latest" if changes["mode"] == "timestamp" else "sales"

    def export(version: int) -> Any:
        started_at = START + timedelta(seconds=version)
        run = f"run-{version:03}"
        return database.export(sales(version), run_id=run, started_at=started_at, **changes)

    export(0)
    steps = count_steps(lambda: export(1) and None, points)
    before = [number for number, step in enumerate(steps) if step.startswith("before")]
    assert len(before) > 10
    old = view(database, name)
    reader = tmp_path if changes["mode"] != "append" else None
    with polling(database, tmp_path, name) if reader else _nobody():
        for version, step in enumerate([*before[1::every], len(steps) - 1], start=2):
            outcome = kill_at(lambda version=version: export(version) and None, points, step)
            assert outcome.killed
            settle(database)
            new = [*old, (version, ROWS)] if changes["mode"] == "append" else [(version, ROWS)]
            assert view(database, name) in (old, new), steps[step]
            assert export(version).rows == ROWS
            old = view(database, name)
            assert old == new
    assert len(database.ledger()) == version + 1
    expected = {"sales"} if name == "sales" else {name, *database.names()}
    assert database.names() == expected
    if name == "sales_latest":
        assert len(database.names()) == 3, "two tables are kept, and the view"


@contextmanager
def _nobody() -> Iterator[None]:
    yield


def test_killed_at_every_point_of_the_first_export(database: ExportDatabase) -> None:
    """Neither table nor ledger, nor the file, is there at first."""
    database.settings = PATIENT
    points = [
        *POINTS["other" if database.is_generic else database.dialect],
        (SourceRows, "_convert"),
    ]

    def fresh(number: int) -> ExportDatabase:
        if database.config.path is None:
            database.run("DROP TABLE IF EXISTS sales", "DROP TABLE IF EXISTS _exports")
            return database
        path = database.config.path.with_name(f"{number}-{database.config.path.name}")
        return replace(database, config=replace(database.config, path=path))

    first = fresh(0)
    steps = count_steps(lambda: first.export(sales(1)) and None, points)
    before = [number for number, step in enumerate(steps) if step.startswith("before")]
    for step in [*before, len(steps) - 1]:
        target = fresh(step + 1)
        assert kill_at(lambda target=target: target.export(sales(1)) and None, points, step).killed
        settle(target)
        assert target.export(sales(1)).rows == ROWS
        assert target.versions() == [(1, ROWS)]
        assert target.names() == {"sales"}
        if target.config.path is not None:
            left = {path.name for path in target.config.path.parent.iterdir()}
            assert not {item for item in left if item.endswith(".new")}


def test_killed_at_random_moments(database: ExportDatabase, tmp_path: Path) -> None:
    database.settings = PATIENT
    rows, rounds = 3000, 8
    dice = random.Random(7)
    database.export(sales(0, rows=rows), run_id="run-0")

    def export(version: int) -> None:
        database.export(sales(version, rows=rows), run_id=f"run-{version}")

    started = time.perf_counter()
    Child(lambda: export(1)).wait()
    usual = time.perf_counter() - started
    for version in range(2, rounds + 2):
        old = database.versions()
        child = Child(lambda version=version: export(version))
        time.sleep(dice.uniform(0, usual))
        child.kill()
        child.wait()
        settle(database)
        assert database.versions() in (old, [(version, rows)])
        export(version)
        assert database.versions() == [(version, rows)]
        assert database.names() == {"sales"}


@pytest.mark.postgres
def test_the_server_crashes_during_exports(
    postgresql: ExportDatabase, postgres_server: PostgresServer
) -> None:
    """E6."""
    rows = 20_000
    dice = random.Random(11)
    postgresql.export(sales(0, rows=rows), run_id="run-0")

    def export(version: int) -> bool:
        postgresql.export(sales(version, rows=rows), run_id=f"run-{version}")
        return True

    started = time.perf_counter()
    Child(lambda: export(1)).wait()
    usual = time.perf_counter() - started
    for version in range(2, 6):
        old = postgresql.versions()
        child = Child(lambda version=version: export(version))
        time.sleep(dice.uniform(0.2, 1) * usual)
        postgres_server.stop(immediate=True)
        child.wait()
        postgres_server.start()
        assert postgresql.versions() in (old, [(version, rows)])
        export(version)
        assert postgresql.versions() == [(version, rows)]
        assert postgresql.names() == {"sales"}


def endless(between: Callable[[int], None]) -> BatchStream:
    """Batches until somebody stops it."""
    (batch,) = sales(2, rows=50_000).to_batches()

    def batches() -> Iterator[pa.RecordBatch]:
        number = 0
        while True:
            yield batch
            number += 1
            between(number)

    return BatchStream(batch.schema, batches())


def test_a_stopped_run_leaves_the_old_rows(database: ExportDatabase) -> None:
    """E57: SIGTERM becomes an exception in the exporter, as Dagster makes it one."""
    database.export(sales(1))

    def export() -> str:
        def stop(*_: object) -> None:
            raise SystemExit

        signal.signal(signal.SIGTERM, stop)

        def between(number: int) -> None:
            if number == 3:
                os.kill(os.getpid(), signal.SIGTERM)

        started = time.monotonic()
        try:
            run_export(database.connector, endless(between), request(10, run_id="run-2"))
        except SystemExit:
            return "stopped" if time.monotonic() - started < 10 else "late"
        return "finished"

    assert Child(export).wait().answer == "stopped"
    settle(database)
    assert database.versions() == [(1, 10)]
    assert database.names() == {"sales"}
    assert database.export(sales(2), run_id="run-2").rows == 10


@pytest.mark.postgres
def test_a_stopped_run_does_not_wait_for_a_server_that_hangs(postgresql: ExportDatabase) -> None:
    """E57: the line stands still and the sender with it."""
    postgresql.export(sales(1))
    assert postgresql.config.port is not None
    with FaultyProxy(postgresql.config.port) as proxy:
        through = replace(postgresql, config=replace(postgresql.config, port=proxy.port))

        def between(number: int) -> None:
            if number == 2:
                proxy.stall_after = proxy.passed
                signal.setitimer(signal.ITIMER_REAL, 1)

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        usual = signal.signal(signal.SIGALRM, stop)
        started = time.monotonic()
        try:
            with pytest.raises(KeyboardInterrupt):
                run_export(through.connector, endless(between), request(10, run_id="run-2"))
        finally:
            signal.signal(signal.SIGALRM, usual)
        assert time.monotonic() - started < 10
    with connect_postgresql(postgresql.config) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'waybill'"
            " AND datname = current_database()"
        )
    assert postgresql.versions() == [(1, 10)]


@pytest.mark.mariadb
def test_killed_at_every_point_of_a_renaming(mariadb: ExportDatabase, tmp_path: Path) -> None:
    """So many old rows that deleting them would be slow: the new table takes the old one's place."""
    mariadb.settings = ExportSettings(delete_limit_rows=3)
    _kill_everywhere(mariadb, tmp_path, {"mode": "overwrite"}, every=2)
