"""Local copies of many objects at once: as many as the connector says it can bear."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from resources.connectors.base import FileConnector
from resources.kernel.errors import NotFoundError
from resources.kernel.records import ObjectInfo

LocalCopies = list[tuple[ObjectInfo, Path | None]]
"""Objects in order of key with a local file each; None for one that was deleted since it was listed (E41)."""


def make_local_copies(
    connector: FileConnector, items: Sequence[ObjectInfo], scratch: Path, stack: ExitStack
) -> LocalCopies:
    """A local file for each object, in their order, for as long as `stack` is open; None for one that is gone (E41).

    The first error ends it: what is under way is finished, nothing else is begun.
    """

    def fetch(item: ObjectInfo) -> Path | None:
        copy = connector.local_copy(item, scratch)
        try:
            path = copy.__enter__()
        except NotFoundError:  # gone since the listing; named in the import's warnings
            return None
        stack.push(copy)
        return path

    at_once = min(connector.parallel_copies, len(items)) or 1
    with ThreadPoolExecutor(at_once, thread_name_prefix="fetch") as pool:
        return list(zip(items, pool.map(fetch, items), strict=True))
