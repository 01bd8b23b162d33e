"""What the server's processes have to say to the person who started it: lines of a file that the supervisor reads."""

from __future__ import annotations

import logging
import os
from pathlib import Path

VARIABLE = "WAYBILL_NEWS"
"""Names the file to the processes."""

LINE_LIMIT = 1_000
logger = logging.getLogger(__name__)


def tell(text: str) -> None:
    """Has the supervisor print `text` as one line; without a supervisor it is only logged."""
    logger.warning("%s", text)
    if path := os.environ.get(VARIABLE):
        line = " ".join(text.split())[:LINE_LIMIT] + "\n"
        with Path(path).open("ab", buffering=0) as file:
            file.write(line.encode())


class NewsReader:
    """The lines that have come since the last look.

    Args:
        path: the file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> list[str]:
        """Whole lines only: one that is being written is read next time."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._offset += len(whole) + 1
        return whole.decode(errors="replace").splitlines()
