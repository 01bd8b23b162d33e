"""JSON that nobody behind the guard could take is refused with its reason; all other JSON passes as it is."""

import json

import pytest

from orchestration.server.guard.json_bodies import LEVELS
from tests.orchestration.server.asgi import ask
from tests.orchestration.server.guard.conftest import bearer

JSON = {"content-type": "application/json"}


@pytest.fixture
def ada(token_of):
    return bearer(token_of("ada")) | JSON


@pytest.mark.parametrize("path", ["/api/v1/x", "/data/x"])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (rb'{"sql": "a\ud800b"}', "half of a character"),
        (rb'{"a": {"\uDFFF": 1}}', "half of a character"),
        (b"[" * (LEVELS + 1) + b"]" * (LEVELS + 1), "levels deep"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "levels deep"),
    ],
    ids=["value", "name", "one level too many", "without end"],
)
def test_what_could_not_be_taken_is_refused(guard, inner, ada, path, body, reason):
    headers = ada | {"origin": "http://127.0.0.1:3000"} if path.startswith("/data") else ada
    answer = ask(guard, "POST", path, headers=headers, chunks=[body])
    assert (answer.status, inner.bodies) == (400, [])
    assert reason in answer.body.decode()


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"sql": "\N{GRINNING FACE}"}).encode(),  # as a pair
        json.dumps({"sql": r"\ud800"}).encode(),  # six characters
        b"[" * LEVELS + b"]" * LEVELS,
        b"no JSON",  # told by whoever reads it
    ],
    ids=["pair", "backslash", "deep", "other"],
)
def test_all_else_passes_as_it_is(guard, inner, ada, body):
    assert ask(guard, "POST", "/api/v1/x", headers=ada, chunks=[body]).status == 200
    assert inner.bodies == [body]
