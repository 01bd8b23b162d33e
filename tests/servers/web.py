"""A website of the tests: real TLS on loopback, answers by path, and a network in which a public name leads to it."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from resources.web.client import Network
from tests.servers.certificates import make_certificates
from tests.servers.prompt import Prompt

PUBLIC = "93.184.216.34"

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Website:
    """What is served, who asked, and how it is reached."""

    port: int
    ca: Path
    pages: dict[str, bytes | Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    """What was posted: where to, headers, body."""
    names: dict[str, list[str]] = field(default_factory=dict)
    """What the name server says; all other names have the public address of the site."""
    lookups: list[str] = field(default_factory=list)
    dialled: list[str] = field(default_factory=list)

    @property
    def network(self) -> Network:
        """Names are looked up in `names`, and every address is this server's."""
        return Network(
            self._resolve, self._connect, lambda: ssl.create_default_context(cafile=self.ca)
        )

    def _resolve(self, host: str) -> list[str]:
        self.lookups.append(host)
        return self.names.get(host, [PUBLIC])

    def _connect(self, address: str, seconds: float) -> socket.socket:
        self.dialled.append(address)
        return socket.create_connection(("127.0.0.1", self.port), seconds)


@contextmanager
def website(folder: Path, *names: str) -> Iterator[Website]:
    """Serves while the context lives; its certificate is for `names`."""
    files = make_certificates(folder, names=names)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(files.certificate, files.key)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.tls = tls
    server.site = Website(server.server_port, files.ca)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Website
    tls: ssl.SSLContext

    def finish_request(self, request, client_address) -> None:
        with contextlib.suppress(OSError), self.tls.wrap_socket(request, server_side=True) as safe:
            self.RequestHandlerClass(safe, client_address, self)

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up are what some tests are about."""


class _Handler(Prompt, BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        site = self.server.site
        site.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        page = site.pages.get(self.path)
        if callable(page):
            page(self)
        elif page is None:
            self.send_error(404)
        else:
            self._send(page)

    def do_POST(self) -> None:
        headers = {k.lower(): v for k, v in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        self.server.site.sent.append((self.path, headers, body))
        page = self.server.site.pages.get(self.path)
        if callable(page):
            page(self)
        elif page is None:
            self.send_error(404)
        else:
            self._send(page)

    def _send(self, page: bytes) -> None:
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        etag = f'"{hash(page) & 0xFFFFFFFF:x}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.end_headers()
            return
        if self.headers.get("If-Match", etag) != etag:
            self.send_error(412)
            return
        start, end = (int(part[1]), min(int(part[2]) + 1, len(page))) if part else (0, len(page))
        if part and start >= len(page):
            self.send_error(416)
            return
        self.send_response(206 if part else 200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(end - start))
        if part:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(page)}")
        self.end_headers()
        self.wfile.write(page[start:end])

    def log_message(self, *args) -> None:
        """Nothing on the tests' own output."""


def sent_on(to: str) -> Answer:
    """An answer that sends the client elsewhere."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.end_headers()

    return answer


def answering(
    content: bytes | str = b"", content_type: str = "text/html", status: int = 200, **headers: str
) -> Answer:
    """An answer with a content, a type, a status, and headers: `retry_after="5"`."""
    body = content.encode() if isinstance(content, str) else content

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        if content_type:
            handler.send_header("Content-Type", content_type)
        if "content_length" not in headers:
            handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def one_after_the_other(*answers: Answer) -> Answer:
    """Answers in turn; the last one again and again."""
    left = list(answers)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(handler)

    return answer
