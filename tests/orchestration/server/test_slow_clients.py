"""Clients that dawdle, guess or send what nobody asked for, as raw sockets against a real server with the guard."""

import base64
import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn

from orchestration.server.guard import Guard, GuardRules
from orchestration.server.http_protocol import PunctualProtocol
from orchestration.services.access.throttle import TRIES

PASSWORD = "right"
BATCH = json.dumps([{"query": "{version}"}, {"query": "{version}"}])


class Hasty(PunctualProtocol):
    header_seconds = 0.3


async def inner(_scope, receive, send):
    await receive()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


@contextmanager
def serving(password=""):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        rules = GuardRules(port, password, failed_login_seconds=0, body_seconds=0.3)
        config = uvicorn.Config(Guard(inner, rules), http=Hasty, lifespan="off", log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def port():
    with serving() as port:
        yield port


@contextmanager
def client(port):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        yield connection


def head(port, *lines, method="POST"):
    given = [f"{method} /graphql HTTP/1.1", f"Host: 127.0.0.1:{port}", *lines]
    return "\r\n".join(given).encode()


JSON = "Content-Type: application/json"


def status(connection):
    """The status of the next answer, its body read; None when the connection was closed instead."""
    found = b""
    while b"\r\n\r\n" not in found:
        part = connection.recv(1000)
        if not part:
            return None
        found += part
    headers, _, body = found.partition(b"\r\n\r\n")
    length = int(headers.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
    while len(body) < length and (part := connection.recv(1000)):
        body += part
    return int(headers.split()[1])


def is_closed(connection):
    return connection.recv(1) == b""


@pytest.mark.parametrize(
    "start", [b"", b"POST /gra", b"POST /graphql HTTP/1.1\r\nHost: x\r\nX-Slow: "]
)
def test_headers_that_do_not_come_end_the_connection(port, start):
    with client(port) as connection:
        connection.sendall(start)
        assert status(connection) == 408
        assert is_closed(connection)


def trickle(connection):
    connection.sendall(b"POST /graphql HTTP/1.1\r\n")
    while True:
        connection.sendall(b"X-A: b\r\n")
        time.sleep(0.02)


def test_headers_that_trickle_end_the_connection_too(port):
    with client(port) as connection, pytest.raises((BrokenPipeError, ConnectionResetError)):
        trickle(connection)


def test_a_second_request_has_to_come_whole_as_well(port):
    with client(port) as connection:
        connection.sendall(head(port, JSON, "Content-Length: 2") + b"\r\n\r\n{}")
        assert status(connection) == 200
        connection.sendall(b"POST /grap")
        assert status(connection) == 408
        assert is_closed(connection)


@pytest.mark.parametrize("sent", [b"", b'{"query"'])
def test_a_body_that_does_not_come_is_answered_and_cut(port, sent):
    with client(port) as connection:
        connection.sendall(head(port, JSON, "Content-Length: 100") + b"\r\n\r\n" + sent)
        assert status(connection) == 408
        assert is_closed(connection)


@pytest.mark.parametrize("body", [BATCH, "[]", "  [1]", '"x"', "null", ""])
def test_what_is_no_single_operation_is_a_clear_400(port, body):
    with client(port) as connection:
        lines = (JSON, f"Content-Length: {len(body)}")
        connection.sendall(head(port, *lines) + b"\r\n\r\n" + body.encode())
        assert status(connection) == 400


def guess(connection, port, password):
    token = base64.b64encode(f"me:{password}".encode()).decode()
    lines = (JSON, "Content-Length: 2", f"Authorization: Basic {token}")
    connection.sendall(head(port, *lines) + b"\r\n\r\n{}")
    return status(connection)


def guess_anew(port, password):
    with client(port) as connection:
        return guess(connection, port, password)


def test_guesses_are_slowed_over_all_connections_and_teach_nothing():
    with serving(PASSWORD) as port, client(port) as working:
        assert guess(working, port, PASSWORD) == 200
        answers = [guess_anew(port, f"wrong {n}") for n in range(TRIES + 10)]
        assert answers[:TRIES] == [401] * TRIES
        assert set(answers[TRIES:]) <= {429, 401}
        assert answers[TRIES:].count(429) >= 8  # a try comes back every few seconds
        while (answer := guess_anew(port, "wrong")) == 401:
            pass
        assert answer == 429
        assert guess_anew(port, PASSWORD) == 429
        assert guess(working, port, PASSWORD) == 200
