"""A server on loopback that speaks S3 by script: to cut, to lie, to refuse, to stall."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.servers.prompt import Prompt
from tests.servers.s3 import share_descriptions


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

        class Handler(Prompt, BaseHTTPRequestHandler):
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

        class Server(ThreadingHTTPServer):
            def handle_error(self, *args: object) -> None:
                """Quiet: clients hang up on lies, as they should."""

        self._server = Server(("127.0.0.1", 0), Handler)
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
    share_descriptions()
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


def list_page(request: Request, keys: list[str], page: int) -> Answer:
    """ListObjectsV2 over sorted keys, with Prefix, Delimiter, StartAfter and ContinuationToken."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    after = asked.get("continuation-token", asked.get("start-after", ""))
    entries: list[str] = []
    for key in keys:
        if not key.startswith(prefix):
            continue
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = key[: cut + 1] if cut >= 0 else key
        if (
            entry > after
            and not after.startswith(entry + "\0")
            and (not entries or entries[-1] != entry)
        ):
            entries.append(entry)
        if len(entries) > min(page, int(asked.get("max-keys", page))):
            break
    limit = min(page, int(asked.get("max-keys", page)))
    more, entries = len(entries) > limit, entries[:limit]
    body = "".join(
        f"<CommonPrefixes><Prefix>{entry}</Prefix></CommonPrefixes>"
        if delimiter and entry.endswith(delimiter)
        else f'<Contents><Key>{entry}</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>'
        for entry in entries
    )
    token = f"<NextContinuationToken>{entries[-1]}</NextContinuationToken>" if more else ""
    text = f'<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>{token}{body}</ListBucketResult>'
    return Answer(200, text.encode(), {"Content-Type": "application/xml"})


class Objects:
    """Serves GETs of one content with ranges; `spoil` changes the n-th answer."""

    def __init__(
        self, content: bytes, spoil: Callable[[int, Answer], Answer] = lambda n, answer: answer
    ) -> None:
        self.content = content
        self.spoil = spoil
        self.count = 0
        self.lock = threading.Lock()

    def __call__(self, request: Request) -> Answer:
        with self.lock:
            self.count += 1
            number = self.count
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", ""))
        headers = {"ETag": '"e1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        if not found:
            return self.spoil(number, Answer(200, self.content, headers))
        start, end = int(found[1]), int(found[2]) + 1
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(self.content)}"
        return self.spoil(number, Answer(206, self.content[start:end], headers))
