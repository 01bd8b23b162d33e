"""Odd tables: what a profile says of them, and that it says it at all."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from resources.kernel.records import BatchStream
from resources.profiles.record import encode_profile
from resources.stores.tables import TableStore
from tests.resources.profiles.tables import KEY, column, profile_of_table
from tests.resources.stores.test_tables import every_type


def test_every_type_that_the_store_keeps_has_a_profile(tmp_path: Path) -> None:
    found = profile_of_table(tmp_path, every_type())
    assert [c.kind for c in found.columns] == [
        *["number"] * 5, "boolean", "text", "binary", *["time"] * 5, "number", "number", *["nested"] * 3,
    ]  # fmt: skip
    whole, unsigned = column(found, "int64"), column(found, "uint64")
    assert (whole.lowest, whole.highest) == (str(-(2**63)), str(2**53 + 1))
    assert (unsigned.lowest, unsigned.highest) == (0, str(2**64 - 1))
    assert (column(found, "date").lowest, column(found, "date").highest) == (
        "0001-01-01",
        "9999-12-31",
    )
    assert column(found, "stamp").highest == "9999-12-31 00:00:00"
    assert column(found, "zoned").lowest == "2013-01-01 05:15:00Z"
    assert column(found, "nanos").lowest == "1969-12-31 23:59:59.999999999"
    assert column(found, "decimal").quantiles[-1] == "0.1234567890123456789"
    assert (column(found, "double").nans, column(found, "float").infinities) == (1, 1)
    lengths = column(found, "list").lengths
    assert lengths is not None
    assert (lengths.least, lengths.most) == (0, 2)
    encode_profile(found)


def test_tables_of_no_rows_one_column_and_no_values(tmp_path: Path) -> None:
    none = profile_of_table(tmp_path / "none", every_type().slice(0, 0))
    assert (none.rows, none.missing_cells, none.duplicate_rows, none.associations) == (0, 0, 0, ())
    assert all((c.distinct, c.warnings, c.distribution) == (0, (), None) for c in none.columns)
    empty = pa.table(
        {name: pa.nulls(3, kind) for name, kind in zip(*_names_and_types(), strict=True)}
    )
    missing = profile_of_table(tmp_path / "missing", empty)
    assert all((c.missing, c.warnings) == (3, ("all_missing",)) for c in missing.columns)
    assert (missing.duplicate_rows, missing.missingness) == (2, ())
    one = profile_of_table(tmp_path / "one", pa.table({"n": [7]}))
    assert (column(one, "n").lowest, column(one, "n").std, column(one, "n").skew) == (7, None, None)


def _names_and_types() -> tuple[list[str], list[pa.DataType]]:
    schema = every_type().schema
    return schema.names, schema.types


def test_names_of_any_characters_and_names_that_differ_in_case_alone(tmp_path: Path) -> None:
    names = ["Größe", "größe", "名前", 'a"b', "a.b", "a'b", "{0}", "\0", "p", "x", "n", "c1"]
    table = pa.table([pa.array([place, place, None]) for place in range(len(names))], names)
    found = profile_of_table(tmp_path, table)
    assert [(c.name, c.lowest, c.missing) for c in found.columns] == [
        (name, place, 1) for place, name in enumerate(names)
    ]
    assert found.duplicate_rows == 1


def test_numbers_at_the_ends_of_doubles_and_decimals(tmp_path: Path) -> None:
    exact = decimal.Decimal("99999999999999999999999999999999999.123")
    wide = [decimal.Decimal(10**50), -decimal.Decimal(10**50), decimal.Decimal(1), None]
    table = pa.table(
        {
            "huge": [1.7e308, -1.7e308, 5e-324, float("inf")],
            "digits": pa.array(
                [exact, exact.copy_negate(), decimal.Decimal("0.5"), None], pa.decimal128(38, 3)
            ),
            "wide": pa.array(wide, pa.decimal256(60, 2)),
            "ends": pa.array([2**63 - 1, -(2**63), 0, 0]),
        }
    )
    found = profile_of_table(tmp_path, table)
    assert (column(found, "huge").lowest, column(found, "huge").highest) == (-1.7e308, 1.7e308)
    assert column(found, "huge").infinities == 1
    digits = column(found, "digits")
    assert (digits.lowest, digits.highest, digits.quantiles[4]) == (f"-{exact}", str(exact), "0.5")
    beyond = column(found, "wide")
    assert (beyond.lowest, beyond.highest, beyond.missing) == (f"-{10**50}.00", f"{10**50}.00", 1)
    assert found.duplicate_rows is None
    assert {note.about for note in found.notes} == {"columns", "duplicates"}
    ends = column(found, "ends")
    assert ends.quantiles[4] == 0
    assert ends.distribution is not None
    assert sum(ends.distribution.counts) == 4
    assert "Infinity" not in encode_profile(found)


def test_decimals_of_38_digits_beside_wider_ones_of_the_same_scale(tmp_path: Path) -> None:
    """DuckDB reads the first and not the second: the second must not take the figures of the first away."""
    digits = decimal.Decimal("12345678901234567890123456789012345.678")
    table = pa.table(
        {
            "fits": pa.array([digits, digits, -digits, None], pa.decimal128(38, 3)),
            "beyond": pa.array([digits, None, None, None], pa.decimal256(50, 3)),
            "short": pa.array([decimal.Decimal("0.001")] * 4, pa.decimal128(9, 3)),
        }
    )
    found = profile_of_table(tmp_path, table)
    fits = column(found, "fits")
    assert (fits.distinct, fits.once, fits.missing) == (2, 1, 1)
    assert (fits.top[0].value, fits.top[0].rows) == (str(digits), 2)
    assert fits.distribution is not None
    assert column(found, "short").distinct == 1
    assert column(found, "beyond").distinct is None
    assert [note.columns for note in found.notes if note.about == "columns"] == [("beyond",)]


def test_moments_before_christ_far_ahead_and_in_zones(tmp_path: Path) -> None:
    before = -(2_000 * 365 + 500) * 86_400_000_000 - 2**50
    table = pa.table(
        {
            "bc": pa.array([before, 0, 2**62], pa.timestamp("us")),
            "infinite": pa.array([2**63 - 1, 0, None], pa.timestamp("us")),
            "berlin": pa.array([0, 1, 2], pa.timestamp("ms", "Europe/Berlin")),
            "day": pa.array([dt.date(1, 1, 1), dt.date(2026, 11, 30), dt.date(9999, 12, 31)]),
            "clock": pa.array([dt.time(0), dt.time(12), dt.time(23, 59, 59)]),
        }
    )
    found = profile_of_table(tmp_path, table)
    assert str(column(found, "bc").lowest).startswith("-")
    assert (column(found, "infinite").infinities, column(found, "infinite").missing) == (1, 1)
    assert column(found, "berlin").lowest == "1970-01-01 00:00:00Z"
    assert column(found, "day").quantiles[4] == "2026-11-30"
    bins = column(found, "clock").distribution
    assert bins is not None
    assert bins.unit == "minute"
    for one in found.columns:
        assert one.distribution is not None
        counts = one.distribution
        assert sum(counts.counts) + counts.below + counts.above == 3 - one.missing - (
            one.infinities or 0
        )


def test_thousands_of_columns(tmp_path: Path) -> None:
    """More than are counted, hashed or nested at once anywhere, and no whole number of blocks."""
    kinds = [[0.5, None, 1.5], *[["a", "b", "a"]] * 9]
    table = pa.table({f"c{place}": kinds[place % 10] for place in range(2_550)})
    found = profile_of_table(tmp_path, table)
    assert [c.distinct for c in found.columns] == [2] * 2_550
    assert found.missing_cells == 255
    (left_out,) = [note for note in found.notes if note.about == "associations"]
    assert len(left_out.columns) == 2_350
    (masked,) = [note for note in found.notes if note.about == "missingness"]
    assert len(masked.columns) == 255 - 120


def test_rows_of_thousands_of_columns_that_repeat(tmp_path: Path) -> None:
    columns = {f"c{n}": [(n * row) % 7 if n % 2 else f"t{row % 5}" for row in range(200)] for n in range(3_000)}  # fmt: skip
    assert profile_of_table(tmp_path, pa.table(columns)).duplicate_rows == 200 - 35


def test_rows_that_share_a_hash_are_compared_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resources.profiles.whole_rows.HASHED_AT_ONCE", 2)
    monkeypatch.setattr(
        "resources.profiles.whole_rows._hashed",
        lambda session, *_: f"SELECT n, 0::UBIGINT AS h FROM {session.relation.source_of([])}",
    )
    monkeypatch.setattr("resources.profiles.streamed.LARGE_VALUE_BYTES", 1_000)
    long = "x" * 40_000
    rows = [
        (1, None, "a", long, [1]),
        (1, None, "a", long, [1]),
        (1, 1.5, "a", long, [1]),
        (1, None, "b", long, [1]),
        (1, None, "a", long + "y", [1]),
        (1, None, "a", long, [1, None]),
        (1, None, "a", None, [1]),
        (2, None, "a", None, [1]),
        (1, None, "a", long, [1]),
        (1, None, "a", None, [1]),
    ]
    names = ["whole", "real", "text", "long", "list"]
    table = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    assert profile_of_table(tmp_path, table).duplicate_rows == 3


LONG = """
import json, re, sys
from resources.profiles.compute import compute_profile
from resources.stores.tables import TableStore

profile = compute_profile(("datasets", "tried"), TableStore.open(sys.argv[1]).read(("datasets", "tried")))
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) // 1024
text = profile.columns[1]
print(json.dumps([peak, text.distinct, text.lengths.most, text.top[0].rows, profile.duplicate_rows, list(text.warnings)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_texts_of_five_megabytes_take_little_memory(tmp_path: Path) -> None:
    store = TableStore.open(str(tmp_path / "store"))
    texts = [chr(97 + place % 26) * 5_000_000 for place in range(40)]
    with store.writer(KEY, run_id="r1") as writer:
        for start in range(0, 40, 4):
            part = texts[start : start + 4]
            table = pa.table({"id": [0] * 4, "text": part, "blob": [b"\0" * 2_000_000] * 4})
            writer.write(BatchStream(table.schema, iter(table.to_batches())))
        writer.publish({})
    command = [sys.executable, "-c", LONG, store.url]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    peak, distinct, longest, rows, repeated, warned = json.loads(answer.stdout)
    assert (distinct, longest, rows, repeated) == (26, 5_000_000, 2, 14)
    assert "long_texts" in warned
    assert peak < 600
