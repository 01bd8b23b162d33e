"""Orders of items, and the places in them at which the next page begins: they stay right while items come and go."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from resources.collections.filter_fields import ItemField, find_field
from resources.collections.filters import Word
from resources.collections.metadata_schema import MetadataSchema
from resources.kernel.errors import InputError
from resources.stores.catalog.collections.filtering import Compiler, Expression

COMPARED = 500
"""Characters of a text of metadata that an order looks at: a cursor has them, and has to go into an address."""
_UNSORTED = frozenset({"presence", "lines", "whole"})


@dataclass(frozen=True)
class OrderedPart:
    """What to select, and in which order."""

    conditions: Sequence[Expression]
    columns: Sequence[Expression]


@dataclass(frozen=True)
class Order:
    """By what items are sorted; those without a value come last, equals by id. Texts are equal when `COMPARED` characters are.

    Args:
        text: as it was asked for: the name of a field, `-` before it for the other way round.
        field: the field.
        descends: from the largest value.
    """

    text: str
    field: ItemField
    descends: bool

    @classmethod
    def parse(cls, text: str, schema: MetadataSchema) -> Order:
        """An order as people write it; empty: by id.

        Raises:
            InputError: there is no such field, or it has no order.
        """
        name = text.removeprefix("-") or "id"
        is_quoted = len(name) > 1 and name[0] == name[-1] == '"'
        field = find_field(Word(name.strip('"') if is_quoted else name, 0, is_quoted), schema)
        if field is None or field.kind in _UNSORTED or field.name == "folder":
            raise InputError(
                f"items cannot be sorted by {name!r}",
                hint="By id, title, created, changed, media.width and the like, or a declared key",
            )
        return cls(text, field, text.startswith("-"))

    @property
    def is_by_id(self) -> bool:
        """Whether it is the order in which items came."""
        return self.field.place == "item" and self.field.name == "id"

    def value(self, compiler: Compiler) -> Expression:
        """What is compared: of a text of metadata the beginning, since a transcript would not fit into a cursor."""
        value = compiler.value(self.field)
        if self.field.kind != "text" or self.field.place == "item":
            return value
        return sa.func.substr(value, 1, COMPARED)

    def columns(self, compiler: Compiler) -> list[Expression]:
        """What to order by."""
        item, value = compiler.table.c.item, self.value(compiler)
        if self.is_by_id:
            return [item.desc() if self.descends else item.asc()]
        return [(value.desc() if self.descends else value.asc()).nulls_last(), item]

    def parts(self, compiler: Compiler, cursor: str = "") -> Iterator[OrderedPart]:
        """Selections which, one after the other, are all items in this order, or those behind a cursor.

        PostgreSQL has an index of the values, which is no order of those that are missing: they are selected by themselves.

        Raises:
            InputError: it is no cursor of this order.
        """
        place = self._read(cursor) if cursor else None
        if compiler.facets.is_sqlite or self.field.place == "item":
            behind = [self.after(compiler, *place)] if place else []
            yield OrderedPart(behind, self.columns(compiler))
            return
        item, value = compiler.table.c.item, self.value(compiler)
        last, number = place or (None, 0)
        if place is None or last is not None:
            present: list[Expression] = [value.is_not(None)]
            if last is not None:
                present = [value <= last if self.descends else value >= last]
                present += [sa.or_(value != last, item > number)]
            yield OrderedPart(present, [value.desc() if self.descends else value.asc(), item])
            number = 0
        yield OrderedPart([value.is_(None), item > number], [item])

    def after(self, compiler: Compiler, value: Any, number: int) -> Expression:
        """What comes behind an item, by its value of the field and its id."""
        item = compiler.table.c.item
        if self.is_by_id:
            return item < number if self.descends else item > number
        found = self.value(compiler)
        if value is None:
            return sa.and_(found.is_(None), item > number)
        further = found < value if self.descends else found > value
        return sa.or_(further, sa.and_(found == value, item > number), found.is_(None))

    def before(self, compiler: Compiler, value: Any, number: int) -> Expression:
        """What comes before an item."""
        item = compiler.table.c.item
        if self.is_by_id:
            return item > number if self.descends else item < number
        found = self.value(compiler)
        if value is None:
            return sa.or_(found.is_not(None), item < number)
        earlier = found > value if self.descends else found < value
        return sa.or_(earlier, sa.and_(found == value, item < number))

    def backwards(self, compiler: Compiler) -> list[Expression]:
        """What to order by to come from an item to the one before it."""
        item, value = compiler.table.c.item, self.value(compiler)
        if self.is_by_id:
            return [item.asc() if self.descends else item.desc()]
        towards = value.asc() if self.descends else value.desc()
        return [towards.nulls_first(), item.desc()]

    def cursor(self, value: Any, number: int) -> str:
        """The place behind an item."""
        written = msgspec.json.encode([self.text, value, number])
        return base64.urlsafe_b64encode(written).decode().rstrip("=")

    def _read(self, cursor: str) -> tuple[Any, int]:
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            text, value, number = msgspec.json.decode(
                base64.urlsafe_b64decode(padded), type=tuple[str, str | float | int | None, int]
            )
        except (ValueError, msgspec.DecodeError):
            raise _no_cursor() from None
        if text != self.text or not self._is_of_kind(value) or not 0 <= number < 2**63:
            raise _no_cursor()
        return value, number

    def _is_of_kind(self, value: Any) -> bool:
        if value is None:
            return True
        is_text = self.field.kind in {"text", "choice", "uuid"}
        if isinstance(value, str):
            return is_text and "\0" not in value
        return not is_text and (isinstance(value, float) or -(2**63) <= value < 2**63)


def _no_cursor() -> InputError:
    return InputError("this is no cursor of such a list", hint="Begin at the first page")
