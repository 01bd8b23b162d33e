"""One import: a specification is taken, objects are looked at, and the catalog remembers how far it got.

The same import is tried again by Dagster's retry of its run, and gone on with by a run of its own that names it:
a run that was stopped cannot be re-executed from its failure, so what is left to do says the catalog, item by item.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from assets.collections.declaration import CollectionSpec
from assets.collections.looking import THREADS, Looker, look_at_items
from assets.collections.taking import register_specification
from resources.collections.folders import check_folder
from resources.collections.metadata_schema import MetadataSchema
from resources.connectors.base import FileConnector
from resources.scratch import ScratchFolder
from resources.sources.object_urls import ObjectUrls
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.records import ImportCounts, ImportRequest, StoredImport
from resources.stores.media.writer import MediaWriter
from resources.stores.uploads import UploadStore
from resources.web.client import WebClient, WebLimits

WEB_LIMITS = WebLimits(bytes=2_000_000_000, seconds=600)
"""Of one request for a file of the web, or for a part of one."""


@dataclass(frozen=True)
class WantedImport:
    """What a run was asked for."""

    key: str
    """By what the import is known again: the id of the run that it was first asked of."""
    upload: str = ""
    """SHA-256 of a specification that is kept; of one that lies elsewhere `keeping.py` sees to that:"""
    connector: str = ""
    """the connector ..."""
    object_key: str = ""
    """... and the key where it lies."""
    file_name: str = ""
    folder: str | None = None
    """Where items go; where the collection says when None."""
    ignore_errors: bool = False
    """Go on when an item fails; of an import that is gone on with also what it was begun with."""
    author: str = ""
    watched: bool = False
    """Or whether it is what lies in the watched place."""
    import_id: int = 0
    """An import to go on with, instead of a specification."""
    retry_failed: bool = False
    """Whether items that failed are looked at once more."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for but that what holds is published."""
        return not (self.upload or self.object_key or self.watched or self.import_id)


@dataclass(frozen=True)
class Means:
    """What an import works with."""

    catalog: CollectionCatalog
    spec: CollectionSpec
    schema: MetadataSchema | None
    connectors: dict[str, FileConnector]
    run_id: str
    tell: Callable[[str], None]
    uploads: UploadStore = field(default_factory=UploadStore.open)


@dataclass(frozen=True)
class ImportEnd:
    """What an import came to."""

    stored: StoredImport
    counts: ImportCounts


def carry_out(means: Means, wanted: WantedImport, writer: MediaWriter | None) -> ImportEnd:
    """Carries an import out as far as it is not done.

    Raises:
        InputError: the specification breaks a rule, or an item failed and errors are not ignored.
        WaybillError: something that all items share; what is done stays, the rest can be gone on with.
    """
    catalog = means.catalog
    import_id = wanted.import_id or catalog.begin(means.spec.name, request_of(means.spec, wanted))
    stored = catalog.work(import_id, means.run_id)
    try:
        if stored.registered_at is None:
            _register(means, wanted, stored)
        if wanted.retry_failed:
            catalog.retry(import_id)
        ignore_errors = stored.ignore_errors or wanted.ignore_errors
        _look(means, stored, writer, ignore_errors=ignore_errors)
    except BaseException as error:
        catalog.end(import_id, "failed" if isinstance(error, Exception) else "stopped", str(error))
        raise
    counts = catalog.counts(import_id)
    # With errors ignored a job ends well, whatever became of single items.
    catalog.end(import_id, "completed")
    return ImportEnd(catalog.find_import(import_id), counts)


def request_of(spec: CollectionSpec, wanted: WantedImport) -> ImportRequest:
    """An import as the catalog writes it down.

    Raises:
        InputError: a folder that cannot be.
    """
    folder = spec.folder if wanted.folder is None else check_folder(wanted.folder)
    return ImportRequest(
        key=wanted.key,
        folder=folder,
        file_name=wanted.file_name,
        sha256=wanted.upload,
        asked_by=wanted.author,
        look="always" if spec.keep_copies else spec.probe,
        ignore_errors=wanted.ignore_errors,
        schema=spec.metadata_schema,
    )


def _register(means: Means, wanted: WantedImport, stored: StoredImport) -> None:
    # Gone on with before it was registered: the file is the one that was kept then.
    with means.uploads.read(wanted.upload or stored.sha256) as path:
        done = register_specification(
            means.catalog, means.spec, means.schema, path, stored.file_name, stored.id
        )
    counts = ", ".join(f"{done.total(action):,} {action}" for action in done.counts)
    means.tell(f"{stored.file_name}: {counts or 'no items'}")


def _look(
    means: Means, stored: StoredImport, writer: MediaWriter | None, *, ignore_errors: bool
) -> None:
    """Looks at what is pending, if anything is: parsers are not started for nothing."""
    if not means.catalog.pending(stored.id, limit=1):
        return
    spec = means.spec
    with ExitStack() as stack:
        scratch = stack.enter_context(ScratchFolder("import"))
        web = WebClient(WEB_LIMITS) if spec.web else None
        urls = ObjectUrls(list(means.connectors.values()), web, scratch.path)
        prober: Any = None
        if spec.probe != "never":
            from resources.media.prober import open_prober

            prober = stack.enter_context(open_prober())
        files = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="files"))
        looker = Looker(urls, files, prober, writer, always=spec.probe == "always")
        look_at_items(
            means.catalog, stored.id, looker, ignore_errors=ignore_errors, tell=means.tell
        )
