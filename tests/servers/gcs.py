"""Google Cloud Storage for tests: the few calls of its JSON API that a store of versions makes, conditions included."""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

# gcsfs would ask a second service over gRPC what kind of bucket this is, and wait for it for minutes.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"


class GcsServer:
    """Buckets in memory, on loopback. One lock makes every call atomic, as the service is."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, tuple[bytes, str]]] = {}
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _reply(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with outer._lock:
                    status, answer = outer._answer(self.command, urlsplit(self.path), body)
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = _reply  # noqa: N815 - names that http.server looks up

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
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

    def stop(self) -> None:
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, method: str, url: Any, body: bytes) -> tuple[int, Any]:
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        _, _, path = url.path.partition("/storage/v1/b/")
        bucket, _, rest = path.partition("/o")
        name = unquote(rest.removeprefix("/"))
        if bucket not in self.objects:
            return 404, {"error": {"code": 404, "message": "The specified bucket does not exist."}}
        held = self.objects[bucket]
        if method == "POST":
            return self._insert(bucket, query, body)
        if not name:
            return 200, self._list(bucket, query)
        if name not in held:
            return 404, {"error": {"code": 404, "message": f"No such object: {bucket}/{name}"}}
        if method == "DELETE":
            del held[name]
            return 204, b""
        return 200, held[name][0] if query.get("alt") == "media" else self._describe(bucket, name)

    def _insert(self, bucket: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        _, head, rest = body.split(b"--==0==", 2)
        name = json.loads(head.partition(b"\n\n")[2])["name"]
        if query.get("ifGenerationMatch") == "0" and name in self.objects[bucket]:
            return 412, {"error": {"code": 412, "message": "conditionNotMet"}}
        data = rest.partition(b"\n\n")[2].removesuffix(b"\n--==0==--")
        self.objects[bucket][name] = (data, datetime.now(UTC).isoformat().replace("+00:00", "Z"))
        return 200, self._describe(bucket, name)

    def _list(self, bucket: str, query: dict[str, str]) -> dict[str, Any]:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        items, prefixes = [], set()
        for name in sorted(self.objects[bucket]):
            inner = name.removeprefix(prefix)
            if not name.startswith(prefix):
                continue
            if delimiter and delimiter in inner:
                prefixes.add(prefix + inner.partition(delimiter)[0] + delimiter)
            else:
                items.append(self._describe(bucket, name))
        return {"items": items, "prefixes": sorted(prefixes)}

    def _describe(self, bucket: str, name: str) -> dict[str, str]:
        data, updated = self.objects[bucket][name]
        return {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "size": str(len(data)),
            "updated": updated,
            "generation": "1",
        }


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[GcsServer]:
    """One for the whole test process; make a bucket of your own in it."""
    server = GcsServer()
    yield server
    server.stop()
