"""Google Cloud Storage for tests: the calls of its JSON API that Waybill makes, with all their conditions.

Written from the service's documentation for what emulators leave out: conditions on reads and writes, uploads that go on
after a cut, rights, expired tokens, and answers that lie (`spoil`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.servers.prompt import Prompt

# gcsfs would ask a second service over gRPC what kind of bucket this is, and wait for it for minutes.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"

RIGHTS = [f"storage.objects.{right}" for right in ("list", "get", "create", "delete")]


@dataclass
class GcsRequest:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class GcsAnswer:
    """What the server sends: headers may lie about the body."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Session:
    """An upload under way."""

    bucket: str
    name: str
    over: str
    md5: str
    kept: bytearray = field(default_factory=bytearray)


class GcsServer:
    """Buckets in memory, on loopback. One lock makes every call atomic, as the service is."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, tuple[bytes, str]]] = {}
        self.requests: list[GcsRequest] = []
        self.rights = RIGHTS
        self.spoil: Callable[[GcsRequest, GcsAnswer], GcsAnswer | None] = _as_it_is
        """Changes an answer; None hangs up without one."""
        self.before: Callable[[GcsRequest], GcsAnswer | None] = _nothing
        """Answers in place of the service."""
        self._generations: dict[tuple[str, str], int] = {}
        self._last_generation = 1_700_000_000_000_000
        self._uploads: dict[str, _Session] = {}
        self._lock = threading.Lock()
        self._server = self._listen()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def new_bucket(self) -> str:
        """The name of a new empty bucket."""
        name = f"bucket-{uuid.uuid4().hex[:16]}"
        self.objects[name] = {}
        return name

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Stores an object, as other programs do."""
        with self._lock:
            self._store(bucket, key, content)

    def delete(self, bucket: str, key: str) -> None:
        """Removes an object."""
        with self._lock:
            del self.objects[bucket][key]

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _listen(self) -> ThreadingHTTPServer:
        outer = self

        class Handler(Prompt, BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _reply(self) -> None:
                body = self._body()
                url = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(url.query).items()}
                request = GcsRequest(self.command, self.path, query, _titled(self.headers), body)
                outer.requests.append(request)
                answer = outer.before(request)
                if answer is None:
                    with outer._lock:
                        answer = outer._answer(request)
                spoilt = outer.spoil(request, answer)
                if spoilt is None:
                    self.close_connection = True
                    return
                self._send(spoilt)

            def _body(self) -> bytes:
                length = int(self.headers.get("Content-Length") or 0)
                return self.rfile.read(length)

            def _send(self, answer: GcsAnswer) -> None:
                self.send_response(answer.status)
                headers = {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(answer.body)),
                    **answer.headers,
                }
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)
                if int(headers["Content-Length"]) > len(answer.body):
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = _reply  # noqa: N815 - names that http.server looks up

            def log_message(self, *args: object) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: object) -> None:
                """Quiet: clients hang up on lies, as they should."""

        return Server(("127.0.0.1", 0), Handler)

    def _answer(self, request: GcsRequest) -> GcsAnswer:
        if "upload_id" in request.query:
            return self._go_on(request)
        _, _, path = urlsplit(request.path).path.partition("/storage/v1/b/")
        bucket, _, rest = path.partition("/")
        if bucket not in self.objects:
            return refusal(404, "notFound", "The specified bucket does not exist.")
        if rest == "iam/testPermissions":
            asked = parse_qs(urlsplit(request.path).query)["permissions"]
            return _told({"permissions": [right for right in asked if right in self.rights]})
        if request.method == "POST":
            return self._begin(bucket, request)
        return self._about_objects(bucket, rest, request)

    def _about_objects(self, bucket: str, rest: str, request: GcsRequest) -> GcsAnswer:
        name = unquote(rest.removeprefix("o").removeprefix("/"))
        if not name:
            return _told(self._list(bucket, request.query))
        if name not in self.objects[bucket]:
            return refusal(404, "notFound", f"No such object: {bucket}/{name}")
        if request.method == "DELETE":
            del self.objects[bucket][name]
            return GcsAnswer(204)
        if request.query.get("alt") == "media":
            return self._media(bucket, name, request)
        return _told(self._describe(bucket, name))

    def _media(self, bucket: str, name: str, request: GcsRequest) -> GcsAnswer:
        data = self.objects[bucket][name][0]
        generation = self._generation(bucket, name)
        if request.query.get("ifGenerationMatch", generation) != generation:
            return refusal(
                412, "conditionNotMet", "At least one of the pre-conditions did not hold."
            )
        headers = {"X-Goog-Generation": generation, "Content-Type": "application/octet-stream"}
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("Range", ""))
        if not found:
            return GcsAnswer(200, data, headers)
        start, end = int(found[1]), min(int(found[2]) + 1, len(data))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        return GcsAnswer(206, data[start:end], headers)

    def _begin(self, bucket: str, request: GcsRequest) -> GcsAnswer:
        query = request.query
        if query.get("uploadType") != "resumable":
            return self._insert(bucket, request)
        name = query["name"]
        if not self._may_replace(bucket, name, query.get("ifGenerationMatch")):
            return refusal(
                412, "conditionNotMet", "At least one of the pre-conditions did not hold."
            )
        upload_id = uuid.uuid4().hex
        md5 = json.loads(request.body or b"{}").get("md5Hash", "")
        over = query.get("ifGenerationMatch", "")
        self._uploads[upload_id] = _Session(bucket, name, over, md5)
        where = (
            f"{self.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={upload_id}"
        )
        return GcsAnswer(200, b"", {"Location": where})

    def _go_on(self, request: GcsRequest) -> GcsAnswer:
        session = self._uploads[request.query["upload_id"]]
        given = request.headers.get(
            "Content-Range", f"bytes 0-{len(request.body) - 1}/{len(request.body)}"
        )
        span, _, size = given.removeprefix("bytes ").partition("/")
        if span != "*" and request.body:
            start = int(span.partition("-")[0])
            session.kept[start:] = request.body
        if len(session.kept) < int(size):
            kept = {"Range": f"bytes=0-{len(session.kept) - 1}"} if session.kept else {}
            return GcsAnswer(308, b"", kept)
        if not self._may_replace(session.bucket, session.name, session.over or None):
            return refusal(
                412, "conditionNotMet", "At least one of the pre-conditions did not hold."
            )
        if session.md5 and session.md5 != _md5(session.kept):
            return refusal(400, "invalid", "Provided MD5 hash does not match")
        self._store(session.bucket, session.name, bytes(session.kept))
        return _told(self._describe(session.bucket, session.name))

    def _insert(self, bucket: str, request: GcsRequest) -> GcsAnswer:
        _, head, rest = request.body.split(b"--==0==", 2)
        name = json.loads(head.partition(b"\n\n")[2])["name"]
        if not self._may_replace(bucket, name, request.query.get("ifGenerationMatch")):
            return refusal(412, "conditionNotMet", "conditionNotMet")
        self._store(bucket, name, rest.partition(b"\n\n")[2].removesuffix(b"\n--==0==--"))
        return _told(self._describe(bucket, name))

    def _store(self, bucket: str, name: str, data: bytes) -> None:
        self._last_generation += 1
        self._generations[bucket, name] = self._last_generation
        self.objects[bucket][name] = (data, datetime.now(UTC).isoformat().replace("+00:00", "Z"))

    def _generation(self, bucket: str, name: str) -> str:
        return str(self._generations[bucket, name]) if name in self.objects[bucket] else "0"

    def _may_replace(self, bucket: str, name: str, over: str | None) -> bool:
        return over is None or over == self._generation(bucket, name)

    def _list(self, bucket: str, query: dict[str, str]) -> dict[str, Any]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        start = query.get("pageToken", query.get("startOffset", ""))
        limit = int(query.get("maxResults", 1000))
        items, prefixes, token = [], [], ""
        for name in sorted(self.objects[bucket]):
            if not name.startswith(prefix) or name < start:
                continue
            cut = name.find(delimiter, len(prefix)) if delimiter else -1
            folder = name[: cut + 1] if cut >= 0 else ""
            if folder in prefixes:
                continue
            if len(items) + len(prefixes) == limit:
                token = name
                break
            if folder:
                prefixes.append(folder)
            else:
                items.append(self._describe(bucket, name))
        page: dict[str, Any] = {"items": items, "prefixes": prefixes}
        return {**page, "nextPageToken": token} if token else page

    def _describe(self, bucket: str, name: str) -> dict[str, str]:
        data, updated = self.objects[bucket][name]
        return {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "size": str(len(data)),
            "updated": updated,
            "md5Hash": _md5(data),
            "generation": self._generation(bucket, name),
        }


def refusal(status: int, reason: str, words: str) -> GcsAnswer:
    """An error as the service words it."""
    error = {"code": status, "message": words, "errors": [{"reason": reason, "message": words}]}
    return GcsAnswer(status, json.dumps({"error": error}).encode())


def _titled(headers: Any) -> dict[str, str]:
    """Names of headers in one spelling, whatever the client's."""
    return {name.title(): value for name, value in headers.items()}


def _told(what: dict[str, Any]) -> GcsAnswer:
    return GcsAnswer(200, json.dumps(what).encode())


def _md5(data: bytes | bytearray) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _as_it_is(_request: GcsRequest, answer: GcsAnswer) -> GcsAnswer:
    return answer


def _nothing(_request: GcsRequest) -> GcsAnswer | None:
    return None


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[GcsServer]:
    """One for the whole test process; make a bucket of your own in it."""
    server = GcsServer()
    yield server
    server.stop()


@pytest.fixture
def spoilt_gcs() -> Iterator[GcsServer]:
    """One for a single test, to spoil its answers."""
    server = GcsServer()
    yield server
    server.stop()
