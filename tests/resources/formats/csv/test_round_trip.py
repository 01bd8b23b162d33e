"""Whatever text goes in comes out: as itself, or as a typed value that is equal to it (R12)."""

import csv
import io
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.resources.formats.csv.reading import read_chunked

NUMBERISH = st.from_regex(r"[-+]?[0-9]{0,20}(\.[0-9]{0,20})?([eE][-+]?[0-9]{1,3})?", fullmatch=True)
CELLS = st.one_of(
    st.just(""),
    st.integers(-(2**65), 2**65).map(str),
    st.integers(0, 999).map("{:05d}".format),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    NUMBERISH,
    st.sampled_from(
        ["true", "false", "True", "TRUE", "NA", "null", "NaN", "inf", "-0", "0x1F", " 1"]
    ),
    st.dates().map(str),
    st.datetimes().map(str),
    st.text(st.sampled_from(",;\"'\n\r\t äß€\0\ufeff1-."), max_size=8),
)
KINDS = st.sampled_from(
    [
        st.integers(-(2**63), 2**63 - 1).map(str),
        st.integers(-99, 99).map(str),
        st.decimals(-1000, 1000, places=2).map(str),
        st.sampled_from(["true", "false"]),
        st.dates().map(str),
        st.datetimes().map(str),
        CELLS,
    ]
)


@st.composite
def columns(draw):
    rows = draw(st.integers(1, 12))
    kinds = draw(st.lists(KINDS, min_size=2, max_size=4))
    cells = [st.lists(st.one_of(kind, st.just("")), min_size=rows, max_size=rows) for kind in kinds]
    return [draw(column) for column in cells]


def as_csv(texts, newline, quoting):
    if any("\r" in text for column in texts for text in column):
        quoting = (
            csv.QUOTE_ALL
        )  # csv leaves a lone carriage return unquoted, which the reader refuses
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator=newline, quoting=quoting)
    writer.writerow([f"c{i}" for i in range(len(texts))])
    writer.writerows(zip(*texts, strict=True))
    return out.getvalue().encode()


def is_same(text, value):
    if text == "" or value is None:
        return text == "" and value is None
    printed = {
        bool: lambda: str(value) in {text, text.title()},
        float: lambda: Decimal(repr(value)) == Decimal(text),
        Decimal: lambda: value == Decimal(text),
        datetime: lambda: value == datetime.fromisoformat(text),
    }
    return printed.get(type(value), lambda: str(value) == text)()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=columns(),
    newline=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    block_bytes=st.sampled_from([7, 64, 1 << 20]),
)
def test_every_cell_is_recoverable(tmp_path, texts, newline, quoting, block_bytes):
    content = as_csv(texts, newline, quoting)
    table = read_chunked(tmp_path, content, block_bytes, separator=",", decimal_mark=".")
    assert table.num_rows == len(texts[0])
    for column, cells in zip(table.columns, texts, strict=True):
        for value, text in zip(column.to_pylist(), cells, strict=True):
            assert is_same(text, value), (column.type, text, value)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=columns())
def test_types_do_not_depend_on_how_the_file_is_cut(tmp_path, texts):
    content = as_csv(texts, "\n", csv.QUOTE_MINIMAL)
    whole, cut = (
        read_chunked(tmp_path, content, size, separator=",", decimal_mark=".")
        for size in (1 << 20, 7)
    )
    assert whole.schema == cut.schema
    assert whole.equals(pa.Table.from_batches(cut.to_batches(), whole.schema))
