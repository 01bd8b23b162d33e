"""A digest of a stream's rows, whatever their order: the same rows, the same digest.

The sum of a 64-bit hash of each row and of the hash of that, with the number of rows and the schema. DuckDB makes
the hashes: a new release of it may make others, which costs one needless import.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from resources.kernel.errors import IntegrityError
from resources.kernel.records import BatchStream

if TYPE_CHECKING:
    import duckdb

_BATCH_ROWS = 100_000


class RowDigest:
    """The digest of rows that come by and by."""

    def __init__(self, schema: pa.Schema) -> None:
        import duckdb

        self._schema = schema
        self.rows = 0
        self._sums = [0, 0]
        self._connection = duckdb.connect(config={"threads": 1})

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes rows in."""
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            part = _hashable(batch.slice(start, _BATCH_ROWS))
            one, two = _sums(self._connection, part)
            self._sums = [(self._sums[0] + one) % 2**128, (self._sums[1] + two) % 2**128]
        self.rows += batch.num_rows

    def text(self) -> str:
        """The digest of all rows so far."""
        text = f"{self._schema.to_string()} {self.rows} {self._sums}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def close(self) -> None:
        """Lets go what made the hashes."""
        self._connection.close()


def digest_rows(stream: BatchStream) -> tuple[str, int]:
    """Digest and number of the rows of a stream, read to its end in bounded memory."""
    with closing(RowDigest(stream.schema)) as digest:
        for batch in stream:
            digest.add(batch)
        return digest.text(), digest.rows


@contextmanager
def digested(read: AbstractContextManager[BatchStream]) -> Iterator[BatchStream]:
    """A stream that tells the digest of its rows once it has been read to the end."""
    with read as stream, closing(RowDigest(stream.schema)) as digest:
        found: list[str] = []

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in stream:
                digest.add(batch)
                yield batch
            found.append(digest.text())

        def fingerprint() -> str:
            if not found:
                raise IntegrityError("a digest was asked for before the last row was read")
            return found[0]

        yield replace(stream, batches=batches(), fingerprint=fingerprint)


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
