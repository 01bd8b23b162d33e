"""ZIP and Parquet made piece by piece: whole when they end, nothing when they do not."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.formats.parquet_write import ROW_GROUP_ROWS
from resources.formats.streams import parquet_chunks, zip_chunks
from resources.kernel.errors import IntegrityError
from resources.kernel.records import BatchStream

AT = dt.datetime(2026, 3, 4, 5, 6, 8, tzinfo=dt.UTC)


def stream(table: pa.Table, rows: int) -> BatchStream:
    return BatchStream(table.schema, iter(table.to_batches(max_chunksize=rows)))


def test_a_zip_holds_the_pieces_as_one_file():
    pieces = [b"a,b\n", b"", b"1,2\n" * 50_000]
    data = b"".join(zip_chunks("orders.csv", pieces, at=AT))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        (info,) = archive.infolist()
        assert (info.filename, info.date_time) == ("orders.csv", (2026, 3, 4, 5, 6, 8))
        assert archive.read(info) == b"".join(pieces)
    assert len(data) < 10_000


def test_a_zip_that_is_cut_off_does_not_open():
    def broken():
        yield b"1,2\n" * 200_000
        raise IntegrityError("a file is damaged")

    pieces = []
    with pytest.raises(IntegrityError):
        pieces.extend(zip_chunks("orders.csv", broken(), at=AT))
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(pieces)))


def test_parquet_is_written_a_row_group_at_a_time():
    table = pa.table({"n": range(ROW_GROUP_ROWS + 10), "t": ["x"] * (ROW_GROUP_ROWS + 10)})
    pieces = list(parquet_chunks(stream(table, 50_000)))
    file = pq.ParquetFile(io.BytesIO(b"".join(pieces)))
    assert file.metadata.num_row_groups == 2
    assert file.read().equals(table)


def test_parquet_without_rows_has_its_columns():
    table = pa.table({"n": pa.array([], pa.int64())})
    data = b"".join(parquet_chunks(stream(table, 1)))
    assert pq.read_schema(io.BytesIO(data)).equals(table.schema)


def test_parquet_that_is_cut_off_does_not_open():
    def broken():
        yield pa.record_batch({"n": range(ROW_GROUP_ROWS)})
        raise IntegrityError("a file is damaged")

    pieces = []
    with pytest.raises(IntegrityError):
        pieces.extend(parquet_chunks(BatchStream(pa.schema({"n": pa.int64()}), broken())))
    with pytest.raises(pa.ArrowInvalid):
        pq.ParquetFile(io.BytesIO(b"".join(pieces)))
