"""The form beside a list of items: its fields follow from the metadata schema, what is filled in becomes a filter.

The address of a page holds the fields, so links and a form without a script are all that it takes:

| parameter | means |
|---|---|
| `filter` | a filter as people write it |
| `q` | a text that the title holds |
| `type`, `state` | one of these; may stand there more than once |
| `folder` | in this folder or below it |
| `is:KEY` | the value is one of these; of a vector or a place `present` or `missing` |
| `from:KEY`, `to:KEY` | the value lies between them |
| `has:KEY` | the text holds this |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from resources.collections.filter_fields import bind_filter
from resources.collections.filters import FilterError
from resources.collections.items import ItemState, MediaType
from resources.collections.metadata_schema import KeyKind, MetadataKey, MetadataSchema

TYPES: tuple[MediaType, ...] = get_args(MediaType)
STATES: tuple[ItemState, ...] = get_args(ItemState)
Look = Literal["choices", "one_of", "range", "days", "search", "exact"]
"""How a key is asked for: boxes, one choice, two numbers, two days, a part of a text, a whole value."""
_LOOKS: dict[KeyKind, Look] = {
    "enum": "choices",
    "boolean": "one_of",
    "embedding": "one_of",
    "number": "range",
    "datetime": "days",
    "uuid": "exact",
    "varchar": "search",
    "text": "search",
}
_PRESENCE = {"present": "exists", "missing": "missing"}
MOST_VALUES = 300
Values = Callable[[str], Sequence[str]]
"""All values of a parameter of the address."""


@dataclass(frozen=True)
class FormField:
    """A declared key in the form, or a half of one.

    Args:
        key: its name.
        look: how it is asked for.
        choices: that it has.
        chosen: those that are chosen; or the one text that was typed.
        low: the smallest value wanted.
        high: the largest.
        error: why what was typed makes no sense.
    """

    key: str
    look: Look
    choices: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    low: str = ""
    high: str = ""
    error: str = ""

    @property
    def is_filled(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.chosen or self.low or self.high)

    @property
    def condition(self) -> str:
        """As a part of a filter; empty when nothing is asked for."""
        name = quoted(self.key)
        if self.look in ("range", "days"):
            ends = (
                f"{quoted(self.low) if self.low else ''}..{quoted(self.high) if self.high else ''}"
            )
            return f"{name} in {ends}" if self.low or self.high else ""
        if not self.chosen:
            return ""
        if self.look == "search":
            return f"{name} ~ {quoted(self.chosen[0])}"
        if len(self.chosen) == 1 and self.chosen[0] in _PRESENCE and not self._has_values:
            return f"{name} {_PRESENCE[self.chosen[0]]}"
        return f"{name} in ({', '.join(map(quoted, self.chosen))})"

    @property
    def _has_values(self) -> bool:
        return self.look in ("choices", "exact")


@dataclass(frozen=True)
class FilterForm:
    """What is filled in, and the filter that it makes.

    Args:
        text: a filter as people write it.
        title: a part of the title.
        types: those that are chosen.
        states: those that are chosen.
        folder: where items lie; empty: anywhere.
        fields: one a declared key, two a place.
        error: why `text` cannot be understood, with the place.
    """

    text: str = ""
    title: str = ""
    types: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    folder: str = ""
    fields: tuple[FormField, ...] = ()
    error: FilterError | None = field(default=None, compare=False)

    @property
    def is_right(self) -> bool:
        """Whether all of it can be understood."""
        return self.error is None and not any(one.error for one in self.fields)

    @property
    def is_empty(self) -> bool:
        """Whether it leaves nothing out."""
        return not self.filter

    @property
    def filter(self) -> str:
        """All of it as one filter."""
        return self.without("")

    def without(self, part: str) -> str:
        """The filter without `types`, `states` or a key: what the counts beside their choices are counts of."""
        parts = [
            f"({self.text})" if self.text else "",
            f"title ~ {quoted(self.title)}" if self.title else "",
            _among("type", self.types) if part != "types" else "",
            _among("state", self.states) if part != "states" else "",
            below(self.folder) if self.folder else "",
            *(one.condition for one in self.fields if one.key != part),
        ]
        return " and ".join(filter(None, parts))


def read_form(values: Values, schema: MetadataSchema) -> FilterForm:
    """The form as the address of a page has it. What is wrong in it is told by it, and nothing is raised.

    Args:
        values: of parameters of the address.
        schema: of the collection's metadata.
    """
    text, title = (_first(values, name).strip() for name in ("filter", "q"))
    folder = _first(values, "folder").strip("/")
    found = FilterForm(text=text, title=title, folder=folder)
    return replace(
        found,
        types=tuple(kind for kind in TYPES if kind in values("type")),
        states=tuple(state for state in STATES if state in values("state")),
        fields=tuple(_fields(values, schema)),
        error=_error_of(text, schema) or _error_of(found.filter, schema),
    )


def below(folder: str) -> str:
    """A filter of the items of a folder and of those below it. Paths are compared by their bytes; `0` comes right after `/`."""
    own = quoted(folder)
    inner = f"folder >= {quoted(folder + '/')} and folder < {quoted(folder + '0')}"
    return f"(folder = {own} or {inner})"


def quoted(text: str) -> str:
    """A text as a word of a filter, whatever is in it; as a field it is a declared key."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _fields(values: Values, schema: MetadataSchema) -> Iterator[FormField]:
    for key in sorted(schema.keys.values(), key=lambda one: one.name):
        if key.state != "active":
            continue
        if key.kind == "geospatial":
            for part in ("latitude", "longitude"):
                yield _checked(_ranged(values, f"{key.name}.{part}", "range"), schema)
        else:
            yield _checked(_field(values, key), schema)


def _field(values: Values, key: MetadataKey) -> FormField:
    look = _LOOKS[key.kind]
    if look in ("range", "days"):
        return _ranged(values, key.name, look)
    if look == "search":
        return FormField(key.name, look, chosen=_typed(values, f"has:{key.name}"))
    if look == "exact":
        return FormField(key.name, look, chosen=_typed(values, f"is:{key.name}"))
    choices = {"enum": key.options, "boolean": ("true", "false")}.get(key.kind, tuple(_PRESENCE))
    given = values(f"is:{key.name}")
    chosen = tuple(choice for choice in choices if choice in given)
    return FormField(key.name, look, choices, chosen[:MOST_VALUES])


def _ranged(values: Values, name: str, look: Look) -> FormField:
    low, high = (_first(values, f"{end}:{name}").strip() for end in ("from", "to"))
    return FormField(name, look, low=low, high=high)


def _checked(found: FormField, schema: MetadataSchema) -> FormField:
    """The field, with what is wrong with it."""
    wrong = _error_of(found.condition, schema)
    if wrong is None:
        return found
    return replace(found, error=str(wrong.facts["reason"]))


def _error_of(text: str, schema: MetadataSchema) -> FilterError | None:
    if not text:
        return None
    try:
        bind_filter(text, schema)
    except FilterError as error:
        return error
    return None


def _typed(values: Values, name: str) -> tuple[str, ...]:
    text = _first(values, name).strip()
    return (text,) if text else ()


def _first(values: Values, name: str) -> str:
    return next(iter(values(name)), "")


def _among(name: str, chosen: Sequence[str]) -> str:
    return f"{name} in ({', '.join(chosen)})" if chosen else ""
