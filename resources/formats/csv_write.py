"""Rows as CSV, in pieces, for people and programs that read it elsewhere: no value changed, nothing held whole.

| value | in the file |
|---|---|
| null | nothing between the separators |
| text | in quotes, `""` when empty; `"` doubled |
| number, boolean | as it is, never in quotes; doubles with the digits that give the same double back; `nan`, `inf` |
| decimal | all its digits |
| date, time, timestamp | `2013-01-31`, `05:00:00.000000`, `2013-01-31 05:00:00.000000`; with a zone in UTC, `Z` behind |
| duration | the whole number of its unit |
| bytes | hexadecimal digits |
| list, struct, map | JSON in quotes: `[1,2]`, `{"a":1}`, `[["key",1]]` |

Spreadsheets run a text that begins like a formula. The guard, which is on unless it is switched off, puts an apostrophe before
texts (and names of columns) that begin with `=`, `+`, `-`, `@`, a tab, a carriage return or a line feed. Numbers are no text: -1
stays -1. In a table of a single column a null is `""`, since a reader takes an empty line for no row.

Encoding takes as long as DuckDB's own COPY (`benchmarks/downloads.py`), works on a thread of its own beside reading, and
knows every type that the store keeps.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from resources.formats.json.texts import json_texts
from resources.kernel.records import BatchStream
from resources.kernel.temporal_text import temporal_texts

FORMULA = "=+-@\t\r\n"
"""What a text must not begin with in a spreadsheet."""
_FORMULA = r"\A[=+\-@\t\r\n]"
_OPTIONS = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
_THREADS = max(1, min(4, os.cpu_count() or 1) - 1)
_FAR_DAYS = 10_000_000
"""Days from 1970 within which Arrow writes dates as they are."""
_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


@dataclass
class CsvWriter:
    """Makes CSV of one stream.

    Args:
        guard: whether texts that begin like a formula are defused.
    """

    guard: bool = True
    defused: int = 0
    """How many values got an apostrophe so far."""

    def chunks(self, stream: BatchStream) -> Iterator[bytes]:
        """The file, piece by piece: its header, then a piece for each batch.

        An error of the stream ends the pieces with that error: what was given out until then is no whole file.

        Raises:
            InputError: a value that has no form in CSV, naming its column.
        """
        try:
            yield self._header(stream.schema.names)
            with ThreadPoolExecutor(_THREADS, thread_name_prefix="csv") as pool:
                yield from self._encoded(stream, pool)
        finally:
            stream.close()

    def _encoded(self, stream: BatchStream, pool: ThreadPoolExecutor) -> Iterator[bytes]:
        waiting: deque[Future[tuple[pa.Buffer, int]]] = deque()
        try:
            for batch in stream:
                waiting.append(pool.submit(_encode, batch, guard=self.guard))
                if len(waiting) > _THREADS:
                    yield self._take(waiting.popleft())
            while waiting:
                yield self._take(waiting.popleft())
        finally:
            for future in waiting:
                future.cancel()

    def _take(self, future: Future[tuple[pa.Buffer, int]]) -> bytes:
        data, defused = future.result()
        self.defused += defused
        return bytes(data)

    def _header(self, names: list[str]) -> bytes:
        shown = [f"'{name}" if self.guard and name[:1] in FORMULA else name for name in names]
        self.defused += sum(one != other for one, other in zip(shown, names, strict=True))
        return (",".join(map(_field, shown)) + "\n").encode()


def _field(text: str) -> str:
    """A name in the header, in quotes where it needs them; Python's csv leaves a carriage return bare."""
    needs = not text or any(char in text for char in ',"\r\n') or text != text.strip()
    return '"' + text.replace('"', '""') + '"' if needs else text


def _encode(batch: pa.RecordBatch, *, guard: bool) -> tuple[pa.Buffer, int]:
    columns, defused = [], 0
    for column, field in zip(batch.columns, batch.schema, strict=True):
        written = _written(column, field.name)
        if guard and pa.types.is_string(field.type):
            written, found = _defuse(written)
            defused += found
        columns.append(written)
    if len(columns) == 1 and columns[0].null_count:
        columns = [pc.fill_null(columns[0].cast(pa.string()), "")]
    sink = pa.BufferOutputStream()
    made = pa.RecordBatch.from_arrays(columns, names=[str(n) for n in range(len(columns))])
    pa_csv.write_csv(made, sink, _OPTIONS)
    return sink.getvalue(), defused


def _defuse(column: pa.Array) -> tuple[pa.Array, int]:
    dangerous = pc.match_substring_regex(column, _FORMULA)
    found = pc.sum(dangerous).as_py() or 0
    if not found:
        return column, 0
    return pc.if_else(dangerous, pc.binary_join_element_wise("'", column, ""), column), found


def _written(column: pa.Array, name: str) -> pa.Array:
    """A column as Arrow's writer takes it."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = column.cast(pa.timestamp(kind.unit, "UTC"))
    if (pa.types.is_date(kind) or pa.types.is_timestamp(kind)) and _is_far(column):
        return pa.array(temporal_texts(column), pa.string())
    if pa.types.is_float16(kind):
        return column.cast(pa.float32())
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([None if v is None else v.hex() for v in column.to_pylist()], pa.string())
    if pa.types.is_nested(kind):
        return json_texts(column, where=f"column {name!r}")
    return column


def _is_far(column: pa.Array) -> bool:
    is_day = pa.types.is_date32(column.type)
    bounds = pc.min_max(column.cast(pa.int32() if is_day else pa.int64())).as_py()
    limit = _FAR_DAYS * (1 if is_day else _DAY[getattr(column.type, "unit", "ms")])
    return any(bound is not None and abs(bound) > limit for bound in bounds.values())
