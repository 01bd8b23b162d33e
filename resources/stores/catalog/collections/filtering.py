"""Conditions and orders as SQL: the same answers from SQLite and PostgreSQL.

Texts are compared by their bytes. A condition is never null: where a value is missing it is false, so its opposite is
true. What the table of facets has is asked there; the items are joined only if something else is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from resources.collections.filter_fields import (
    Among,
    Condition,
    Each,
    Either,
    Holds,
    Interval,
    ItemField,
    Negated,
    Present,
)
from resources.stores.catalog.collections.facets import TEXT_BEGINNING, FacetTable
from resources.stores.catalog.collections.tables import FOLDERS, ITEMS, KNOWN

_OF_ITEMS = {
    "title": "title",
    "url": "urls",
    "rule": "rule",
    "attempts": "attempts",
    "import": "import_id",
    "created": "created_at",
    "changed": "changed_at",
}
_OF_FACETS = {"type": "type", "state": "state", "id": "item"}
_TEXTS = frozenset({"text", "choice", "uuid"})
_LINE = "\n"

Expression = sa.ColumnElement[Any]


@dataclass
class Compiler:
    """Makes SQL of conditions on the items of one collection.

    Args:
        facets: of the collection.
    """

    facets: FacetTable
    needs_items: bool = False
    """Whether something was asked for that only the items have."""

    def __post_init__(self) -> None:
        names = ("item", "folder_id", "type", "state", *self.facets.names)
        self.table = sa.table(self.facets.table, *(sa.column(name) for name in names)).alias("f")
        self.items = ITEMS.alias("i")

    def where(self, condition: Condition) -> Expression:
        """The condition as an expression that is true or not."""
        if _is_of_folders(condition):  # asked once a folder, not once an item
            chosen = sa.select(FOLDERS.c.id).where(
                FOLDERS.c.collection_id == self.facets.collection_id,
                self._of_folder(condition),
            )
            return self.table.c.folder_id.in_(chosen)
        return self._joined(condition, self.where)

    def _of_folder(self, condition: Condition) -> Expression:
        return self._joined(condition, self._of_folder)

    def _joined(
        self, condition: Condition, part_of: Callable[[Condition], Expression]
    ) -> Expression:
        match condition:
            case Each(parts):
                return sa.and_(*map(part_of, sorted(parts, key=_costs)))
            case Either(parts):
                return sa.or_(*map(part_of, parts))
            case Negated(part):
                return sa.not_(sa.func.coalesce(part_of(part), sa.false()))
            case _:
                return self._leaf(condition)

    def _leaf(self, condition: Present | Interval | Among | Holds) -> Expression:
        match condition:
            case Present(field):
                return self._on(field, lambda value: value.is_not(None))
            case Interval():
                return self._on(condition.field, lambda value: _between(condition, value))
            case Among(field, values):
                return self._on(field, lambda value: self._among(field, values, value))
            case Holds(field, texts):
                return self._on(field, lambda value: self._holds(texts, value))

    def value(self, field: ItemField) -> Expression:
        """The value of a field as an expression, null where there is none; of a folder only while folders are asked."""
        if field.place == "media":
            return self._of_json("media", field.name, is_text=field.kind == "text")
        if field.place == "key":
            column = self.facets.column(field.name)
            if column is None:
                return self._of_json("metadata", field.name, is_text=True)
            return self.table.c[f"{column}_lon" if field.part == "longitude" else column]
        if field.name == "folder":
            return self._bytes(FOLDERS.c.path)
        if field.name in _OF_FACETS:
            return self.table.c[_OF_FACETS[field.name]]
        self.needs_items = True
        column_of_item = self.items.c[_OF_ITEMS[field.name]]
        return self._bytes(column_of_item) if field.kind in {"text", "lines"} else column_of_item

    def source(self) -> sa.FromClause:
        """What to select from, once all has been compiled: the facets, and the items if they are needed."""
        if not self.needs_items:
            return self.table
        return self.table.join(self.items, self.items.c.id == self.table.c.item)

    def _on(self, field: ItemField, condition: Callable[[Expression], Expression]) -> Expression:
        if field.place == "item" and field.name == "import_task":
            brought = sa.select(KNOWN.c.item_id).where(condition(KNOWN.c.task_id))
            return self.table.c.item.in_(brought)
        return condition(self.value(field))

    def _among(self, field: ItemField, values: tuple[Any, ...], value: Expression) -> Expression:
        if field.kind == "lines":
            lines = sa.literal(_LINE).concat(value).concat(_LINE)
            return sa.or_(*(self._position(lines, f"{_LINE}{one}{_LINE}") for one in values))
        if field.kind == "boolean":
            values = tuple(int(one) for one in values)
        if field.place != "key" or field.kind not in _TEXTS or self.facets.is_sqlite:
            return _is_one_of(value, values)
        # As PostgreSQL's indexes have it: what is shorter than their texts is equal to a beginning of that length.
        short = tuple(one for one in values if len(one) < TEXT_BEGINNING)
        long = tuple(one for one in values if len(one) >= TEXT_BEGINNING)
        beginning = sa.func.left(value, TEXT_BEGINNING)
        parts = [_is_one_of(beginning, short)] if short else []
        return sa.or_(*parts, _is_one_of(value, long)) if long else parts[0]

    def _holds(self, texts: tuple[str, ...], value: Expression) -> Expression:
        return sa.or_(*(self._position(sa.func.lower(value), text) for text in texts))

    def _position(self, value: Expression, text: str) -> Expression:
        find = sa.func.instr if self.facets.is_sqlite else sa.func.strpos
        return find(value, text) > 0

    def _bytes(self, value: Expression) -> Expression:
        return value if self.facets.is_sqlite else sa.collate(value, "C")

    def _of_json(self, column: str, name: str, *, is_text: bool) -> Expression:
        self.needs_items = True
        json = self.items.c[column]
        if self.facets.is_sqlite:
            path = f'$."{name}"'
            kinds = ("text",) if is_text else ("integer", "real")
            found: Expression = sa.func.json_extract(json, path)
            return sa.case((sa.func.json_type(json, path).in_(kinds), found))
        member = sa.type_coerce(json, JSONB)[name]
        text: Expression = member.as_string()
        value = self._bytes(text) if is_text else sa.cast(text, sa.Double)
        kind = "string" if is_text else "number"
        return sa.case((sa.func.jsonb_typeof(member) == kind, value))


def _is_of_folders(condition: Condition) -> bool:
    """Whether nothing but the folder decides it."""
    match condition:
        case Each(parts) | Either(parts):
            return all(map(_is_of_folders, parts))
        case Negated(part):
            return _is_of_folders(part)
        case _:
            return condition.field.place == "item" and condition.field.name == "folder"


def _costs(condition: Condition) -> int:
    """How early a condition is asked beside others: first what costs little and mostly fails."""
    match condition:
        case Among(field) | Interval(field) | Present(field) | Holds(field):
            is_of_facets = field.place == "key" or field.name in _OF_FACETS
            kinds = (Among, Interval, Present, Holds)
            return kinds.index(type(condition)) + (0 if is_of_facets else len(kinds))
        case _:
            return 9


def _is_one_of(value: Expression, values: Sequence[Any]) -> Expression:
    return value == values[0] if len(values) == 1 else value.in_(values)


def _between(part: Interval, value: Expression) -> Expression:
    ends = []
    if part.low is not None:
        ends.append(value >= part.low if part.has_low else value > part.low)
    if part.high is not None:
        ends.append(value <= part.high if part.has_high else value < part.high)
    return sa.and_(*ends)
