"""Files of an import task whose target takes them whole: uploads, or objects of a connector, each an item.

What was taken lies in a folder of the run's own and cannot change any more: a file that is still written to where it comes from
was proven to be the same before and after it was copied.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from resources.connectors.base import FileConnector
from resources.import_tasks.definition import (
    ConnectorSource,
    Source,
    UploadedFile,
    UploadSource,
    WebSource,
)
from resources.import_tasks.items import ItemState, Outcome, TaskItem
from resources.import_tasks.sources import (
    FetchedFile,
    ItemRefusedError,
    ItemSource,
    KnownFile,
    SourceItem,
    Unchanged,
    WithoutLinks,
)
from resources.kernel.errors import GoneError, InputError, IntegrityError, UnknownNameError
from resources.sources.connector_items import ConnectorItems
from resources.stores.catalog.import_tasks.records import ItemResult
from resources.stores.uploads import UploadStore

UPLOAD_SCHEME = "upload:/"
"""What references of uploaded files begin with."""


class WholeUploads(WithoutLinks):
    """See `ItemSource`.

    Args:
        definition: which files.
        uploads: those of the task.
    """

    def __init__(self, definition: UploadSource, uploads: UploadStore) -> None:
        self._files = definition.files
        self._uploads = uploads

    def list(self) -> Iterator[SourceItem]:
        """Each file, archives too."""
        return map(upload_item, self._files)

    @contextmanager
    def fetch(self, item: SourceItem, known: KnownFile | None) -> Iterator[FetchedFile | Unchanged]:
        """The file as it was handed in."""
        if known is not None and known.sha256 == item.handle:
            yield Unchanged(item.fingerprint)
            return
        with self._upload(item.handle) as path:
            size = path.stat().st_size
            yield FetchedFile(path, item.name, size, item.handle, fingerprint=item.handle)

    @contextmanager
    def _upload(self, sha256: str) -> Iterator[Path]:
        """The file with this hash, as long as it is kept; what goes wrong with it in the context is not told as that."""
        with ExitStack() as stack:
            try:
                path = stack.enter_context(self._uploads.read(sha256))
            except (GoneError, IntegrityError) as error:
                raise ItemRefusedError("upload_gone", error.message) from error
            yield path


def upload_item(file: UploadedFile) -> SourceItem:
    """An uploaded file as an item."""
    reference = UPLOAD_SCHEME + file.name
    return SourceItem(file.name, reference, file.size, file.sha256, handle=file.sha256)


@dataclass(frozen=True)
class WholeFiles:
    """Where the files of a task come from.

    Args:
        items: lists and fetches them.
        may_link: whether nobody else writes to what is fetched: its bytes need not be copied.
        at_once: how many may be fetched at once.
    """

    items: ItemSource
    may_link: bool
    at_once: int


def whole_files(
    source: Source, connectors: Mapping[str, FileConnector], uploads: UploadStore, scratch: Path
) -> WholeFiles:
    """Where the files of a task come from.

    Args:
        source: what the task says.
        connectors: those that the target declares, by name.
        uploads: those of the task.
        scratch: a folder for what is fetched.

    Raises:
        InputError: pages of the web, which are no files.
        UnknownNameError: a connector that the target does not declare any longer.
    """
    if isinstance(source, UploadSource):
        return WholeFiles(WholeUploads(source, uploads), may_link=True, at_once=4)
    if isinstance(source, WebSource):
        raise no_pages()
    assert isinstance(source, ConnectorSource)  # noqa: S101 - for the type checker: there are three
    if source.connector not in connectors:
        raise UnknownNameError("connector", source.connector, connectors)
    connector = connectors[source.connector]
    items = ConnectorItems(source, connector, scratch)
    return WholeFiles(items, may_link=connector.fetches, at_once=connector.parallel_copies)


def no_pages() -> InputError:
    """The refusal of a task of pages for a target of files."""
    return InputError(
        "pages of the web go into a collection", hint="Name a collection with `web: true`"
    )


@dataclass(frozen=True)
class BroughtFile:
    """A file of a task that is here."""

    item: TaskItem
    path: Path
    size: int
    sha256: str
    fingerprint: str

    def result(
        self, state: ItemState, outcome: Outcome = "", *, rule: str = "", message: str = ""
    ) -> ItemResult:
        """What became of it."""
        return ItemResult(
            self.item.number,
            state,
            outcome,
            rule=rule,
            message=message,
            size=self.size,
            fingerprint=self.fingerprint,
            sha256=self.sha256,
        )


@dataclass(frozen=True)
class RefusedFile:
    """A file that could not be taken, and why."""

    item: TaskItem
    error: ItemRefusedError


def take_files(
    files: WholeFiles, items: Sequence[TaskItem], folder: Path, check: Callable[[], None]
) -> Iterator[BroughtFile | RefusedFile]:
    """Brings files here, in their order; several at once.

    Args:
        files: where they come from.
        items: those that are wanted.
        folder: where they go.
        check: asked before each; what it raises ends it.

    Raises:
        WaybillError: what all files share.
    """

    def take(item: TaskItem) -> BroughtFile | RefusedFile:
        try:
            return _take(files, item, folder / f"{item.number:06d}")
        except ItemRefusedError as error:
            return RefusedFile(item, error)

    pool = ThreadPoolExecutor(max(files.at_once, 1), thread_name_prefix="fetch")
    try:
        for found in pool.map(take, items):
            check()
            yield found
    finally:
        pool.shutdown(cancel_futures=True)


def _take(files: WholeFiles, item: TaskItem, target: Path) -> BroughtFile:
    wanted = SourceItem(item.name, item.reference, item.size, item.fingerprint, handle=item.handle)
    context: AbstractContextManager[FetchedFile | Unchanged] = files.items.fetch(wanted, None)
    with context as fetched:
        assert isinstance(fetched, FetchedFile)  # noqa: S101 - for the type checker: nothing is known of it
        _own(fetched.path, target, may_link=files.may_link)
    return BroughtFile(item, target, fetched.size, fetched.sha256, fetched.fingerprint)


def _own(path: Path, target: Path, *, may_link: bool) -> None:
    target.unlink(missing_ok=True)
    if may_link:
        try:
            os.link(path, target)
        except OSError:  # another disk, or a file system without links
            pass
        else:
            return
    shutil.copyfile(path, target)
