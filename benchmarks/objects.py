"""A bucket of many small objects for the benchmark: moto in a process of its own, each answer as late as S3's are.

python -m benchmarks.objects CSV OBJECTS LATENCY_MS: prints its address when the objects are there, and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import csv
import io
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BUCKET = "small"
OBJECTS = 10_000
LATENCY_MS = 15
"""What a GET of a small object takes from within the same region; moto itself answers in about 4 ms of CPU."""
KEYS = {"access_key": "AKIABENCHMARK0000000", "secret_key": "benchmark"}


@contextmanager
def running_bucket(path: Path) -> Iterator[tuple[str, int]]:
    """The address of a server whose bucket holds the rows of a CSV file in many objects, and its process.

    Raises:
        RuntimeError: it did not come up.
    """
    with running("benchmarks.objects", str(path), str(OBJECTS), str(LATENCY_MS)) as served:
        yield served


@contextmanager
def running(module: str, *arguments: str) -> Iterator[tuple[str, int]]:
    """The address of what a module serves, and its process.

    Raises:
        RuntimeError: it did not come up.
    """
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline().strip() if process.stdout else ""
            if not line.startswith("http"):
                raise RuntimeError("the bucket of small objects did not come up")
            yield line, process.pid
        finally:
            process.kill()


def main(arguments: list[str]) -> None:
    """Fills a bucket and serves it."""
    path, objects, latency_ms = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    named = ((f"in/{n:06}.csv", content) for n, content in enumerate(_pieces(path, objects)))
    serve(named, latency_ms)


class Remembered:
    """An application (ASGI) whose answers to requests that are alike are given again, each as late as any other.

    moto takes 6 ms of processor time for an answer, one after the other: no client could be faster than that. What
    it says of one object it says of all with the same bytes.

    Args:
        inner: answers what was not asked yet.
        latency_ms: what an answer takes.
        alike: what is the same for keys of the same bytes; None: every request is passed on.
    """

    _ASKED = (b"range", b"if-match")

    def __init__(
        self, inner: Any, latency_ms: float, alike: Callable[[str], object] | None
    ) -> None:
        self._inner, self._seconds, self._alike = inner, latency_ms / 1000, alike
        self._known: dict[tuple[object, ...], list[dict[str, Any]]] = {}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answers a request."""
        await asyncio.sleep(self._seconds)
        if self._alike is None or scope["method"] not in ("GET", "HEAD"):
            await self._inner(scope, receive, send)
            return
        headers = dict(scope["headers"])
        asked = (
            self._alike(scope["path"]),
            scope["method"],
            scope["query_string"],
            *(headers.get(name) for name in self._ASKED),
        )
        if asked not in self._known:
            told: list[dict[str, Any]] = []

            async def note(message: dict[str, Any]) -> None:
                told.append(message)

            await self._inner(scope, receive, note)
            self._known[asked] = told
        for message in self._known[asked]:
            await send(message)


def serve(
    objects: Iterable[tuple[str, bytes]],
    latency_ms: float,
    alike: Callable[[str], object] | None = None,
) -> None:
    """Fills a bucket with objects by their keys, prints its address, and serves it until this process is ended.

    Args:
        objects: by their keys.
        latency_ms: what each answer takes besides.
        alike: see `Remembered`.
    """
    import uvicorn
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from moto.s3.models import s3_backends
    from uvicorn.middleware.wsgi import WSGIMiddleware

    inner = WSGIMiddleware(DomainDispatcherApplication(create_backend_app))
    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket(BUCKET, "us-east-1")
    for key, content in objects:
        backend.put_object(BUCKET, key, content)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        late = Remembered(inner, latency_ms, alike)
        config = uvicorn.Config(late, log_level="error", lifespan="off", access_log=False)
        uvicorn.Server(config).run([listening])


def _pieces(path: Path, objects: int) -> Iterator[bytes]:
    """The file's records in that many files, each with the header."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *records = csv.reader(file)
    for number in range(objects):
        start, end = (len(records) * at // objects for at in (number, number + 1))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([header, *records[start:end]])
        yield text.getvalue().encode()


if __name__ == "__main__":
    main(sys.argv[1:])
