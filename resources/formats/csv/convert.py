"""One chunk to a typed batch, as planned; what its values say against the plan."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pyarrow as pa

from resources.formats.csv.chunks import CsvChunk
from resources.formats.csv.doubts import NO_MARKS, MarksSeen, look
from resources.formats.csv.parse import ColumnLayout, line_of_record, parse_chunk
from resources.formats.csv.plan import CsvPlan, convert_column
from resources.formats.text_types.bad_values import first_bad_value
from resources.formats.text_types.evidence import (
    IS_TEXT,
    NO_VALUES,
    NOTHING,
    Evidence,
    TextType,
    ValueKind,
)
from resources.formats.text_types.given import read_given
from resources.kernel.errors import InputError, ParseError

_FINE_SECONDS = re.compile(r":\d\d\.\d{7,9}(?!\d)")


@dataclass(frozen=True)
class FileChunk:
    """A chunk and the file it is of."""

    layout: ColumnLayout
    chunk: CsvChunk


@dataclass(frozen=True)
class ColumnMisfit:
    """A column of a chunk that holds a value against the plan."""

    name: str
    column_type: TextType
    texts: pa.Array


@dataclass(frozen=True)
class ConvertedCsv:
    """A chunk read as planned, and what its values say about the plan."""

    source: FileChunk
    batch: pa.RecordBatch | None
    """None: a value was against the plan."""
    evidence: list[Evidence]
    misfits: list[ColumnMisfit]
    marks: MarksSeen = NO_MARKS

    @property
    def tells_files_apart(self) -> bool:
        """Whether it matters which file something in it came from."""
        return bool(self.misfits) or self.marks.tells_files_apart


@dataclass(frozen=True)
class FailedCsv:
    """A file that could not be read, from some point on."""

    layout: ColumnLayout
    error: InputError


@dataclass
class ChunkConverter:
    """Converts chunks by one plan."""

    plan: CsvPlan
    settled: set[str] = field(default_factory=set)
    """Columns that are text whatever comes: nothing more to learn from them."""
    watches_marks: bool = False
    """Whether marks are detected, so that numbers can be in doubt."""
    has_foreign: bool = False
    """Whether a number against the marks is known already."""

    def convert(self, item: FileChunk | FailedCsv) -> ConvertedCsv | FailedCsv:
        """The chunk as a typed batch. Errors come back as values, so that they keep their place in the order."""
        if isinstance(item, FailedCsv):
            return item
        try:
            return self._convert(item)
        except InputError as error:
            return FailedCsv(item.layout, error)

    def _convert(self, item: FileChunk) -> ConvertedCsv:
        texts = parse_chunk(item.chunk, item.layout)
        here = set(item.layout.names)
        values: list[pa.Array | None] = []
        evidence: list[Evidence] = []
        misfits: list[ColumnMisfit] = []
        for name, column_type in zip(self.plan.names, self.plan.types, strict=True):
            if name not in here:
                values.append(pa.nulls(texts.num_rows, column_type.arrow))
                evidence.append(NO_VALUES)
                continue
            column = texts.column(name)
            if name in self.plan.given:
                values.append(self._read_given(column, name, column_type, item))
                evidence.append(NO_VALUES)
            elif name in self.settled:
                values.append(column if column_type.kind == NOTHING else None)
                evidence.append(IS_TEXT)
            else:
                converted = convert_column(column, name, column_type, self.plan)
                values.append(converted.values)
                evidence.append(converted.evidence)
                if converted.values is None:
                    misfits.append(ColumnMisfit(name, column_type, column))
        whole = all(column is not None for column in values)
        batch = pa.RecordBatch.from_arrays(values, schema=self.plan.schema) if whole else None
        marks = NO_MARKS
        if self.watches_marks:
            marks = look(texts, self.plan, evidence, has_foreign=self.has_foreign)
        return ConvertedCsv(item, batch, evidence, misfits, marks)

    def _read_given(
        self, texts: pa.Array, name: str, column_type: TextType, item: FileChunk
    ) -> pa.Array:
        rule = self.plan.rule_for(name)
        values = read_given(texts, column_type, rule)
        if values is not None:
            return values
        bad = first_bad_value(texts, lambda part: read_given(part, column_type, rule) is not None)
        raise ParseError(
            f"{bad.shown} is not of the given type {column_type}",
            file=item.layout.file.name,
            line=line_of_record(item.chunk, item.layout, bad.index),
            column=name,
            hint=_way_out(bad.text, column_type),
            value=bad.text[:100],
        )


def _way_out(text: str, column_type: TextType) -> str:
    if column_type.kind & (ValueKind.TIMESTAMP | ValueKind.TIMESTAMPTZ) and _FINE_SECONDS.search(
        text
    ):
        return f"It has more than six decimals of a second: `{column_type}(ns)` holds nine"
    return "Correct the value, give another type in `types:`, or list it in `null_values:`"
