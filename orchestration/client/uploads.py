"""Files on their way to a server: in pieces that pass any proxy, and on from where a cut line left them."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import requests

from orchestration.client.runs import Run
from orchestration.client.transport import Transport, part
from resources.kernel.errors import ConnectorUnavailableError, InputError
from resources.kernel.retries import RetryPolicy

PIECE_BYTES = 8_000_000
TRIES = RetryPolicy(5, pause_seconds=0.6)
POLL_SECONDS = 0.2
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
        sent, is_known = 0, True

        def send_rest() -> None:
            nonlocal sent, is_known
            if (
                not is_known
            ):  # the server may have taken a part of the piece whose answer did not come
                sent = _offset(self.transport.raw("HEAD", path, headers=_TUS))
            while sent < size:
                stream.seek(sent)
                is_known = False
                sent = _offset(self._send_piece(path, sent, stream.read(PIECE_BYTES)))
                is_known = True

        TRIES.run(
            send_rest,
            may_pass=lambda error: isinstance(error, ConnectorUnavailableError),
            progress=lambda: sent,
        )

    def _send_piece(self, path: str, start: int, piece: bytes) -> requests.Response:
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
        run_id = told.get("run_id", "")
        while not run_id:
            time.sleep(POLL_SECONDS)
            state = self.transport.get(path, dict[str, Any])
            if state["phase"] == "failed":
                raise InputError(state["problem"])
            run_id = state["run_id"]
        return Run(self.transport, self.base, run_id)


def _offset(answer: requests.Response) -> int:
    """How many bytes of the file are there."""
    return int(answer.headers["Upload-Offset"])
