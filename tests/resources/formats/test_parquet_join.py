"""Files joined as bytes are one file for each reader, with the rows of all in order; what does not fit is left alone."""

import struct

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.formats.parquet_join import join_parquet
from resources.formats.thrift_compact import decode, encode
from resources.kernel.errors import InputError

OPTIONS = {
    "plain": {},
    "page index and small pages": {"write_page_index": True, "data_page_size": 100},
    "no dictionary": {"use_dictionary": False, "compression": "none"},
    "new pages": {"data_page_version": "2.0", "compression": "zstd"},
}
NESTED = pa.list_(pa.struct([("a", pa.int64())]))
SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.string()), ("nested", NESTED)])


def table(start: int, rows: int) -> pa.Table:
    numbers = list(range(start, start + rows))
    return pa.table(
        {
            "id": numbers,
            "text": [None if n % 7 == 0 else f"text {n % 5}" for n in numbers],
            "nested": [[{"a": n}] for n in numbers],
        },
        schema=SCHEMA,
    )


def joined(paths, target):
    found = join_parquet(paths)
    target.write_bytes(b"".join(found.chunks))
    assert target.stat().st_size == found.size_bytes
    return target


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_rows_of_all_are_there_in_order(tmp_path, options):
    parts = [table(0, 1000), table(1000, 1), table(1001, 0), table(1001, 2500)]
    paths = [tmp_path / f"{n}.parquet" for n in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        pq.write_table(part, path, row_group_size=700, **options)
    whole = joined(paths, tmp_path / "whole.parquet")
    expected = pa.concat_tables(parts)
    assert pq.read_table(whole).equals(expected)
    file = pq.ParquetFile(whole)
    groups = sum(pq.ParquetFile(path).num_row_groups for path in paths)
    assert (file.metadata.num_rows, file.num_row_groups) == (3501, groups)
    found = duckdb.sql(f"SELECT count(*), sum(id), count(text) FROM '{whole}' WHERE id >= 990")
    texts = sum(1 for n in range(990, 3501) if n % 7)
    assert found.fetchone() == (2511, sum(range(990, 3501)), texts)
    again = joined([whole, paths[0]], tmp_path / "again.parquet")
    assert pq.read_table(again).equals(pa.concat_tables([expected, parts[0]]))


def test_bloom_filters_move_along(tmp_path):
    paths = [tmp_path / f"{n}.parquet" for n in (0, 1)]
    for number, path in enumerate(paths):
        start = number * 5000
        query = f"SELECT 'k' || (i % 1000 + {start}) AS k FROM range(20000) t(i)"
        duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    whole = joined(paths, tmp_path / "whole.parquet")
    assert duckdb.sql(f"SELECT count(*) FROM '{whole}' WHERE k = 'k5007'").fetchone() == (20,)
    assert duckdb.sql(f"SELECT count(*) FROM '{whole}' WHERE k = 'k7'").fetchone() == (20,)
    assert duckdb.sql(f"SELECT count(*) FROM '{whole}' WHERE k = 'none'").fetchone() == (0,)


def test_files_of_other_columns_do_not_fit(tmp_path):
    one, other, none = (tmp_path / name for name in ("one", "other", "none"))
    pq.write_table(table(0, 5), one)
    pq.write_table(table(0, 5).set_column(0, "id", pa.array([1.5] * 5)), other)
    none.write_bytes(b"PAR1 nothing else")
    assert join_parquet([one, other]) is None
    assert join_parquet([one, none]) is None


def test_a_footer_that_is_none_is_told(tmp_path):
    file = tmp_path / "bad.parquet"
    file.write_bytes(b"PAR1" + b"\xff" * 20 + struct.pack("<I", 20) + b"PAR1")
    with pytest.raises(InputError, match="no Thrift struct"):
        join_parquet([file])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_struct_or_an_error(data):
    try:
        found = decode(data)
    except InputError:
        return
    assert decode(encode(found)) == found


def test_a_footer_comes_back_as_it_was(tmp_path):
    file = tmp_path / "one.parquet"
    pq.write_table(table(0, 50), file, write_page_index=True)
    data = file.read_bytes()
    length = int.from_bytes(data[-8:-4], "little")
    footer = data[-8 - length : -8]
    assert encode(decode(footer)) == footer
