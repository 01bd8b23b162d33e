"""How many items there are of each kind: what stands beside the filters of a list, and in a list of collections.

Of 1,000,000 items the processor takes 0.03 s to count all, 0.1 s to count those of a filter or those of each state, 0.5 s to group all by
type and state. So counts are kept until anything of the collection changes; nothing has to be told of it, since `changes` grows
with every change.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import sqlalchemy as sa

from resources.collections.filter_fields import bind_filter, find_field
from resources.collections.filters import Word
from resources.kernel.errors import InputError
from resources.stores.catalog.collections.filtering import Compiler, Expression
from resources.stores.catalog.collections.opened import Opened, look_at
from resources.stores.catalog.collections.records import Folder
from resources.stores.catalog.database import CatalogDatabase

_COUNTED = frozenset({"choice", "boolean"})
_KEPT = 500
T = TypeVar("T")


@dataclass(frozen=True)
class ItemTally:
    """Items that a filter finds, counted by type and state."""

    types: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.states.values())


class Tallies:
    """Counts of the items of a catalog. Making the object touches nothing."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def count(self, collection: str, filter_text: str = "") -> int:
        """How many items a filter finds.

        Raises:
            NotFoundError: nothing was imported into the collection yet.
            FilterError: the filter cannot be understood; with the place.
        """
        with look_at(self._database, collection) as (connection, opened):
            return self._kept(
                opened, filter_text, "count", lambda: _count(connection, opened, filter_text)
            )

    def states(self, collection: str) -> Mapping[str, int]:
        """All items of a collection by state: mostly they are ready, so the others are counted one by one.

        Raises:
            NotFoundError: nothing was imported into it yet.
        """
        with look_at(self._database, collection) as (connection, opened):
            return self._kept(opened, "", "states", lambda: _states(connection, opened))

    def folders(self, collection: str) -> Sequence[Folder]:
        """The folders of a collection with the number of their items, in order of their paths.

        Raises:
            NotFoundError: nothing was imported into it yet.
        """
        with look_at(self._database, collection) as (connection, opened):
            return self._kept(
                opened, "", "folders", lambda: read_folders(connection, opened.stored.id)
            )

    def of(self, collection: str, filter_text: str = "") -> ItemTally:
        """Counts the items of a collection that a filter finds.

        Raises:
            NotFoundError: nothing was imported into it yet.
            FilterError: the filter cannot be understood; with the place.
        """
        with look_at(self._database, collection) as (connection, opened):
            return self._kept(
                opened, filter_text, "", lambda: _tally(connection, opened, filter_text)
            )

    def values(self, collection: str, key: str, filter_text: str = "") -> Mapping[str, int]:
        """Counts the items that a filter finds by their values of a declared key that has few: options, or true and false.

        Raises:
            NotFoundError: nothing was imported into the collection yet.
            InputError: the key has no such values; the filter cannot be understood.
        """
        with look_at(self._database, collection) as (connection, opened):
            return self._kept(
                opened,
                filter_text,
                f"key {key}",
                lambda: _values(connection, opened, key, filter_text),
            )

    def _kept(self, opened: Opened, filter_text: str, what: str, count: Callable[[], T]) -> T:
        stored = opened.stored
        place = (
            *(repr(self._database.config), stored.id, stored.name, stored.schema_revision),
            *(stored.changes, filter_text, what),
        )
        found: T | None = _COUNTS.find(place)
        if found is None:
            found = count()
            _COUNTS.keep(place, found)
        return found


def read_folders(connection: sa.Connection, collection_id: int) -> Sequence[Folder]:
    """The folders of a collection, counted now."""
    chosen = sa.text(
        "SELECT d.path, (SELECT count(*) FROM collection_items i WHERE i.folder_id = d.id)"
        " FROM collection_folders d WHERE d.collection_id = :collection"
    )
    rows = connection.execute(chosen, {"collection": collection_id}).fetchall()
    return sorted((Folder(*row) for row in rows), key=lambda folder: folder.path)


def _count(connection: sa.Connection, opened: Opened, filter_text: str) -> int:
    (row,) = _grouped(connection, opened, Compiler(opened.facets), [], filter_text)
    return int(row[0])


def _states(connection: sa.Connection, opened: Opened) -> Mapping[str, int]:
    total = _count(connection, opened, "")
    compiler = Compiler(opened.facets)
    state = compiler.table.c.state
    rows = _grouped(connection, opened, compiler, [state], "state != ready")
    others = {name: int(count) for name, count in rows}
    ready = total - sum(others.values())
    return {**others, **({"ready": ready} if ready else {})}


def _tally(connection: sa.Connection, opened: Opened, filter_text: str) -> ItemTally:
    compiler = Compiler(opened.facets)
    kind, state = compiler.table.c.type, compiler.table.c.state
    types: dict[str, int] = {}
    states: dict[str, int] = {}
    for own_type, own_state, count in _grouped(
        connection, opened, compiler, [kind, state], filter_text
    ):
        types[own_type] = types.get(own_type, 0) + count
        states[own_state] = states.get(own_state, 0) + count
    return ItemTally(types, states)


def _values(
    connection: sa.Connection, opened: Opened, key: str, filter_text: str
) -> Mapping[str, int]:
    found = find_field(Word(key, 0, is_quoted=True), opened.schema)
    if found is None or found.kind not in _COUNTED:
        raise InputError(
            f"values of {key!r} cannot be counted",
            hint="Name a declared key of kind enum or boolean",
        )
    compiler = Compiler(opened.facets)
    rows = _grouped(connection, opened, compiler, [compiler.value(found)], filter_text)
    counts = {value: count for value, count in rows if value is not None}
    if found.kind == "boolean":
        return {
            name: counts[number] for number, name in ((1, "true"), (0, "false")) if number in counts
        }
    return counts


def _grouped(
    connection: sa.Connection,
    opened: Opened,
    compiler: Compiler,
    columns: list[Expression],
    filter_text: str,
) -> list[Any]:
    conditions = (
        [compiler.where(bind_filter(filter_text, opened.schema))] if filter_text.strip() else []
    )
    chosen = (
        sa.select(*columns, sa.func.count())
        .select_from(compiler.source())
        .where(*conditions)
        .group_by(*columns)
    )
    return list(connection.execute(chosen).fetchall())


class _Counts:
    """The counts that were asked for last, for all threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, place: tuple[Any, ...]) -> Any:
        with self._lock:
            if place in self._kept:
                self._kept.move_to_end(place)
            return self._kept.get(place)

    def keep(self, place: tuple[Any, ...], found: Any) -> None:
        with self._lock:
            self._kept[place] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


_COUNTS = _Counts()
