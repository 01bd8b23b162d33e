"""Arrow rows as text for MySQL: the lines of a LOAD DATA LOCAL, or the tuples of an INSERT where that is switched off.

In both a null is the bare word NULL, and every text stands between quotes that are doubled inside it, so that nothing
but the quote itself has a meaning in it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

FORMAT = (
    "CHARACTER SET binary FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''"
    " LINES TERMINATED BY '\n'"
)
"""How LOAD DATA reads what `as_lines` writes, in a session without escapes by backslash but for these options."""

_OPTIONS = pyarrow.csv.WriteOptions(
    include_header=False, batch_size=8192, null_string="NULL", quoting_style="needed"
)


def as_lines(batch: pa.RecordBatch) -> memoryview:
    """The rows of a batch as lines of comma-separated values."""
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(_written(batch), sink, _OPTIONS)
    return memoryview(sink.getvalue())


def as_tuples(batches: Iterable[pa.RecordBatch], most_bytes: int) -> Iterator[bytes]:
    """The rows of batches as `(1,'a'),(2,NULL)`, in pieces of about `most_bytes` and at least one row."""
    for batch in batches:
        columns = [_literals(column) for column in batch.columns]
        texts = _between("(", pc.binary_join_element_wise(*columns, _text(",")), ")")
        piece, size = io.BytesIO(), 0
        for text in texts:
            row = text.as_buffer()
            if size and size + row.size + 1 > most_bytes:
                yield piece.getvalue()
                piece, size = io.BytesIO(), 0
            if size:
                piece.write(b",")
            piece.write(row)
            size += row.size + 1
        if size:
            yield piece.getvalue()


def _written(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Columns in types that Arrow writes as this package wants them: bytes stay bytes."""
    arrays = [
        _bytes_as_text(c) if pa.types.is_large_binary(c.type) else _plain(c) for c in batch.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _plain(array: pa.Array) -> pa.Array:
    if pa.types.is_decimal(array.type):
        return array.cast(pa.string())
    return array


def _bytes_as_text(array: pa.Array) -> pa.Array:
    """The same bytes called text: the writer copies them, whatever they are."""
    return array.cast(
        options=pc.CastOptions(target_type=pa.large_string(), allow_invalid_utf8=True)
    )


def _literals(array: pa.Array) -> pa.Array:
    """Every value as it stands in a statement; none is null."""
    if pa.types.is_large_binary(array.type):
        texts = ["NULL" if v is None else f"x'{v.hex()}'" for v in array.to_pylist()]
        return pa.array(texts, pa.large_string())
    text = array.cast(pa.large_string())
    if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        text = _between("'", pc.replace_substring(text, "'", "''"), "'")
    return pc.fill_null(text, "NULL")


def _between(before: str, texts: pa.Array, behind: str) -> pa.Array:
    return pc.binary_join_element_wise(_text(before), texts, _text(behind), _text(""))


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())
