"""An answer that is given before the body came arrives; an endless body is not read for ever."""

import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn

from orchestration.server.guard import lingering
from orchestration.server.http_protocol import PunctualProtocol
from tests.orchestration.server.guard.conftest import PORT, bearer
from tests.served import wait_until

HEAD = b"POST /api/v1/x HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nContent-Type: application/json\r\n%s\r\n\r\n"


@pytest.fixture
def say(make_guard, token_of):
    """Opens a connection to a guard on a real port and sends the headers of a request."""
    token = bearer(token_of("ada"))["authorization"].encode()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            make_guard(),
            http=PunctualProtocol,
            log_level="warning",
            lifespan="off",
            timeout_keep_alive=600,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started)

        @contextmanager
        def opened(length: bytes):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                client.sendall(HEAD % (b"127.0.0.1:%d" % PORT, token, length))
                yield client

        yield opened
        server.should_exit = True
        thread.join()


def read_all(client):
    found = b""
    while block := client.recv(65_536):
        found += block
    return found


def test_a_sender_that_reads_only_after_it_has_sent_gets_the_answer(say):
    with say(b"Content-Length: 3000000") as client:
        for _ in range(30):
            client.sendall(b"x" * 100_000)
        assert read_all(client).startswith(b"HTTP/1.1 413 ")


def test_an_endless_body_is_cut_off(say, monkeypatch):
    monkeypatch.setattr(lingering, "LINGER_BYTES", 1_000_000)
    block = b"186a0\r\n" + b"x" * 100_000 + b"\r\n"
    with (
        say(b"Transfer-Encoding: chunked") as client,
        pytest.raises((BrokenPipeError, ConnectionResetError)),
    ):
        client.sendall(block * 2_000)


def test_a_body_that_never_comes_is_not_waited_for(say, monkeypatch):
    monkeypatch.setattr(lingering, "LINGER_SECONDS", 0.1)
    with say(b"Content-Length: 3000000") as client:
        assert read_all(client).startswith(b"HTTP/1.1 413 ")  # to the end of the connection
