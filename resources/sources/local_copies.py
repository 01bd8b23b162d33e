"""Local copies of many objects at once: as many as the connector says it can bear."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

from resources.kernel.errors import NotFoundError
from resources.kernel.records import ObjectInfo


class Copier(Protocol):
    """Who hands out local copies: a connector of files, or what was uploaded."""

    @property
    def parallel_copies(self) -> int:
        """How many may be asked for at once."""

    @property
    def fetches(self) -> bool:
        """Whether a copy has to be fetched; False where files lie here already."""

    def local_copy(self, item: ObjectInfo, scratch: Path) -> AbstractContextManager[Path]:
        """See `FileConnector.local_copy`."""


LocalCopies = list[tuple[ObjectInfo, Path | None]]
"""Objects in order of key with a local file each; None for one that was deleted since it was listed (E41)."""


def make_local_copies(
    copier: Copier, items: Sequence[ObjectInfo], scratch: Path, stack: ExitStack
) -> LocalCopies:
    """A local file for each object, in their order, for as long as `stack` is open; None for one that is gone (E41).

    The first error ends it: what is under way is finished, nothing else is begun.
    """

    def fetch(item: ObjectInfo) -> Path | None:
        copy = copier.local_copy(item, scratch)
        try:
            path = copy.__enter__()
        except NotFoundError:  # gone since the listing; named in the import's warnings
            return None
        stack.push(copy)
        return path

    at_once = min(copier.parallel_copies, len(items)) or 1
    with ThreadPoolExecutor(at_once, thread_name_prefix="fetch") as pool:
        return list(zip(items, pool.map(fetch, items), strict=True))
