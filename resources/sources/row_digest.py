"""A digest of a stream's rows, whatever their order: the same rows, the same digest.

The sum of a 64-bit hash of each row and of the hash of that, with the number of rows and the schema. DuckDB makes
the hashes: a new release of it may make others, which costs one needless import.
"""

from __future__ import annotations

import hashlib

import duckdb
import pyarrow as pa

from resources.kernel.records import BatchStream

_BATCH_ROWS = 100_000


def digest_rows(stream: BatchStream) -> tuple[str, int]:
    """Digest and number of the rows of a stream, read to its end in bounded memory."""
    rows, sums = 0, [0, 0]
    connection = duckdb.connect(config={"threads": 1})
    try:
        for batch in stream:
            for start in range(0, batch.num_rows, _BATCH_ROWS):
                part = _hashable(batch.slice(start, _BATCH_ROWS))
                one, two = _sums(connection, part)
                sums = [(sums[0] + one) % 2**128, (sums[1] + two) % 2**128]
            rows += batch.num_rows
    finally:
        connection.close()
    text = f"{stream.schema.to_string()} {rows} {sums}"
    return hashlib.sha256(text.encode()).hexdigest()[:32], rows


def _sums(connection: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> tuple[int, int]:
    connection.register("part", batch)
    names = ", ".join(batch.schema.names)
    found = connection.execute(
        "SELECT coalesce(sum(h::HUGEINT), 0), coalesce(sum(hash(h)::HUGEINT), 0)"
        f" FROM (SELECT hash({names}) AS h FROM part)"
    ).fetchone()
    connection.unregister("part")
    return (int(found[0]), int(found[1])) if found else (0, 0)


def _hashable(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with plain column names, in types that DuckDB tells apart to the last bit."""
    arrays = [_plain(array) for array in batch.columns]
    return pa.RecordBatch.from_arrays(arrays, names=[f"c{i}" for i in range(len(arrays))])


def _plain(array: pa.Array) -> pa.Array:
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _plain(array.storage)
    if pa.types.is_dictionary(kind):
        return _plain(array.dictionary_decode())
    if pa.types.is_decimal256(kind):
        return array.cast(pa.string())
    if pa.types.is_floating(kind) or pa.types.is_temporal(kind):
        # Bits, since DuckDB takes -0.0 for 0.0, and intervals only to the microsecond.
        return array.view(f"int{kind.bit_width}") if kind.bit_width in (16, 32, 64) else array
    return array
