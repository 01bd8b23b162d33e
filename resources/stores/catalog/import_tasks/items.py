"""Items of import tasks: listed, taken up in order, and what became of each written down once, with the counts in the task's row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from resources.import_tasks.items import ItemState, TaskItem
from resources.import_tasks.sources import SourceItem
from resources.stores.catalog.collections.records import now
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.changing import locked_task
from resources.stores.catalog.import_tasks.records import ItemResult
from resources.stores.catalog.import_tasks.tables import ITEMS, TASKS

_IDENTITY_BYTES = 16
_NONE: Mapping[str, int | None] = MappingProxyType({})
_PAGE = 1_000
_MESSAGE_LIMIT = 1_000
_COLUMNS = tuple(ITEMS.c[name] for name in TaskItem.__struct_fields__)
_INSERT = sa.text(
    "INSERT INTO import_task_items (task_id, number, identity, name, reference, state, outcome, rule, message, attempts,"
    " size, fingerprint, sha256, changed_at, depth, handle, target_item)"
    " VALUES (:task, :number, :identity, :name, :reference, :state, :outcome, '', '', 0,"
    " :size, :fingerprint, '', :now, :depth, :handle, :target_item)"
)
_UPDATE = sa.text(
    "UPDATE import_task_items SET state = :state, outcome = :outcome, rule = :rule, message = :message,"
    " attempts = attempts + 1, size = COALESCE(:size, size), sha256 = :sha256,"
    " fingerprint = CASE WHEN :fingerprint = '' THEN fingerprint ELSE :fingerprint END,"
    " target_item = :target_item, changed_at = :now WHERE task_id = :task AND number = :number"
)


def identity_of(reference: str) -> bytes:
    """By what a reference is found, whatever its length."""
    return blake2b(reference.encode(), digest_size=_IDENTITY_BYTES).digest()


class TaskItemCatalog:
    """The items of all import tasks of a catalog. Making the object touches nothing."""

    def __init__(self, database: CatalogDatabase) -> None:
        self.database = database

    def add(
        self,
        task_id: int,
        items: Sequence[SourceItem],
        *,
        unchanged: Mapping[str, int | None] = _NONE,
    ) -> int:
        """Writes down items that were listed; those that the task has already stay as they are.

        Args:
            task_id: of the task.
            items: at most some thousand.
            unchanged: references of those that need not be taken up: the target has them as they are; and as which of its items.

        Returns:
            How many are new.
        """
        by_identity = {identity_of(item.reference): item for item in items}
        with self.database.write() as connection:
            locked_task(connection, task_id)
            for identity in _present(connection, task_id, list(by_identity)):
                del by_identity[identity]
            if not by_identity:
                return 0
            last = connection.execute(
                sa.select(sa.func.max(ITEMS.c.number)).where(ITEMS.c.task_id == task_id)
            ).scalar_one()
            rows = [
                _row(task_id, number, identity, item, unchanged)
                for number, (identity, item) in enumerate(by_identity.items(), (last or 0) + 1)
            ]
            connection.execute(_INSERT, rows)
            skipped = sum(row["state"] == "skipped" for row in rows)
            _count(connection, task_id, total=len(rows), skipped=skipped, unchanged=skipped)
        return len(rows)

    def note_listed(self, task_id: int) -> None:
        """Notes that all items are written down."""
        with self.database.write() as connection:
            connection.execute(
                sa.update(TASKS).where(TASKS.c.id == task_id).values(listed_at=now())
            )

    def pending(self, task_id: int, after: int = 0, limit: int = _PAGE) -> list[TaskItem]:
        """Items that were not taken up yet, in order, those behind a number."""
        return self.page(task_id, state="pending", after=after, limit=limit)

    def settle(self, task_id: int, results: Sequence[ItemResult]) -> int:
        """Writes down what became of items; once, of those that are pending. Says of how many."""
        with self.database.write() as connection:
            locked_task(connection, task_id)
            own = own_pending(connection, task_id, [result.number for result in results])
            return settle(connection, task_id, [one for one in results if one.number in own])

    def page(
        self,
        task_id: int,
        *,
        state: ItemState | None = None,
        q: str = "",
        after: int = 0,
        limit: int = _PAGE,
    ) -> list[TaskItem]:
        """Items of a task in order, those behind a number.

        Args:
            task_id: of the task.
            state: which of them; all when None.
            q: part of the name, in any case of ASCII letters.
            after: the number behind which they are.
            limit: most of them.
        """
        chosen = sa.select(*_COLUMNS).where(ITEMS.c.task_id == task_id, ITEMS.c.number > after)
        if state is not None:
            chosen = chosen.where(ITEMS.c.state == state)
        if q:
            chosen = chosen.where(sa.func.lower(ITEMS.c.name).contains(q.lower(), autoescape=True))
        with self.database.read() as connection:
            rows = connection.execute(chosen.order_by(ITEMS.c.number).limit(limit))
            return [TaskItem(*row) for row in rows]

    def all_of(self, task_id: int, state: ItemState | None = None) -> Iterator[TaskItem]:
        """All items of a task in order; any number, in bounded memory."""
        after = 0
        while page := self.page(task_id, state=state, after=after):
            yield from page
            after = page[-1].number


def own_pending(connection: sa.Connection, task_id: int, numbers: Sequence[int]) -> set[int]:
    """Which of some items are still to be taken up."""
    chosen = sa.select(ITEMS.c.number).where(
        ITEMS.c.task_id == task_id, ITEMS.c.number.in_(numbers), ITEMS.c.state == "pending"
    )
    return set(connection.execute(chosen).scalars())


def settle(connection: sa.Connection, task_id: int, results: Sequence[ItemResult]) -> int:
    """Writes results of pending items down, and counts them in the row of the task. The row is locked."""
    if not results:
        return 0
    moment = now()
    connection.execute(_UPDATE, [_settled(task_id, result, moment) for result in results])
    states = Counter(result.state for result in results)
    outcomes = Counter(result.outcome for result in results)
    _count(
        connection,
        task_id,
        done=states["done"],
        skipped=states["skipped"],
        failed=states["failed"],
        created=outcomes["created"],
        updated=outcomes["updated"],
        unchanged=outcomes["unchanged"],
        duplicates=outcomes["duplicate"],
    )
    return len(results)


def _count(connection: sa.Connection, task_id: int, **more: int) -> None:
    values = {name: TASKS.c[name] + number for name, number in more.items() if number}
    if values:
        connection.execute(sa.update(TASKS).where(TASKS.c.id == task_id).values(values))


def _present(
    connection: sa.Connection, task_id: int, identities: Sequence[bytes]
) -> Sequence[bytes]:
    chosen = sa.select(ITEMS.c.identity).where(
        ITEMS.c.task_id == task_id, ITEMS.c.identity.in_(identities)
    )
    return [bytes(one) for one in connection.execute(chosen).scalars()]


def _row(
    task_id: int,
    number: int,
    identity: bytes,
    item: SourceItem,
    unchanged: Mapping[str, int | None],
) -> dict[str, Any]:
    is_unchanged = item.reference in unchanged
    return {
        "task": task_id,
        "number": number,
        "identity": identity,
        "name": item.name,
        "reference": item.reference,
        "state": "skipped" if is_unchanged else "pending",
        "outcome": "unchanged" if is_unchanged else "",
        "size": item.size,
        "fingerprint": item.fingerprint,
        "now": now() if is_unchanged else 0,
        "depth": item.depth,
        "handle": item.handle,
        "target_item": unchanged.get(item.reference),
    }


def _settled(task_id: int, result: ItemResult, moment: int) -> dict[str, Any]:
    return {
        "task": task_id,
        "number": result.number,
        "state": result.state,
        "outcome": result.outcome,
        "rule": result.rule,
        "message": result.message.replace("\0", "")[:_MESSAGE_LIMIT],
        "size": result.size,
        "sha256": result.sha256,
        "fingerprint": result.fingerprint,
        "target_item": result.target_item,
        "now": moment,
    }
