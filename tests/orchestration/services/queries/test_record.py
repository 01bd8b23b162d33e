"""What becomes of a query is written down, whatever it is; few run at once."""

from __future__ import annotations

import asyncio

import pytest

from orchestration.services.queries.history import history_page
from orchestration.services.queries.record import Asked, recorded, run_recorded
from orchestration.services.queries.running import QueryStoppedError, RunningQueries
from resources.kernel.errors import ConflictError, InputError, NotFoundError
from resources.stores.catalog import queries
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.queries import QueryLog
from resources.stores.catalog.settings import sqlite_config


@pytest.fixture
def log(tmp_path):
    return QueryLog(CatalogDatabase(sqlite_config(tmp_path / "catalog.sqlite")))


def asked(sql="select 1 from t", actor="ada", query_id=""):
    return Asked("shop", actor, sql, query_id).checked()


def states(log, actor="ada"):
    return [entry.state for entry in log.history("shop", actor, limit=10)]


def test_done_failed_and_interrupted(log):
    with recorded(log, asked()) as outcome:
        assert states(log) == ["running"]
        outcome.rows = 3
    with pytest.raises(InputError), recorded(log, asked("select nonsense")):
        raise InputError("no column 'nonsense'", hint="Columns: id")
    with pytest.raises(KeyboardInterrupt), recorded(log, asked()):
        raise KeyboardInterrupt
    newest = log.history("shop", "ada", limit=10)
    assert [entry.state for entry in newest] == ["stopped", "failed", "done"]
    assert newest[1].error == "no column 'nonsense'. Columns: id"
    assert newest[1].statement == "select nonsense"
    assert (newest[2].rows, newest[2].seconds >= 0) == (3, True)


def test_everybody_has_a_history_of_their_own_and_an_id_leads_to_any(log):
    with recorded(log, asked("select 'mine'")):
        pass
    other = asked("select 'theirs'", actor="bob")
    with recorded(log, other):
        pass
    assert [e.statement for e in log.history("shop", "ada", limit=10)] == ["select 'mine'"]
    assert log.find("shop", other.query_id).statement == "select 'theirs'"
    with pytest.raises(NotFoundError):
        log.find("elsewhere", other.query_id)
    with pytest.raises(ConflictError), recorded(log, other):
        pass


def test_pages_of_a_history(log):
    for number in range(7):
        with recorded(log, asked(f"select {number}")):
            pass
    seen, cursor = [], None
    while True:
        page = history_page(log, "shop", "ada", cursor=cursor, limit=3)
        seen += [entry.statement for entry in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [f"select {n}" for n in reversed(range(7))]
    with pytest.raises(InputError, match="no cursor"):
        history_page(log, "shop", "ada", cursor="xyz", limit=3)


def test_old_queries_are_forgotten_and_only_ones_own(log, monkeypatch):
    monkeypatch.setattr(queries, "KEPT", 3)
    with recorded(log, asked(actor="bob")):
        pass
    for number in range(5):
        with recorded(log, asked(f"select {number}")):
            pass
    assert [e.statement for e in log.history("shop", "ada", limit=10)] == [
        "select 4",
        "select 3",
        "select 2",
    ]
    assert len(log.history("shop", "bob", limit=10)) == 1


@pytest.mark.parametrize("given", ["short", "x" * 65, "a" * 20 + "/../b", "ä" * 20])
def test_an_id_is_random_letters_and_digits(given):
    with pytest.raises(InputError, match="is no id of a query"):
        asked(query_id=given)


async def begun(running, count):
    while len(running._tasks) < count:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)


async def long():
    await asyncio.sleep(60)


async def begin(log, running, *actors):
    """A long query of each, one begun after the other."""
    tasks = []
    for actor in actors:
        before = len(running._tasks)
        tasks.append(asyncio.create_task(run(log, long, running, asked(actor=actor))))
        await begun(running, before + 1)
    return tasks


async def never_gone():
    return False


def run(log, work, running, query=None, is_gone=never_gone):
    return run_recorded(log, query or asked(), work, lambda rows: rows, is_gone, running)


def test_a_query_is_stopped_by_its_own_actor(log):
    running, query = RunningQueries(), asked()
    ended = []
    works = asyncio.Event()

    async def work():
        try:
            works.set()
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    async def scene():
        task = asyncio.create_task(run(log, work, running, query))
        await works.wait()
        with pytest.raises(NotFoundError):
            running.stop(query.query_id, "bob")
        running.stop(query.query_id, "ada")
        with pytest.raises(QueryStoppedError):
            await task

    asyncio.run(scene())
    assert ended == [True]
    assert states(log) == ["stopped"]
    with pytest.raises(NotFoundError):
        running.stop(query.query_id, "ada")


def test_a_query_for_which_nobody_waits_ends(log):
    running = RunningQueries()

    async def gone():
        return True

    async def scene():
        with pytest.raises(QueryStoppedError):
            await run(log, lambda: asyncio.sleep(60), running, is_gone=gone)

    asyncio.run(scene())
    assert states(log) == ["stopped"]


def test_few_run_at_once_for_each_and_for_all(log):
    running = RunningQueries()

    async def scene():
        tasks = await begin(log, running, "ada", "ada (token nightly)", "bob", "cyd")
        with pytest.raises(ConflictError, match="2 queries of yours run already"):
            await run(log, long, running)
        with pytest.raises(ConflictError, match="4 queries run already"):
            await run(log, long, running, asked(actor="dan"))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert running._tasks == {}

    asyncio.run(scene())
    assert states(log) == states(log, "ada (token nightly)") == ["stopped"]
    assert states(log, "dan") == []


def test_two_users_leave_a_place_for_a_third(log):
    running = RunningQueries()

    async def scene():
        tasks = await begin(log, running, "ada", "ada", "bob")
        with pytest.raises(ConflictError, match="3 queries run already"):
            await run(log, long, running, asked(actor="bob (token t)"))
        tasks += await begin(log, running, "cyd")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(scene())
