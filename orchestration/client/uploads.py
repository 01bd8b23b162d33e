"""Files on their way to a server: in pieces that pass any proxy, and on from where a cut line left them."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from orchestration.client.runs import Run
from orchestration.client.transport import Transport, part
from resources.kernel.errors import ConnectorUnavailableError, InputError

PIECE_BYTES = 8_000_000
TRIES = 5
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
        path, sent, failed = f"{self.base}/uploads/{part(upload_id)}", 0, 0
        while sent < size:
            try:
                stream.seek(sent)
                headers = {
                    **_TUS,
                    "Upload-Offset": str(sent),
                    "Content-Type": "application/offset+octet-stream",
                }
                piece = stream.read(PIECE_BYTES)
                answer = self.transport.raw("PATCH", path, headers=headers, data=piece, again=False)
                sent, failed = int(answer.headers["Upload-Offset"]), 0
            except ConnectorUnavailableError:
                failed += 1
                if failed == TRIES:
                    raise
                time.sleep(0.3 * 2**failed)
                there = self.transport.raw("HEAD", path, headers=_TUS)
                sent = int(there.headers["Upload-Offset"])

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
            state = self.transport.get(path, dict[str, Any])
            if state["phase"] == "failed":
                raise InputError(state["problem"])
            run_id = state["run_id"]
            time.sleep(0 if run_id else POLL_SECONDS)
        return Run(self.transport, self.base, run_id)
