"""Sessions of a PostgreSQL catalog: kept and shared, no more than are allowed, whole after a cut and a fork, gone at the end."""

from __future__ import annotations

import gc
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from resources.kernel.errors import ConnectorUnavailableError
from resources.stores.catalog import pool
from resources.stores.catalog.database import CatalogDatabase

pytestmark = pytest.mark.postgres
OTHERS = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


@pytest.fixture
def config(postgres_config):
    return postgres_config


@pytest.fixture
def sessions(postgres_server, config):
    """Process ids of the server's sessions for this database."""
    return lambda: {row[0] for row in postgres_server.execute(OTHERS, database=config.database)}


def wait_until(condition):
    """The server notices a moment later that a session was closed."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def own_session(database):
    with database.read() as connection:
        return connection.execute(sa.text("select pg_backend_pid()")).scalar_one()


def test_catalogs_of_a_process_share_sessions_that_stay_open(config, sessions):
    first = CatalogDatabase(config)
    seen = {own_session(first) for _ in range(5)} | {own_session(CatalogDatabase(config))}
    assert len(seen) == 1
    assert sessions() == seen
    del first
    gc.collect()
    wait_until(lambda: sessions() == set())


def test_there_are_never_more_than_the_most(config, sessions, monkeypatch):
    monkeypatch.setattr(pool, "KEPT", 2)
    monkeypatch.setattr(pool, "MOST", 3)
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.1)
    database, all_in = CatalogDatabase(config), threading.Barrier(4)
    database.prepare()
    release = threading.Event()

    def hold():
        with database.read():
            all_in.wait()
            release.wait()

    with ThreadPoolExecutor(3) as threads:
        held = [threads.submit(hold) for _ in range(3)]
        all_in.wait()
        assert len(sessions()) == 3
        with (
            pytest.raises(ConnectorUnavailableError, match="sessions of this process"),
            database.read(),
        ):
            pass
        release.set()
        [one.result() for one in held]
    own_session(database)
    wait_until(lambda: len(sessions()) == 2)


def test_a_session_that_was_cut_is_replaced_unnoticed(config, postgres_server):
    database = CatalogDatabase(config)
    before = own_session(database)
    postgres_server.execute(f"select pg_terminate_backend({before}, 5000)")
    assert own_session(database) != before


def test_a_lock_ends_with_its_holder_and_takes_no_session_of_the_pool(config, sessions):
    database = CatalogDatabase(config)
    kept = own_session(database)
    with database.lock("a"):
        (of_lock,) = sessions() - {kept}
        assert own_session(database) == kept
    wait_until(lambda: of_lock not in sessions())
    with database.lock("a"):
        pass


def test_a_fork_has_sessions_of_its_own_and_leaves_those_of_its_parent(config, sessions):
    database = CatalogDatabase(config)
    before = own_session(database)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, str(own_session(database)).encode())
            gc.collect()
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as answer:  # noqa: PTH123 - a pipe
        of_child = int(answer.read())
    assert os.waitpid(child, 0)[1] == 0
    assert of_child != before
    assert own_session(database) == before
