"""Which source a task has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from assets.collections.tasks.upload_source import UploadItems
from assets.collections.tasks.web_source import WebItems
from resources.connectors.base import FileConnector
from resources.import_tasks.definition import ConnectorSource, Source, UploadSource
from resources.import_tasks.sources import ItemSource
from resources.kernel.errors import InputError
from resources.sources.connector_items import ConnectorItems
from resources.stores.uploads import UploadStore


@dataclass(frozen=True)
class SourceMeans:
    """What sources work with.

    Args:
        uploads: those of the task.
        connectors: those of the collection.
        scratch: a folder for what has to be fetched.
        stopped: set when the task is to stop: who waits ends at once.
        known: references that the task has already.
    """

    uploads: UploadStore
    connectors: Mapping[str, FileConnector]
    scratch: Path
    stopped: Event
    known: Iterable[str] = ()


@contextmanager
def open_source(given: Source, means: SourceMeans) -> Iterator[ItemSource]:
    """The source of a task, for as long as the context lives.

    Raises:
        InputError: a connector that the collection does not have any longer.
    """
    if isinstance(given, UploadSource):
        with closing(UploadItems(given, means.uploads, means.scratch)) as uploads:
            yield uploads
        return
    if isinstance(given, ConnectorSource):
        connector = means.connectors.get(given.connector)
        if connector is None:
            known = ", ".join(means.connectors) or "none"
            raise InputError(
                f"{given.connector!r} is no connector of the collection any longer",
                hint=f"Its connectors: {known}",
            )
        yield ConnectorItems(given, connector, means.scratch)
        return
    yield WebItems(given, means.scratch, stopped=means.stopped, known=means.known)
