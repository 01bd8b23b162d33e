"""Rows on their way out: counted over the whole stream, cut into pieces, complaints with their place."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.connectors.sql.postgresql.written_types import DIALECT
from resources.connectors.sql.writing.checks import plan_columns
from resources.connectors.sql.writing.columns import Complaint, find_nul, find_unfit
from resources.connectors.sql.writing.source import PIECE_BYTES, PIECE_ROWS, SourceRows
from resources.kernel.errors import InputError
from resources.kernel.records import BatchStream
from tests.resources.connectors.sql.writing.databases import request


def source(table: pa.Table, sizes: list[int]) -> SourceRows:
    batches, start = [], 0
    for size in sizes:
        batches += table.slice(start, size).to_batches() or [
            pa.RecordBatch.from_pylist([], table.schema)
        ]
        start += size
    wanted = request(table.num_rows)
    columns = plan_columns(table.schema, wanted, DIALECT)
    return SourceRows(BatchStream(table.schema, iter(batches)), columns, wanted)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8))
def test_rows_come_whole_and_in_order_however_they_are_cut(sizes: list[int]) -> None:
    table = pa.table({"id": pa.array(range(sum(sizes)), pa.int64())})
    rows = source(table, sizes)
    assert rows.peek() is (sum(sizes) > 0)
    found = [value for batch in rows.batches() for value in batch.column(0).to_pylist()]
    assert found == list(range(sum(sizes)))
    assert rows.rows == sum(sizes)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.data())
def test_a_complaint_names_the_row_of_the_stream(sizes: list[int], data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, sum(sizes) - 1))
    texts = ["é\0" if number == bad else f"n{number}" for number in range(sum(sizes))]
    rows = source(pa.table({"name": texts}), sizes)
    with pytest.raises(
        InputError, match=rf"row {bad + 1}, column 'name' holds a NUL character"
    ) as raised:
        list(rows.batches())
    assert raised.value.facts["row"] == bad + 1


def test_pieces_are_bounded_in_rows_and_bytes() -> None:
    long = pa.table({"x": pa.array([1] * (PIECE_ROWS * 2 + 1), pa.int8())})
    assert [b.num_rows for b in source(long, [long.num_rows]).batches()] == [
        PIECE_ROWS,
        PIECE_ROWS,
        1,
    ]
    wide = pa.table({"x": ["y" * 2**20] * 40})
    assert all(b.nbytes <= PIECE_BYTES * 1.1 for b in source(wide, [40]).batches())


@given(
    st.lists(st.one_of(st.none(), st.text(st.sampled_from("ab\0é"), max_size=4)), max_size=12),
    st.integers(0, 3),
)
def test_a_nul_is_found_where_it_is(texts: list[str | None], start: int) -> None:
    array = pa.array(texts, pa.string()).slice(start)
    expected = next((i for i, t in enumerate(texts[start:]) if t and "\0" in t), None)
    found = find_nul(array)
    assert (found.index if found else None) == expected
    nested = pa.array(
        [[text] if text is not None else None for text in texts[start:]], pa.list_(pa.string())
    )
    found = find_nul(nested)
    assert (found.index if found else None) == expected


def test_a_nul_in_the_bytes_under_a_null_is_nobodys() -> None:
    data = pa.py_buffer(b"a\0b")
    offsets = pa.py_buffer(pa.array([0, 1, 2, 3], pa.int32()).buffers()[1])
    array = pa.Array.from_buffers(pa.string(), 3, [pa.py_buffer(b"\x05"), offsets, data], 1)
    assert array.to_pylist() == ["a", None, "b"]
    assert find_nul(array) is None


@given(st.integers(1, 200), st.data())
def test_the_first_unfit_value_is_found(size: int, data: st.DataObject) -> None:
    bad = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
    array = pa.array([2**40 if number in bad else 1 for number in range(size)])
    assert find_unfit(array, lambda values: values.cast(pa.int8())) == bad[0]
    assert isinstance(Complaint(1, "x"), Complaint)
