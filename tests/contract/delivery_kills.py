"""A delivery that is killed, stopped or fails at any moment leaves the old rows or the new ones, and nothing else.

R5, R7; E10, E57. Each point is a statement, a converted batch or what sends it: the child is killed before each of them and
at the end, and an error is raised before and after them. The run is then tried again, and delivers once.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest

from resources.connectors.sql.writing.run import run_export
from resources.connectors.sql.writing.source import SourceRows
from resources.kernel.records import BatchStream
from tests.faults import Child, Target, count_steps, failing_at, kill_at
from tests.resources.connectors.sql.writing.databases import (
    PATIENT,
    QUICK,
    START,
    ExportDatabase,
    request,
    sales,
    versions_query,
)

ROWS = 10
OTHER_SESSIONS = {
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'waybill'",
    "mariadb": "SELECT count(*) FROM information_schema.processlist WHERE db = database()"
    " AND id <> connection_id() AND user = 'waybill'",
}


class UnexpectedError(Exception):
    """What no code expects."""


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
                time.sleep(0.005)
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


class Runs:
    """Runs of one exporter, each with a version of its own."""

    def __init__(self, database: ExportDatabase, points: Sequence[Target], **changes: Any) -> None:
        self.database = database
        self.points = [*points, (SourceRows, "_convert")]
        self.changes = changes
        self.appends = changes["mode"] == "append"
        self.name = "sales_latest" if changes["mode"] == "timestamp" else "sales"

    def export(self, version: int) -> Any:
        started_at = START + timedelta(seconds=version)
        run = f"run-{version:03}"
        return self.database.export(
            sales(version), run_id=run, started_at=started_at, **self.changes
        )

    def steps(self) -> list[str]:
        """Exports versions 0 and 1; the steps of the second."""
        self.export(0)
        steps = count_steps(lambda: self.export(1) and None, self.points)
        assert len([step for step in steps if step.startswith("before")]) > 10
        return steps

    def see(self) -> list[tuple[Any, ...]]:
        """What a reader finds."""
        return view(self.database, self.name)

    def retry(self, version: int, old: list[tuple[Any, ...]], step: str) -> list[tuple[Any, ...]]:
        """After an end at `step`: all is old or new, and a retry makes it new."""
        new = [*old, (version, ROWS)] if self.appends else [(version, ROWS)]
        assert self.see() in (old, new), step
        assert self.export(version).rows == ROWS
        assert self.database.versions(self.name) == new
        return new

    def check_end(self, last: int) -> None:
        """Each run delivered once, and nothing else is left."""
        assert len(self.database.ledger()) == last + 1
        names = self.database.names()
        if self.name == "sales":
            assert names == {"sales"}
        else:
            assert self.name in names
            assert len(names) == 3, "two tables are kept, and the view"


def kill_everywhere(
    database: ExportDatabase,
    points: Sequence[Target],
    tmp_path: Path,
    *,
    every: int = 1,
    **changes: Any,
) -> None:
    """Kills the first delivery of a run at each point, then retries it."""
    runs = Runs(database, points, **changes)
    steps = runs.steps()
    before = [number for number, step in enumerate(steps) if step.startswith("before")]
    old = runs.see()
    with nullcontext() if runs.appends else polling(database, tmp_path, runs.name):
        for version, step in enumerate([*before[1::every], len(steps) - 1], start=2):
            body = lambda version=version: runs.export(version) and None  # noqa: E731
            assert kill_at(body, runs.points, step).killed
            settle(database)
            old = runs.retry(version, old, steps[step])
    runs.check_end(version)


class DeliveryKills:
    """kill -9 and SIGTERM."""

    points: ClassVar[Sequence[Target]]
    """The target's statements, and what sends its rows."""

    @pytest.mark.kill
    def test_killed_at_every_point_of_an_overwrite(
        self, database: ExportDatabase, tmp_path: Path
    ) -> None:
        """E10."""
        database.settings = PATIENT
        kill_everywhere(database, self.points, tmp_path, mode="overwrite")

    @pytest.mark.kill
    @pytest.mark.parametrize(
        "changes",
        [{"mode": "append"}, {"mode": "timestamp", "keep": 2}],
        ids=["append", "timestamp"],
    )
    def test_killed_at_points_of_other_modes(
        self, database: ExportDatabase, tmp_path: Path, changes: dict[str, Any]
    ) -> None:
        """Every third point: most are those of an overwrite."""
        database.settings = PATIENT
        kill_everywhere(database, self.points, tmp_path, every=3, **changes)

    @pytest.mark.kill
    def test_killed_at_every_point_of_the_first_export(self, database: ExportDatabase) -> None:
        """Neither table nor ledger, nor the file, is there at first."""
        database.settings = PATIENT
        points = [*self.points, (SourceRows, "_convert")]
        first = fresh(database, 0)
        steps = count_steps(lambda: first.export(sales(1)) and None, points)
        before = [number for number, step in enumerate(steps) if step.startswith("before")]
        for step in [*before, len(steps) - 1]:
            target = fresh(database, step + 1)
            body = lambda target=target: target.export(sales(1)) and None  # noqa: E731
            assert kill_at(body, points, step).killed
            settle(target)
            assert target.export(sales(1)).rows == ROWS
            assert target.versions() == [(1, ROWS)]
            assert target.names() == {"sales"}
            if target.config.path is not None:
                left = {path.name for path in target.config.path.parent.iterdir()}
                assert not {item for item in left if item.endswith(".new")}

    @pytest.mark.kill
    def test_killed_at_random_moments(self, database: ExportDatabase) -> None:
        database.settings = PATIENT
        rows, rounds = 3000, 5
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

    @pytest.mark.kill
    def test_a_stopped_run_leaves_the_old_rows(self, database: ExportDatabase) -> None:
        """E57: SIGTERM becomes an exception in the exporter, as Dagster makes it one."""
        database.export(sales(1))
        seen: list[int] = []

        def export() -> list[Any]:
            def stop(*_: object) -> None:
                raise SystemExit

            signal.signal(signal.SIGTERM, stop)

            def between(number: int) -> None:
                seen.append(number)
                if number == 3:
                    os.kill(os.getpid(), signal.SIGTERM)

            try:
                run_export(database.connector, endless(between), request(10, run_id="run-2"))
            except SystemExit:
                return ["stopped", seen]
            return ["finished", seen]

        assert Child(export).wait().answer == ["stopped", [1, 2, 3]], "no batch was asked for later"
        settle(database)
        assert database.versions() == [(1, 10)]
        assert database.names() == {"sales"}
        assert database.export(sales(2), run_id="run-2").rows == 10


class DeliveryFaults:
    """Errors that are raised inside of this process: its sessions, locks and files must be given back."""

    points: ClassVar[Sequence[Target]]

    def test_an_error_at_any_point_leaves_the_old_rows_or_the_new_ones(
        self, database: ExportDatabase
    ) -> None:
        """Before or after every fourth point; what the error left locked would keep the retry waiting, which fails."""
        database.settings = replace(QUICK, exporter_wait_seconds=5)
        runs = Runs(database, self.points, mode="overwrite")
        steps = runs.steps()
        old = runs.see()
        for version, step in enumerate([*range(1, len(steps), 7), len(steps) - 1], start=2):
            with (
                pytest.raises(UnexpectedError),
                failing_at(runs.points, step, UnexpectedError(steps[step])),
            ):
                runs.export(version)
            old = runs.retry(version, old, steps[step])
        runs.check_end(version)


def fresh(database: ExportDatabase, number: int) -> ExportDatabase:
    """The database without any table, or another file."""
    if database.config.path is None:
        database.run("DROP TABLE IF EXISTS sales", "DROP TABLE IF EXISTS _exports")
        return database
    path = database.config.path.with_name(f"{number}-{database.config.path.name}")
    return replace(database, config=replace(database.config, path=path))


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
