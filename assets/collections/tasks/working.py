"""Many items of a task at once: fetched and read in threads, written down in lots, until all are done or the task is to stop.

What was written down is never done again. A run that is killed loses a lot at most, and the next one goes on with what is
pending. What is wrong with one item is its own error; what all items share ends the work and leaves the rest pending.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from assets.collections.tasks.reading import ItemReader
from assets.collections.texts import unpack
from resources.import_tasks.items import TaskItem
from resources.import_tasks.sources import (
    FetchedFile,
    ItemRefusedError,
    ItemSource,
    KnownFile,
    SourceItem,
    Unchanged,
)
from resources.kernel.errors import InputError
from resources.stores.catalog.collections.texts import StoredTexts
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.collecting import (
    BroughtItem,
    KnownItem,
    TaskCollecting,
)
from resources.stores.catalog.import_tasks.items import TaskItemCatalog
from resources.stores.catalog.import_tasks.records import ItemResult
from resources.web.turns import StoppedError

THREADS = 16
"""Items that are worked on at once: mostly they wait for bytes, or for a reader's process."""
LOOK_SECONDS = 1.0
"""How often a run looks whether its task is to stop."""
STOP_SECONDS = 2.0
"""So long items that are being worked on may come to their end when the task is to stop."""

_AHEAD = 4 * THREADS
_PAGE = 1_000
_LOT_ITEMS = 200
_LOT_SECONDS = 2.0
_LOT_BYTES = 32_000_000
_LEFT_OUT = {"same_page", "left_out"}
"""Of an item that is another item of the task under another address, or leads out of what was meant: no failure."""


class TaskItemFailedError(InputError):
    """An item failed, and the task was told to end then."""


