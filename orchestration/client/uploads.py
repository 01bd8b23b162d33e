"""Files on their way to a server: in pieces that pass any proxy, and on from where a cut line left them.

Each piece is a request. Over a fast line they grow, so that requests do not cost more than bytes; what refuses or cuts
a large one gets small ones from then on.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import requests

from orchestration.client.runs import Run
from orchestration.client.transport import Transport, part
from resources.kernel.errors import ConnectorUnavailableError, InputError, WaybillError
from resources.kernel.retries import RetryPolicy

PIECE_BYTES, MOST_PIECE_BYTES = 8_000_000, 64_000_000
GROW_SECONDS = 1.0
"""A piece that took less is followed by one of twice its size."""
TRIES = RetryPolicy(5, pause_seconds=0.6)
FIRST_POLL_SECONDS, POLL_SECONDS = 0.02, 0.2
"""Between two looks whether a run has begun: small files are kept at once, so the first looks come soon."""
_TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True)
class Uploads:
    """Sends files.

    Args:
        transport: how the server is asked.
        base: the project's place.
    """

    transport: Transport
    base: str

    def send(self, file: Path) -> str:
        """Sends a file; its id.

        Raises:
            ConnectorUnavailableError: the server cannot be reached, whatever is tried.
            InputError: it is larger than the server takes.
        """
        name = base64.b64encode(file.name.encode()).decode()
        headers = {
            **_TUS,
            "Upload-Length": str(file.stat().st_size),
            "Upload-Metadata": f"filename {name}",
        }
        answer = self.transport.raw("POST", f"{self.base}/uploads", headers=headers, again=False)
        upload_id = str(answer.headers["Location"]).rpartition("/")[2]
        with file.open("rb") as stream:
            self._send_pieces(upload_id, stream, file.stat().st_size)
        return upload_id

    def _send_pieces(self, upload_id: str, stream: BinaryIO, size: int) -> None:
        path = f"{self.base}/uploads/{part(upload_id)}"
        sent, is_known, pieces = 0, True, _PieceSizes()

        def send_rest() -> None:
            nonlocal sent, is_known
            if (
                not is_known
            ):  # the server may have taken a part of the piece whose answer did not come
                sent = _offset(self.transport.raw("HEAD", path, headers=_TUS))
            while sent < size:
                is_known = False
                with pieces.next(size - sent) as length:
                    sent = _offset(self._send_piece(path, sent, _Piece(stream, sent, length)))
                is_known = True

        TRIES.run(
            send_rest,
            may_pass=lambda error: isinstance(error, ConnectorUnavailableError) or pieces.was_large,
            progress=lambda: sent,
        )

    def _send_piece(self, path: str, start: int, piece: _Piece) -> requests.Response:
        headers = {
            **_TUS,
            "Upload-Offset": str(start),
            "Content-Type": "application/offset+octet-stream",
        }
        return self.transport.raw("PATCH", path, headers=headers, data=piece, again=False)

    def start_import(self, upload_ids: list[str], name: str, settings: dict[str, Any]) -> Run:
        """Has files imported as one dataset; the run that does it, once it has begun.

        Raises:
            InputError: why the files cannot be imported.
        """
        first, *more = upload_ids
        path = f"{self.base}/uploads/{part(first)}"
        order = {"name": name, "settings": settings, "more": more}
        # The same order again is the same import.
        told = self.transport.send("POST", f"{path}/import", dict[str, Any], order, key=first)
        run_id, pause = told.get("run_id", ""), FIRST_POLL_SECONDS
        while not run_id:
            time.sleep(pause)
            pause = min(pause * 2, POLL_SECONDS)
            state = self.transport.get(path, dict[str, Any])
            if state["phase"] == "failed":
                raise InputError(state["problem"])
            run_id = state["run_id"]
        return Run(self.transport, self.base, run_id)


class _Piece:
    """A piece of a file, as the body of a request: read while it is sent."""

    def __init__(self, stream: BinaryIO, start: int, length: int) -> None:
        stream.seek(start)
        self._stream = stream
        self._length = self._left = length

    def __len__(self) -> int:
        return self._length

    def read(self, size: int) -> bytes:
        """The next bytes; fewer where the file has become shorter, which the server notices."""
        found = self._stream.read(min(size, self._left))
        self._left -= len(found)
        return found


class _PieceSizes:
    """How large pieces are: twice as large as long as they take no time, small for good once a large one fails."""

    def __init__(self) -> None:
        self._size, self._most = PIECE_BYTES, MOST_PIECE_BYTES
        self.was_large = False
        """Whether the piece that failed last was larger than the smallest: the same bytes may pass as small ones."""

    @contextmanager
    def next(self, left: int) -> Iterator[int]:
        """The size of the next piece, which is sent in the context."""
        size, began = min(self._size, left), time.monotonic()
        try:
            yield size
        except WaybillError:
            self.was_large = size > PIECE_BYTES
            self._size = self._most = PIECE_BYTES
            raise
        if time.monotonic() - began < GROW_SECONDS:
            self._size = min(self._size * 2, self._most)


def _offset(answer: requests.Response) -> int:
    """How many bytes of the file are there."""
    return int(answer.headers["Upload-Offset"])
