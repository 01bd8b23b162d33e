"""Pieces of a file grow over a fast line, and get small again for good where something on the way does not take large ones."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orchestration.client import uploads
from orchestration.client.transport import Transport
from orchestration.client.uploads import Uploads
from resources.kernel.errors import InputError

DATA = os.urandom(20_500)
TAKES = 3_000
"""How much of a body gets through what is on the way to the server."""


class Receiver:
    """A server that speaks enough of tus to receive one file, behind something that takes small bodies only.

    Args:
        way: what becomes of a large body: `pass` it on, `refuse` it, `cut` it off in the middle.
    """

    def __init__(self, way: str, limit: int = len(DATA)) -> None:
        self.way = way
        self.limit = limit
        self.came = b""
        self.sizes: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self._answer(201, Location="/uploads/1")

            def do_HEAD(self):
                self._answer(200)

            def do_PATCH(self):
                size = int(self.headers["Content-Length"])
                receiver.sizes.append(size)
                is_large = size > TAKES and receiver.way != "pass"
                took = self.rfile.read(TAKES if is_large and receiver.way == "cut" else size)
                self.close_connection = is_large
                if len(receiver.came) + size > receiver.limit or (
                    is_large and receiver.way == "refuse"
                ):
                    self._answer(413)
                    return
                assert int(self.headers["Upload-Offset"]) == len(receiver.came)
                receiver.came += took
                if not is_large:
                    self._answer(204)

            def _answer(self, status, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Upload-Offset", str(len(receiver.came)))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Receiver:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def uploads(self) -> Uploads:
        return Uploads(Transport(f"http://127.0.0.1:{self.server.server_port}"), "")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "PIECE_BYTES", 1_000)
    monkeypatch.setattr(uploads, "MOST_PIECE_BYTES", 8_000)
    monkeypatch.setattr(uploads, "GROW_SECONDS", 1e9)
    (tmp_path / "a.csv").write_bytes(DATA)
    return tmp_path / "a.csv"


def test_pieces_grow(file):
    with Receiver("pass") as receiver:
        receiver.uploads.send(file)
    assert receiver.came == DATA
    assert receiver.sizes == [1_000, 2_000, 4_000, 8_000, 5_500]


def test_over_a_slow_line_they_stay_small(file, monkeypatch):
    monkeypatch.setattr(uploads, "GROW_SECONDS", 0)
    with Receiver("pass") as receiver:
        receiver.uploads.send(file)
    assert receiver.came == DATA
    assert set(receiver.sizes) == {1_000, 500}


@pytest.mark.parametrize("way", ["refuse", "cut"])
def test_they_are_small_again_where_large_ones_do_not_pass(file, way):
    with Receiver(way) as receiver:
        receiver.uploads.send(file)
    assert receiver.came == DATA
    assert receiver.sizes[:3] == [1_000, 2_000, 4_000]
    assert set(receiver.sizes[3:]) == {1_000, 500}


def test_a_refusal_of_small_ones_is_the_answer(file):
    with Receiver("pass", limit=2_000) as receiver, pytest.raises(InputError):
        receiver.uploads.send(file)
    assert len(receiver.came) <= 2_000
    assert receiver.sizes[-1] == 1_000
