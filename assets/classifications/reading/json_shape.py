"""What a line of JSON looks like without its values, learned from one example.

Files are written by programs: thousands of lines have the same bytes between their values. A shape holds those bytes
and says where the values are, in terms of the quotes of a line; a line that has the same bytes there means the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from assets.classifications.reading.batch import DELETE_FIELDS, DELETE_KEY, UPDATE
from assets.classifications.reading.json_record import MEMBERS, Scalar, parse_json
from assets.classifications.schema import ColumnType, Encoding, SetSchema, find_encoding

_KINDS = {"update": UPDATE, "delete-field": DELETE_FIELDS, "delete-key": DELETE_KEY}


@dataclass(frozen=True, slots=True)
class Edge:
    """A place in a line: so many bytes behind one of its marks.

    Mark 0 is the start of the line, mark n its n-th quote, and the one after the last quote is the end of the line.
    """

    mark: int
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Fixed:
    """Bytes that every line of the shape has between two places."""

    start: Edge
    end: Edge
    content: bytes


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a value is; `column` is None for the key; a number stands without quotes; arrays have a hole an element."""

    column: str | None
    start: Edge
    end: Edge
    is_number: bool = False
    is_element: bool = False


@dataclass(frozen=True)
class Shape:
    """Lines of one form that follow the rules as far as their form goes.

    Args:
        quotes: number of quotes in a line.
        kind: UPDATE, DELETE_FIELDS or DELETE_KEY.
        fixed: all bytes but the holes' own.
        holes: the key and the values of columns, in the order of the line.
        constants: column -> text of a boolean, None for null and for an array without elements.
        named: columns that a delete-field names.
        encoding: of the line, None for the file's.
    """

    quotes: int
    kind: int
    fixed: tuple[Fixed, ...]
    holes: tuple[Hole, ...]
    constants: Mapping[str, str | None] = field(default_factory=dict)
    named: tuple[str, ...] = ()
    encoding: Encoding | None = None


class _OddError(Exception):
    """The example is not one to learn from: the exact way must read it."""


@dataclass
class _Example:
    """A line cut at its quotes: `gaps[i]` stands before string i, the last gap behind all strings."""

    gaps: list[bytes]
    strings: list[bytes]
    holes: list[Hole] = field(default_factory=list)
    constants: dict[str, str | None] = field(default_factory=dict)

    def text_of(self, marker: str) -> str:
        return str(json.loads(b'"%b"' % self.strings[int(marker)]))

    def string_hole(self, column: str | None, marker: str, *, is_element: bool = False) -> None:
        opening = 2 * int(marker) + 1
        start, end = Edge(opening, 1), Edge(opening + 1)
        self.holes.append(Hole(column, start, end, is_element=is_element))

    def number_hole(self, column: str, name_marker: str, text: str) -> None:
        """A number stands in the gap behind its name, between fixed bytes."""
        gap = self.gaps[int(name_marker) + 1]
        before, _, after = gap.partition(text.encode())
        closing = 2 * int(name_marker) + 2
        start, end = Edge(closing, 1 + len(before)), Edge(closing + 1, -len(after))
        self.holes.append(Hole(column, start, end, is_number=True))


def learn_shape(line: bytes, quotes: list[int], schema: SetSchema) -> Shape | None:
    """The shape of a line with these places of quotes (escaped ones left out); None if it is odd in any way."""
    if len(quotes) % 2 or not quotes:
        return None
    try:
        return _learn(line, quotes, schema)
    except (_OddError, ValueError):
        return None


def _learn(line: bytes, quotes: list[int], schema: SetSchema) -> Shape:
    parse_json(line.decode())  # the bytes that all lines share are good JSON, whatever they hold
    bounds = [-1, *quotes, len(line)]
    parts = [line[start + 1 : end] for start, end in pairwise(bounds)]
    example = _Example(gaps=parts[0::2], strings=parts[1::2])
    # With numbers in the place of its strings the line still has the same structure, and each string its place.
    marked = b"".join(b'%b"%d"' % (gap, number) for number, gap in enumerate(example.gaps[:-1]))
    record = parse_json((marked + example.gaps[-1]).decode("ascii"))
    if not isinstance(record, dict):
        raise _OddError
    members = {example.text_of(marker): (marker, value) for marker, value in record.items()}
    if len(members) < len(record) or not members.keys() <= MEMBERS:
        raise _OddError
    kind = _KINDS.get(_fixed_text(example, members, "action", "update"))
    encoding = find_encoding(_fixed_text(example, members, "enc", "utf8"))
    if kind is None or encoding is None or ("data" in members) == (kind == DELETE_KEY):
        raise _OddError
    named = _learn_members(example, members, kind, schema)
    holes = tuple(sorted(example.holes, key=lambda hole: hole.start.mark))
    return Shape(
        quotes=len(quotes),
        kind=kind,
        fixed=_between(line, quotes, holes),
        holes=holes,
        constants=example.constants,
        named=named,
        encoding=encoding if "enc" in members else None,
    )


def _fixed_text(
    example: _Example, members: Mapping[str, tuple[str, Any]], name: str, default: str
) -> str:
    if name not in members:
        return default
    value = members[name][1]
    if not isinstance(value, str):
        raise _OddError
    return example.text_of(value)


def _learn_members(
    example: _Example, members: Mapping[str, tuple[str, Any]], kind: int, schema: SetSchema
) -> tuple[str, ...]:
    """Make the holes; the columns of a delete-field."""
    _, key = members.get("key", ("", None))
    if not isinstance(key, str):
        raise _OddError
    example.string_hole(None, key)
    if kind == DELETE_KEY:
        return ()
    _, data = members["data"]
    if not isinstance(data, dict) or not data:
        raise _OddError
    columns = {example.text_of(marker): marker for marker in data}
    if len(columns) < len(data) or not columns.keys() <= schema.by_name.keys():
        raise _OddError
    if kind == DELETE_FIELDS:
        return tuple(columns)  # their values are ignored: what they are here they are in all lines
    for column, marker in columns.items():
        _learn_value(example, column, marker, data[marker], schema)
    return ()


def _learn_value(
    example: _Example, column: str, marker: str, value: Any, schema: SetSchema
) -> None:
    column_type = schema.by_name[column].type
    if isinstance(value, str):
        example.string_hole(column, value)
    elif isinstance(value, Scalar):
        example.number_hole(column, marker, value.text)
    elif value is None or (value == [] and column_type is ColumnType.LIST):
        example.constants[column] = None
    elif isinstance(value, list) and column_type is ColumnType.LIST:
        if not all(isinstance(element, str) for element in value):
            raise _OddError
        for element in value:
            example.string_hole(column, element, is_element=True)
    elif isinstance(value, bool) and column_type is ColumnType.TEXT:
        example.constants[column] = "true" if value else "false"
    else:
        raise _OddError


def _between(line: bytes, quotes: list[int], holes: tuple[Hole, ...]) -> tuple[Fixed, ...]:
    """The fixed bytes round the holes."""
    marks = [0, *quotes, len(line)]
    edges = [
        Edge(0),
        *(edge for hole in holes for edge in (hole.start, hole.end)),
        Edge(len(quotes) + 1),
    ]
    pieces = []
    for start, end in zip(edges[0::2], edges[1::2], strict=True):
        content = line[marks[start.mark] + start.shift : marks[end.mark] + end.shift]
        pieces.append(Fixed(start, end, content))
    return tuple(pieces)
