"""S3 for tests: moto's server for the protocol, a scripted one for what a good server never does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

ACCESS_KEY = "AKIAWAYBILLTESTS0000"
SECRET_KEY = "canary-secret-5f1d0c3e-never-to-be-shown"


@dataclass(frozen=True)
class S3Server:
    """A running S3-alike on loopback."""

    url: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY

    @cached_property
    def client(self) -> Any:
        """A plain boto3 client: what other programs use."""
        import boto3

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )

    def new_bucket(self) -> str:
        """The name of a new empty bucket."""
        import uuid

        name = f"bucket-{uuid.uuid4().hex[:16]}"
        self.client.create_bucket(Bucket=name)
        return name


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """moto's S3 on a free port of loopback, one for the whole test process; make a bucket of your own in it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3Server(url=f"http://{host}:{port}")
    finally:
        server.stop()


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> str:
    """The name of a new empty bucket on `s3_server`."""
    return s3_server.new_bucket()


@dataclass
class Answer:
    """What a scripted server sends: headers may lie about the body."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Reset the connection after the body."""


@dataclass
class Request:
    """What a client asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


class ScriptedServer:
    """An HTTP server on loopback that answers by a function and remembers what it was asked."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.requests: list[Request] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _reply(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(self.command, self.path, dict(self.headers), body)
                script.requests.append(request)
                given = answer(request)
                self.send_response(given.status)
                headers = {"Content-Length": str(len(given.body)), **given.headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(given.body)
                    self.wfile.flush()
                if given.cut or int(headers["Content-Length"]) > len(given.body):
                    self.close_connection = True
                    if given.cut:
                        reset = b"\x01\0\0\0\0\0\0\0"  # linger 0: RST in place of FIN
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _reply  # noqa: N815 - names that http.server calls

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def scripted_s3() -> Iterator[Callable[[Callable[[Request], Answer]], ScriptedServer]]:
    """Starts scripted servers; stops them after the test."""
    running: list[ScriptedServer] = []

    def start(answer: Callable[[Request], Answer]) -> ScriptedServer:
        running.append(ScriptedServer(answer))
        return running[-1]

    yield start
    for server in running:
        server.stop()


def s3_error(code: str, message: str = "said the server", status: int = 400) -> Answer:
    """An error as S3 words it."""
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})
