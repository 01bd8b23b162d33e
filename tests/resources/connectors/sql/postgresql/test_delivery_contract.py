"""Deliveries into PostgreSQL as into any other target; a TRUNCATE, a server that crashes, and one that hangs beside."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from resources.connectors.sql.postgresql import target_writer
from resources.connectors.sql.postgresql.write_session import PostgresqlWriteSession
from resources.connectors.sql.writing.run import run_export
from resources.connectors.sql.writing.settings import ExportSettings
from tests.contract.delivery import DeliveryContract
from tests.contract.delivery_kills import endless, kill_everywhere
from tests.faults import Child
from tests.resources.connectors.sql.writing.databases import (
    ExportDatabase,
    connect_postgresql,
    request,
    sales,
)
from tests.servers.faulty_proxy import FaultyProxy
from tests.servers.postgres import PostgresServer


@pytest.mark.postgres
class TestPostgresqlDelivery(DeliveryContract):
    points = (
        (PostgresqlWriteSession, "execute"),
        (PostgresqlWriteSession, "change"),
        (target_writer, "copy_rows"),
    )

    @pytest.fixture
    def database(self, postgresql: ExportDatabase) -> ExportDatabase:
        return postgresql

    @pytest.mark.kill
    def test_killed_at_every_point_of_a_truncate(
        self, database: ExportDatabase, tmp_path: Path
    ) -> None:
        database.settings = ExportSettings(delete_limit_rows=3)
        kill_everywhere(database, self.points, tmp_path, every=2, mode="overwrite")

    @pytest.mark.kill
    def test_the_server_crashes_during_exports(
        self, postgresql: ExportDatabase, postgres_server: PostgresServer
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
            # The test server commits asynchronously: without this the crash could take back the last delivery as well.
            postgres_server.execute("CHECKPOINT")
            child = Child(lambda version=version: export(version))
            time.sleep(dice.uniform(0.2, 1) * usual)
            postgres_server.stop(immediate=True)
            child.wait()
            postgres_server.start()
            assert postgresql.versions() in (old, [(version, rows)])
            export(version)
            assert postgresql.versions() == [(version, rows)]
            assert postgresql.names() == {"sales"}

    @pytest.mark.kill
    def test_a_stopped_run_does_not_wait_for_a_server_that_hangs(
        self, postgresql: ExportDatabase
    ) -> None:
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
