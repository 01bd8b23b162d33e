"""An import looks at the objects of its items: in parallel, resumable, and what was found out is never found out twice.

Items that are still to be looked at are those that the catalog calls pending; what became of each is written down in
small lots. So a run that is killed or stopped loses a lot at most, and the next one goes on with what is left. What
is wrong with one object is that item's error. What all items share (a server that cannot be reached, a full disk)
ends the run and leaves the rest pending.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice

import msgspec

from resources.collections.items import ItemOutcome
from resources.kernel.errors import InputError, WaybillError
from resources.media.prober import Prober
from resources.sources.object_urls import ObjectUrls, OpenObject, rule_of
from resources.stores.catalog.collections.catalog import CollectionCatalog
from resources.stores.catalog.collections.records import StoredItem
from resources.stores.media.writer import MediaWriter

THREADS = 16
"""Items that are looked at at once: mostly they wait for bytes."""

_LOT_ITEMS = 200
_LOT_SECONDS = 2.0
_AHEAD = 4 * THREADS


@dataclass(frozen=True)
class Looker:
    """What it takes to look at one item."""

    urls: ObjectUrls
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
        url = item.urls[0]
        try:
            with ExitStack() as stack:
                opened = []
                for url in item.urls:
                    opened.append(stack.enter_context(self.urls.open(url)))  # noqa: PERF401 - `url` is named in the error
                found = self._found(item, opened)
                if found.rule:
                    return found
                url = item.urls[0]
                # Leaving proves that no object changed while it was read.
        except WaybillError as error:
            rule = rule_of(error)
            if rule is None:
                raise
            return ItemOutcome(item.id, rule=rule, message=error.message, url=url)
        return found

    def _found(self, item: StoredItem, opened: list[OpenObject]) -> ItemOutcome:
        media = None
        if self.prober is not None and (self.always or item.media is None):
            looked = self.prober.look(item.type, opened)
            if looked.problems:
                first = looked.problems[0]
                url = item.urls[first.source]
                return ItemOutcome(item.id, rule=first.rule, message=first.message, url=url)
            media = looked.media
        kept = None
        if self.writer is not None:
            hashes = [self.writer.keep(found.stream()).sha256 for found in opened]
            kept = msgspec.json.encode(hashes)
        return ItemOutcome(item.id, media=media, objects=kept)


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
        super().__init__(
            f"item {outcome.item_id}: {outcome.url}: {outcome.message} ({outcome.rule})",
            hint="Mend it and go on with the import, or let it ignore errors of single items",
            item=outcome.item_id,
            url=outcome.url,
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
