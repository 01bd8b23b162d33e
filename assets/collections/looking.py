"""An import looks at the objects of its items: in parallel, resumable, and what was found out is never found out twice.

Items that are still to be looked at are those that the catalog calls pending; what became of each is written down in
small lots. So a run that is killed or stopped loses a lot at most, and the next one goes on with what is left. What
is wrong with one object is that item's error. What all items share (a server that cannot be reached, a full disk)
ends the run and leaves the rest pending.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from resources.collections.items import FileError, ItemOutcome
from resources.kernel.errors import InputError, WaybillError
from resources.kernel.urls import without_secrets
from resources.media.prober import Prober
from resources.sandbox.ranges import RangeSource
from resources.sources.object_urls import LocalObject, ObjectUrls, rule_of
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.records import StoredItem
from resources.stores.media.writer import MediaWriter

THREADS = 16
"""Items that are looked at at once: mostly they wait for bytes."""

_LOT_ITEMS = 200
_LOT_SECONDS = 2.0
_AHEAD = 4 * THREADS
_TOLD = 5
"""Problems of the files of one item that its message has."""

File = TypeVar("File", bound=RangeSource)


@dataclass(frozen=True)
class Looker:
    """What it takes to look at one item."""

    urls: ObjectUrls
    files: Executor
    """Opens the files of one item side by side; none of its threads looks at items."""
    prober: Prober | None
    """None: media metadata are not read."""
    writer: MediaWriter | None
    """None: bytes are not kept."""
    always: bool
    """Whether media metadata are read even where the specification gave them."""

    def look(self, item: StoredItem) -> ItemOutcome:
        """What is found out about an item.

        Raises:
            WaybillError: something that all items share.
        """
        try:
            with ExitStack() as stack:
                found = self._found(item, stack)
                if found.rule:
                    return found
                # Leaving proves that no object changed while it was read.
        except _FilesError as failed:
            return _failed(item, failed.errors)
        except WaybillError as error:
            return _failed(item, [(0, error)])
        return found

    def _found(self, item: StoredItem, stack: ExitStack) -> ItemOutcome:
        if self.writer is None:
            return self._probed(item, self._open(item, self.urls.open, stack))
        # What is kept comes here whole, once; what is in it is told by what came.
        fetched = self._open(item, self.urls.fetch, stack)
        found = self._probed(item, fetched)
        if found.rule:
            return found
        kept = [_keep(self.writer, file) for file in fetched]
        return replace(found, objects=msgspec.json.encode(kept))

    def _open(
        self,
        item: StoredItem,
        way: Callable[[str], AbstractContextManager[File]],
        stack: ExitStack,
    ) -> list[File]:
        """The files of an item, for as long as `stack` lives; of those that cannot be had each is told."""
        contexts = [way(url) for url in item.urls]
        if len(contexts) == 1:
            opening = [_now(contexts[0].__enter__)]
        else:
            opening = [self.files.submit(context.__enter__) for context in contexts]
        for context, one in zip(contexts, opening, strict=True):
            if one.exception() is None:
                stack.push(context)
        _check_opened(opening)
        return [one.result() for one in opening]

    def _probed(self, item: StoredItem, opened: Sequence[RangeSource]) -> ItemOutcome:
        media = None
        if self.prober is not None and (self.always or item.media is None):
            looked = self.prober.look(item.type, opened)
            if looked.problems:
                return _outcome(
                    item, [(one.source, one.rule, one.message) for one in looked.problems]
                )
            media = looked.media
        return ItemOutcome(item.id, media=media)


class _FilesError(Exception):
    """Files of an item cannot be had: which of them, and why."""

    def __init__(self, errors: Sequence[tuple[int, WaybillError]]) -> None:
        super().__init__(f"{len(errors)} files")
        self.errors = errors


def _failed(item: StoredItem, errors: Sequence[tuple[int, WaybillError]]) -> ItemOutcome:
    """The outcome that errors of its objects are; one that all items share is raised."""
    told = []
    for position, error in errors:
        rule = rule_of(error)
        if rule is None:
            raise error
        told.append((position, rule, error.message))
    return _outcome(item, told)


def _outcome(item: StoredItem, problems: Sequence[tuple[int, str, str]]) -> ItemOutcome:
    """What position, rule and message of each problem come to: the item has the first rule, each file its own."""
    files: dict[int, FileError] = {}
    for position, rule, message in problems:
        known = files.get(position)
        files[position] = (
            FileError(position, item.urls[position], rule, message)
            if known is None
            else replace(known, message=f"{known.message}; {message}")
        )
    _, rule, _ = problems[0]
    told = _told_together([message for _, _, message in problems])
    url = item.urls[problems[0][0]]
    return ItemOutcome(item.id, rule=rule, message=told, url=url, files=tuple(files.values()))


def _told_together(messages: Sequence[str]) -> str:
    """What is wrong with the files of an item, as one message."""
    more = f"; and {len(messages) - _TOLD:,} more" if len(messages) > _TOLD else ""
    return "; ".join(messages[:_TOLD]) + more


def _check_opened(opening: Sequence[Future[File]]) -> None:
    """Raises what kept files from being opened, if anything did."""
    errors = [
        (position, error)
        for position, one in enumerate(opening)
        if (error := one.exception()) is not None
    ]
    for _, error in errors:
        if not isinstance(error, WaybillError):
            raise error
    if errors:
        raise _FilesError(
            [(place, error) for place, error in errors if isinstance(error, WaybillError)]
        )


def _now(call: Callable[[], File]) -> Future[File]:
    """What a call returns or raises, as if a thread had made it."""
    done: Future[File] = Future()
    try:
        done.set_result(call())
    except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
        done.set_exception(error)
    return done


def _keep(writer: MediaWriter, file: LocalObject) -> str:
    with file.path.open("rb") as stream:
        return writer.keep(stream).sha256


def look_at_items(
    catalog: CollectionCatalog,
    import_id: int,
    looker: Looker,
    *,
    ignore_errors: bool,
    tell: Callable[[str], None],
) -> None:
    """Looks at all items of an import that are pending.

    Args:
        catalog: where they are.
        import_id: the import.
        looker: how one is looked at.
        ignore_errors: whether the first item that fails ends the import (F106).
        tell: hears how far it is, now and then.

    Raises:
        ItemFailedError: an item failed, and errors are not ignored; what was done stays.
        WaybillError: what all items share; the rest stays pending.
    """
    lot = _Lot(catalog, import_id, tell)
    items = _pending(catalog, import_id)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="look") as pool:
        running: set[Future[ItemOutcome]] = set()
        try:
            while True:
                running |= {
                    pool.submit(looker.look, i) for i in islice(items, _AHEAD - len(running))
                }
                if not running:
                    break
                done, running = wait(running, _LOT_SECONDS, FIRST_COMPLETED)
                failed = lot.take(done)
                if failed is not None and not ignore_errors:
                    raise ItemFailedError(failed)
        finally:
            for future in running:
                future.cancel()
            lot.take({future for future in running if future.done() and not future.cancelled()})
            lot.settle()


class ItemFailedError(InputError):
    """An item could not be imported, and the import was told to end then."""

    def __init__(self, outcome: ItemOutcome) -> None:
        # It stands in records of runs and in logs, and URLs may be signed.
        url = without_secrets(outcome.url)
        super().__init__(
            f"item {outcome.item_id}: {url}: {outcome.message} ({outcome.rule})",
            hint="Mend it and go on with the import, or let it ignore errors of single items",
            item=outcome.item_id,
            url=url,
            rule=outcome.rule,
        )


class _Lot:
    """Outcomes that are written down together."""

    def __init__(
        self, catalog: CollectionCatalog, import_id: int, tell: Callable[[str], None]
    ) -> None:
        self._catalog = catalog
        self._import_id = import_id
        self._tell = tell
        self._outcomes: list[ItemOutcome] = []
        self._since = time.monotonic()
        self._settled = 0

    def take(self, done: set[Future[ItemOutcome]]) -> ItemOutcome | None:
        """Adds what came out; the first failed item of it. An error that all share is raised when the rest is kept."""
        shared: BaseException | None = None
        failed: ItemOutcome | None = None
        for future in done:
            error = future.exception()
            if error is not None:
                shared = shared or error
                continue
            outcome = future.result()
            failed = failed or (outcome if outcome.rule else None)
            self._outcomes.append(outcome)
        if shared is not None:
            self.settle()
            raise shared
        if len(self._outcomes) >= _LOT_ITEMS or time.monotonic() - self._since > _LOT_SECONDS:
            self.settle()
        return failed

    def settle(self) -> None:
        """Writes down what there is."""
        if self._outcomes:
            self._catalog.settle(self._import_id, self._outcomes)
            self._settled += len(self._outcomes)
            self._tell(f"{self._settled:,} items looked at")
        self._outcomes = []
        self._since = time.monotonic()


def _pending(catalog: CollectionCatalog, import_id: int) -> Iterator[StoredItem]:
    after = 0
    while page := catalog.pending(import_id, after):
        yield from page
        after = page[-1].id
