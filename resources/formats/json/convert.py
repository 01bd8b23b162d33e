"""One chunk to a typed batch as planned, and what its values say about the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from resources.formats.json.chunks import JsonChunk, JsonText, RecordShape
from resources.formats.json.general import count_records, cut_records
from resources.formats.json.non_finite import replace_non_finite
from resources.formats.json.shapes import BadLiteralError, find_shapes
from resources.formats.json.template import cut_by_template
from resources.formats.json.values import (
    JSON,
    MIXED,
    SeenValues,
    look_at,
    plain_texts,
    read_literals,
)
from resources.formats.text_types.bad_values import first_bad_value
from resources.formats.text_types.evidence import TextType
from resources.formats.text_types.given import read_given
from resources.formats.text_types.rule import TypingRule
from resources.kernel.errors import InputError, ParseError
from resources.kernel.schema import of_several_kinds

Literals = Mapping[str, pa.Array]


@dataclass(frozen=True)
class JsonPlan:
    """Names and types of all columns, in order."""

    types: Mapping[str, TextType]
    given: Mapping[str, TextType]
    rule: TypingRule

    @property
    def schema(self) -> pa.Schema:
        """As Arrow has it."""
        fields = {name: pa.field(name, kind.arrow) for name, kind in self.types.items()}
        mixed = [name for name, kind in self.types.items() if kind == MIXED]
        return pa.schema(
            (fields | {name: of_several_kinds(fields[name]) for name in mixed}).values()
        )

    def differences(self, newer: JsonPlan) -> dict[str, str]:
        """Columns that `newer` has besides, or types differently, with their new types."""
        return {
            name: str(kind) for name, kind in newer.types.items() if self.types.get(name) != kind
        }


@dataclass(frozen=True)
class ConvertedJson:
    """A chunk read as planned."""

    chunk: JsonChunk
    batch: pa.RecordBatch | None
    """None: a value was against the plan."""
    seen: Mapping[str, SeenValues]
    """What its values are, by column, in order of first appearance."""
    examples: Mapping[str, str]
    """The first value against the plan, by column, and where it stands."""


@dataclass(frozen=True)
class FailedJson:
    """A file that could not be read, from some point on."""

    file: JsonText
    error: InputError


def look_at_chunk(chunk: JsonChunk) -> dict[str, SeenValues]:
    """What the values of a chunk are, by column."""
    for literals in _ways(chunk):
        try:
            return {name: look_at(column) for name, column in literals().items()}
        except BadLiteralError:
            continue
    raise _not_json(chunk)


def convert_chunk(chunk: JsonChunk, plan: JsonPlan) -> ConvertedJson:
    """The chunk as a typed batch.

    Raises:
        ParseError: what is no JSON, or a value that is not of the type given for its column.
    """
    for literals in _ways(chunk):
        try:
            return _convert(chunk, literals(), plan)
        except BadLiteralError:
            continue
    raise _not_json(chunk)


def _ways(chunk: JsonChunk) -> Iterator[Callable[[], Literals]]:
    """The ways to cut a chunk, the fast one first."""
    array = chunk.file.shape is not RecordShape.LINES
    replaced = replace_non_finite(chunk.data, chunk.file.non_finite)
    plain = replace(chunk, data=replaced.data)
    yield lambda: replaced.restore(cut_by_template(plain.data, array=array) or _not_alike())
    yield lambda: replaced.restore(cut_records(plain))


def _not_alike() -> Literals:
    raise BadLiteralError


def _not_json(chunk: JsonChunk) -> ParseError:
    return ParseError("cannot be read as JSON", file=chunk.file.name, line=chunk.line)


def _convert(chunk: JsonChunk, literals: Literals, plan: JsonPlan) -> ConvertedJson:
    seen: dict[str, SeenValues] = {}
    values: dict[str, pa.Array] = {}
    examples: dict[str, str] = {}
    for name, column in literals.items():
        if name in plan.given:
            values[name] = _read_given(chunk, column, name, plan)
            seen[name] = SeenValues()
            continue
        kind = plan.types.get(name)
        if kind is None:
            seen[name] = look_at(column)
            continue
        read, seen[name] = read_literals(column, kind)
        if read is None:
            examples[name] = _example(chunk, column, kind)
        else:
            values[name] = read
    rows = len(next(iter(literals.values()))) if literals else count_records(chunk)
    whole = not examples and all(name in plan.types for name in literals)
    batch = _batch(values, rows, plan) if whole else None
    return ConvertedJson(chunk, batch, seen, examples)


def _batch(values: Mapping[str, pa.Array], rows: int, plan: JsonPlan) -> pa.RecordBatch:
    columns = [
        values[field.name] if field.name in values else pa.nulls(rows, field.type)
        for field in plan.schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=plan.schema)


def _read_given(chunk: JsonChunk, literals: pa.Array, name: str, plan: JsonPlan) -> pa.Array:
    kind = plan.given[name]
    find_shapes(literals)
    if kind == JSON:
        plain_texts(literals)  # for its look at every text
        return literals
    texts = plain_texts(literals)
    values = read_given(texts, kind, plan.rule)
    if values is not None:
        return values
    bad = first_bad_value(texts, lambda part: read_given(part, kind, plan.rule) is not None)
    raise ParseError(
        f"{bad.shown} is not of the given type {kind}",
        file=chunk.file.name,
        line=_line_of(chunk, bad.index),
        column=name,
        hint="Correct the value, or give another type in `types:`",
    )


def _example(chunk: JsonChunk, literals: pa.Array, kind: TextType) -> str:
    bad = first_bad_value(literals, lambda part: read_literals(part, kind)[0] is not None)
    return f"{bad.shown} in {chunk.file.name}, {_place_of(chunk, bad.index)}"


def _place_of(chunk: JsonChunk, index: int) -> str:
    line = _line_of(chunk, index)
    return (
        f"line {line}"
        if chunk.file.shape is RecordShape.LINES
        else f"an element behind line {line}"
    )


def _line_of(chunk: JsonChunk, index: int) -> int:
    """The line of a record; of arrays the line on which the chunk begins."""
    if chunk.file.shape is not RecordShape.LINES:
        return chunk.line
    lines = (n for n, line in enumerate(chunk.data.split(b"\n")) if line.strip())
    return chunk.line + next(n for place, n in enumerate(lines) if place == index)
