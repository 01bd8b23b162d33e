"""Bodies that are streamed: as they come in, and ended where they break a limit."""

import asyncio

import pytest

from orchestration.server.guard import bodies
from tests.orchestration.server.asgi import ask
from tests.orchestration.server.guard.conftest import PORT, bearer

TUS = "application/offset+octet-stream"


@pytest.fixture
def ada(token_of):
    return bearer(token_of("ada")) | {"content-type": TUS}


def upload(app, headers, pieces, *, pause=0.0):
    """Sends pieces one by one, each when the one before it was taken; tells which were before the answer."""
    given = {"host": f"127.0.0.1:{PORT}", **headers}
    scope = {
        "type": "http", "method": "PATCH", "path": "/api/v1/uploads/1", "query_string": b"", "client": ("127.0.0.1", 1),
        "headers": [(k.encode(), v.encode()) for k, v in given.items()],
    }  # fmt: skip
    answers, sent = [], []

    async def receive():
        if answers:
            return {"type": "http.disconnect"}
        if not pieces:
            await asyncio.sleep(60)
        await asyncio.sleep(pause)
        piece = pieces.pop(0)
        sent.append(len(piece))
        return {"type": "http.request", "body": piece, "more_body": True}

    async def send(message):
        answers.append(message)

    asyncio.run(app(scope, receive, send))
    return [m["status"] for m in answers if m["type"] == "http.response.start"], sent


def test_a_body_is_passed_on_as_it_comes(guard, inner, ada):
    chunks = [b"a" * 900_000] * 4
    assert ask(guard, "PATCH", "/api/v1/uploads/1", headers=ada, chunks=chunks).status == 200
    assert len(inner.bodies[0]) == 3_600_000


def test_one_that_is_too_large_ends_where_it_became_so(people, make_guard, inner, ada):
    app = make_guard(upload_limit_bytes=1_000)
    statuses, sent = upload(app, ada, [b"x" * 400] * 50)
    assert (statuses, sent) == ([413], [400] * 3)
    assert inner.was_cut
    assert inner.bodies == []


def test_one_that_says_so_is_not_read(people, make_guard, inner, ada):
    app = make_guard(upload_limit_bytes=1_000)
    assert upload(app, ada | {"content-length": "1001"}, [b"x"]) == ([413], [])
    assert inner.actors == []


def test_one_that_stops_coming_is_ended(guard, inner, ada):
    statuses, _ = upload(guard, ada, [b"x" * 400] * 3)
    assert statuses == [408]
    assert inner.was_cut


def test_one_that_trickles_is_ended(guard, inner, ada, monkeypatch):
    monkeypatch.setattr(bodies, "STREAM_BYTES_A_SECOND", 1_000_000_000)
    statuses, sent = upload(guard, ada, [b"x"] * 1_000, pause=0.01)
    assert statuses == [408]
    assert len(sent) < 1_000


def test_one_that_keeps_its_pace_may_take_longer_than_a_small_one(guard, ada, monkeypatch):
    monkeypatch.setattr(bodies, "STREAM_BYTES_A_SECOND", 10_000)
    kept = b"x" * 1_000  # each buys a tenth of a second, and takes a hundredth
    statuses, sent = upload(guard, ada, [kept] * 50, pause=0.01)
    assert (statuses, len(sent)) == ([408], 50)  # not before it stopped coming


def test_only_so_many_are_taken_side_by_side(people, make_guard, inner, ada):
    app = make_guard(uploads_at_once=2, body_seconds=30.0)

    async def three():
        scopes = [_scope(ada) for _ in range(3)]
        answers = [[] for _ in scopes]
        let_go = asyncio.Event()

        async def receive():
            await let_go.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        def sender(kept):
            async def send(message):
                kept.append(message)

            return send

        tasks = [
            asyncio.ensure_future(app(scope, receive, sender(kept)))
            for scope, kept in zip(scopes, answers, strict=True)
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        refused = [kept for kept in answers if kept]
        let_go.set()
        await asyncio.gather(*tasks)
        return refused, [kept[0]["status"] for kept in answers]

    refused, statuses = asyncio.run(three())
    assert len(refused) == 1
    assert sorted(statuses) == [200, 200, 429]
    assert (b"retry-after", b"5") in refused[0][0]["headers"]


def _scope(headers):
    given = {"host": f"127.0.0.1:{PORT}", **headers}
    return {
        "type": "http", "method": "PATCH", "path": "/api/v1/uploads/1", "query_string": b"", "client": ("127.0.0.1", 1),
        "headers": [(k.encode(), v.encode()) for k, v in given.items()],
    }  # fmt: skip