@dataclass(frozen=True)
class TakenItem:
    """What came of one item."""

    item: TaskItem
    result: ItemResult | None = None
    """Of one that came to nothing; None of one that was brought."""
    brought: BroughtItem | None = None
    fingerprint: str = ""
    """By which one that is unchanged is known from now on."""
    leads_to: tuple[SourceItem, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it takes until it is written down."""
        text = self.brought.text if self.brought is not None else None
        return len(text.document) if text is not None else 0


@dataclass(frozen=True)
class Workbench:
    """What a run works with.

    Args:
        task_id: of the task.
        run_id: of this run.
        tasks: has its state.
        items: has its items.
        collecting: brings them in.
        source: where they come from.
        reader: what is made of them.
        follows: whether items lead to others.
        ignore_errors: whether the others go on when one fails.
        stopped: set when the task is to stop.
        tell: hears of each lot: how many items were written down so far in this run.
    """

    task_id: int
    run_id: str
    tasks: ImportTaskCatalog
    items: TaskItemCatalog
    collecting: TaskCollecting
    source: ItemSource
    reader: ItemReader
    follows: bool
    ignore_errors: bool
    stopped: Event
    tell: Callable[[int], None]

    def list_items(self) -> None:
        """Writes down all items, the whole first; what is known to be unchanged by its listing is done at once.

        Raises:
            WaybillError: the source as a whole; see `ItemSource.list`.
        """
        page: list[SourceItem] = []
        for item in self.source.list():
            page.append(item)
            if len(page) >= _PAGE:
                self._note(page)
                page = []
                self.look()
                if self.stopped.is_set():
                    return
        self._note(page)
        self.items.note_listed(self.task_id)

    def look(self) -> None:
        """Looks whether the task is to stop, or is gone, or in other hands."""
        if self.tasks.state(self.task_id) != ("importing", self.run_id):
            self.stopped.set()

    def _note(self, page: Sequence[SourceItem]) -> None:
        if not page:
            return
        known = self.collecting.known([item.reference for item in page if item.fingerprint])
        made_with = self.reader.made_with
        unchanged = {
            item.reference: found.item_id
            for item in page
            if (found := known.get(item.reference)) is not None
            and (found.fingerprint, found.made_with) == (item.fingerprint, made_with)
        }
        self.items.add(self.task_id, page, unchanged=unchanged)


def work(bench: Workbench) -> None:
    """Works on all pending items of a task. Ends when nothing is left, or soon after the task is to stop.

    Raises:
        TaskItemFailedError: an item failed, and the others are not to go on.
        WaybillError: what all items share; what is done stays.
    """
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="task")
    try:
        _Work(bench, pool).run()
    finally:
        # A thread that hangs in a parser or a connection is not waited for: its means are closed behind it.
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class _Lot:
    """What is written down together."""

    bench: Workbench
    taken: list[TakenItem] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)
    settled: int = 0
    size: int = 0

    def add(self, one: TakenItem) -> None:
        if one.leads_to:  # first: what an item leads to must not be lost with it done
            self.bench.items.add(self.bench.task_id, one.leads_to)
        self.taken.append(one)
        self.size += one.size

    @property
    def is_due(self) -> bool:
        is_old = time.monotonic() - self.since > _LOT_SECONDS
        return bool(self.taken) and (
            is_old or len(self.taken) >= _LOT_ITEMS or self.size >= _LOT_BYTES
        )

    def settle(self) -> None:
        if self.taken:
            self.settled += self.bench.collecting.settle(
                [one.result for one in self.taken if one.result is not None],
                [one.brought for one in self.taken if one.brought is not None],
                {one.item.reference: one.fingerprint for one in self.taken if one.fingerprint},
            )
            self.bench.tell(self.settled)
        self.taken, self.size, self.since = [], 0, time.monotonic()


class _Work:
    def __init__(self, bench: Workbench, pool: ThreadPoolExecutor) -> None:
        self._bench = bench
        self._pool = pool
        self._lot = _Lot(bench)
        self._going: set[Future[TakenItem]] = set()
        self._ready: deque[tuple[TaskItem, KnownItem | None]] = deque()
        self._after = 0
        self._looked = time.monotonic()

    def run(self) -> None:
        try:
            while not self._bench.stopped.is_set() and (self._fill() or self._going):
                self._wait(LOOK_SECONDS)
            self._come_to_rest()
        except BaseException:
            self._bench.stopped.set()
            raise
        finally:
            self._lot.settle()

    def _fill(self) -> bool:
        """Gives threads something to do; False: nothing is left that is not under way."""
        while len(self._going) < _AHEAD:
            if not self._ready and not self._next_page():
                return False
            item, known = self._ready.popleft()
            self._going.add(self._pool.submit(_take, self._bench, item, known))
        return True

    def _next_page(self) -> bool:
        bench = self._bench
        page = bench.items.pending(bench.task_id, self._after, _PAGE)
        if not page:
            return False
        self._after = page[-1].number
        known = bench.collecting.known([item.reference for item in page])
        self._ready.extend((item, known.get(item.reference)) for item in page)
        return True

    def _wait(self, seconds: float) -> None:
        done, self._going = wait(self._going, timeout=seconds, return_when=FIRST_COMPLETED)
        self._take_in(done)
        if self._lot.is_due:
            self._lot.settle()
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._bench.look()

    def _take_in(self, done: set[Future[TakenItem]]) -> None:
        """Adds what came out. An error that all items share is raised when the rest is kept."""
        shared: BaseException | None = None
        for future in done:
            error = future.exception()
            if error is None:
                self._lot.add(future.result())
            elif not isinstance(error, StoppedError):
                shared = shared or error
        if shared is not None:
            raise shared
        if not self._bench.ignore_errors:
            self._check_failed()

    def _check_failed(self) -> None:
        for one in self._lot.taken:
            result = one.result
            if result is not None and result.state == "failed":
                raise TaskItemFailedError(
                    f"{one.item.name}: {result.message} ({result.rule})",
                    hint="Mend it and retry, or let the task ignore errors of single items",
                    item=one.item.number,
                    rule=result.rule,
                )

    def _come_to_rest(self) -> None:
        """The task is to stop: what is nearly done is kept, the rest stays pending."""
        for future in self._going:
            future.cancel()
        self._going = {future for future in self._going if not future.cancelled()}
        end = time.monotonic() + STOP_SECONDS
        while self._going and (left := end - time.monotonic()) > 0:
            done, self._going = wait(self._going, timeout=left, return_when=FIRST_COMPLETED)
            self._take_in(done)


def _take(bench: Workbench, item: TaskItem, known: KnownItem | None) -> TakenItem:
    """Fetches and reads one item.

    Raises:
        StoppedError: the task is to stop.
        WaybillError: what all items share.
    """
    if bench.stopped.is_set():
        raise StoppedError("the task is to stop")
    try:
        return _brought(bench, item, known)
    except ItemRefusedError as error:
        if error.rule in _LEFT_OUT:
            result = ItemResult(item.number, "skipped", "duplicate", message=error.message)
        else:
            result = ItemResult(item.number, "failed", rule=error.rule, message=error.message)
        return TakenItem(item, result)


def _brought(bench: Workbench, item: TaskItem, known: KnownItem | None) -> TakenItem:
    is_same_way = known is not None and known.made_with == bench.reader.made_with
    before = (
        KnownFile(known.fingerprint, known.sha256) if known is not None and is_same_way else None
    )
    asked = SourceItem(
        item.name, item.reference, item.size, item.fingerprint, item.depth, item.handle
    )
    if not item.attempts:  # later the listing may be out of date
        bench.reader.check_size(item.name, item.size)
    with bench.source.fetch(asked, before) as fetched:
        if known is not None and isinstance(fetched, Unchanged):
            leads_to = tuple(_followed_again(bench, asked, known))
            return _unchanged(item, known, known.sha256, fetched.fingerprint, leads_to)
        if isinstance(fetched, Unchanged):
            raise ItemRefusedError(
                "unreadable", "its source says that it is unchanged, and nothing is known of it"
            )
        if (
            known is not None
            and is_same_way
            and fetched.sha256 == known.sha256
            and not bench.follows
        ):
            return _unchanged(item, known, fetched.sha256, fetched.fingerprint)
        read = bench.reader.read(item, fetched)
        leads_to = ()
        if bench.follows:
            leads_to = tuple(bench.source.follow(asked, fetched, read.links))
    return TakenItem(item, brought=read.brought, leads_to=leads_to)


def _unchanged(
    item: TaskItem,
    known: KnownItem,
    sha256: str,
    fingerprint: str,
    leads_to: tuple[SourceItem, ...] = (),
) -> TakenItem:
    result = ItemResult(
        item.number, "skipped", "unchanged", sha256=sha256, target_item=known.item_id
    )
    return TakenItem(item, result, fingerprint=fingerprint, leads_to=leads_to)


def _followed_again(bench: Workbench, asked: SourceItem, known: KnownItem) -> Iterator[SourceItem]:
    """What an unchanged page leads to, by the links that its text had."""
    packed = StoredTexts(bench.collecting.database).find(known.item_id) if bench.follows else None
    if packed is None:
        return
    links = [link.target for link in unpack(packed).links]
    page = FetchedFile(Path(), asked.name, 0, known.sha256, url=asked.reference)
    yield from bench.source.follow(asked, page, links)
