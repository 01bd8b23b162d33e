"""The files of items, opened where they lie: in the media store when their bytes are kept, else behind their URLs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from assets.collections.importing import WEB_LIMITS
from orchestration.location import Location
from orchestration.services.asking.question import Desk
from orchestration.services.collections.declared import find_collection
from orchestration.services.collections.thumbnails import ObjectRef
from resources.connectors.base import FileConnector
from resources.kernel.errors import NotFoundError
from resources.sources.object_urls import ObjectUrls, OpenObject
from resources.stores.media.store import MediaStore
from resources.stores.versions import VersionStore
from resources.web.client import WebClient


@dataclass(frozen=True)
class MediaObjects:
    """Opens files of a project's items, for many threads at once.

    Args:
        location: gives the loaded project, or raises why there is none.
        store: gives the store that its runs use; also while the project does not load.
        scratch: a folder for what has to be fetched whole.
    """

    location: Callable[[], Location]
    store: Callable[[], VersionStore]
    scratch: Path
    _urls: dict[str, ObjectUrls] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of_desk(cls, desk: Desk, scratch: Path) -> MediaObjects:
        """Those that a question asks for."""
        return cls(lambda: desk.location, lambda: desk.store, scratch)

    @contextmanager
    def open(self, of: ObjectRef) -> Iterator[OpenObject]:
        """A file.

        Raises:
            NotFoundError: it is not there.
            InputError: its URL leads nowhere that the collection may ask.
            ConfigError: the project does not load, and only its connectors lead there.
            WaybillError: whatever keeps it from being read.
        """
        if of.sha256:
            yield self._kept(of)
            return
        with self._of_collection(of.collection).open(of.url) as opened:
            yield opened

    def _kept(self, of: ObjectRef) -> OpenObject:
        media = MediaStore.open(self.store().url)
        found = media.find(of.sha256)
        if found is None:
            raise NotFoundError(
                f"the kept bytes of {of.name} are not in the media store",
                hint="Import the item again",
                sha256=of.sha256,
            )

        def read(start: int, length: int) -> bytes:
            return media.read_range(of.sha256, start, length)

        return OpenObject(of.name, found.size_bytes, of.sha256, read)

    def _of_collection(self, name: str) -> ObjectUrls:
        with self._lock:
            if name not in self._urls:
                location = self.location()
                spec = find_collection(location, name)
                found = [location.connector(one) for one in spec.connectors]
                files = [one for one in found if isinstance(one, FileConnector)]
                web = WebClient(WEB_LIMITS) if spec.web else None
                self._urls[name] = ObjectUrls(files, web, self.scratch)
            return self._urls[name]
