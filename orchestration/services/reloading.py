"""Having a server read a project's files anew, and knowing when it has.

The supervisor starts the next process of a code location when it finds a file, and turns a link to that one once it
answers. So anybody who may write into the folder of its sockets can ask for a reload, and see by the link that it is done.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

from orchestration.services.home import Home
from orchestration.services.locks import CODE_LOCK, is_held, read_note
from resources.kernel.errors import ConflictError
from resources.project import find_project

RELOAD_SECONDS = 170.0
POLL_SECONDS = 0.05


def reload_server(home: Home) -> bool:
    """Returns when the server of this home folder has read the project's files anew; False where there is none.

    Raises:
        ConflictError: they do not load; what was loaded before stays.
    """
    lock = home.locks / CODE_LOCK
    if not is_held(lock):
        return False
    links = json.loads(read_note(lock) or "{}")
    link = links.get(find_project().location)
    if link is None:  # it serves another project
        return False
    for _ in _reloading(Path(link)):
        time.sleep(POLL_SECONDS)
    return True


async def reload_location(link: Path) -> None:
    """Returns when a code location was read anew.

    Args:
        link: to the socket of its newest process.

    Raises:
        ConflictError: it does not load; what was loaded before stays.
    """
    for _ in _reloading(link):
        await asyncio.sleep(POLL_SECONDS)


def _reloading(link: Path) -> Iterator[None]:
    """Asks, and yields until it is done."""
    asked, failed = link.with_suffix(".reload"), link.with_suffix(".failed")
    before = link.readlink()
    failed.unlink(missing_ok=True)
    asked.touch()
    end = time.monotonic() + RELOAD_SECONDS
    while True:
        is_taken_up = not asked.exists()
        now = link.readlink()
        if now != before and is_taken_up:
            return
        before = (
            before if is_taken_up else now
        )  # one that began before we asked may not have seen all
        if (is_taken_up and failed.exists()) or time.monotonic() > end:
            text = failed.read_text(encoding="utf-8") if failed.exists() else "it takes too long"
            raise ConflictError(
                f"the server could not read the project's files anew: {text}",
                hint="`waybill check` says what is wrong",
            )
        yield
