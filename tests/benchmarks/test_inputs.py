"""The made data: the same every time, and as nasty as it says."""

import hashlib

import pyarrow.csv
import pyarrow.parquet
import pytest

from benchmarks.checks import differences, parquet_facts
from benchmarks.inputs import COLUMNS, make_inputs

ROWS = 2_000


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return make_inputs(tmp_path_factory.mktemp("data"), ROWS)


def test_the_same_bytes_every_time(inputs, tmp_path):
    again = make_inputs(tmp_path, ROWS)
    for one, other in ((inputs.csv, again.csv), (inputs.parquet, again.parquet)):
        assert (
            hashlib.sha256(one.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()
        )


def test_notes_hold_what_breaks_careless_readers(inputs):
    table = pyarrow.parquet.read_table(inputs.parquet)
    notes = table["note"].to_pylist()
    assert table.num_rows == ROWS
    assert table.column_names == [name for name, _ in COLUMNS]
    assert len(COLUMNS) == 19
    assert 0.17 < notes.count(None) / ROWS < 0.23
    for nasty in ('"', ",", "\n", "é"):
        assert any(nasty in note for note in notes if note), nasty


def test_prices_keep_two_decimals_in_the_text(inputs):
    strings = pyarrow.csv.ConvertOptions(column_types={"price": pyarrow.string()})
    multiline = pyarrow.csv.ParseOptions(newlines_in_values=True)
    prices = pyarrow.csv.read_csv(inputs.csv, parse_options=multiline, convert_options=strings)[
        "price"
    ]
    assert all(len(price.partition(".")[2]) == 2 for price in prices.to_pylist())


def test_the_sums_notice_lost_nulls_and_lost_rows(inputs, tmp_path):
    table = pyarrow.parquet.read_table(inputs.parquet)
    notes = table.column_names.index("note")
    filled = table.set_column(notes, "note", table["note"].fill_null(""))
    for name, wrong in (("filled", filled), ("short", table.slice(1))):
        pyarrow.parquet.write_table(wrong, tmp_path / name)
    assert differences(inputs.facts, parquet_facts([inputs.parquet])) == []
    filled_facts = differences(inputs.facts, parquet_facts([tmp_path / "filled"]))
    assert [fact.partition(":")[0] for fact in filled_facts] == ["empty note"]
    assert "rows: 1,999 instead of 2,000" in differences(
        inputs.facts, parquet_facts([tmp_path / "short"])
    )
