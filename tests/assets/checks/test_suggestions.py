"""What a profile proposes parses as a declaration, costs no library, and holds for the version that was profiled."""

import random
import string

import pandas as pd
import pyarrow as pa
import pytest
import yaml

from assets.checks.expectations import parse_expectations
from assets.checks.native import judge_natively
from assets.checks.suggestions import suggest
from orchestration.services.suggested_checks import to_checks
from resources.profiles.compute import compute_profile
from resources.profiles.record import ColumnProfile, Lengths, Profile, ProfiledVersion, TopValue
from tests.assets.checks.test_native import VALUES, random_table, stored


def profile_of(rows: pa.Table, name: str = "rows") -> Profile:
    """What suggestions look at, by pandas."""
    columns = [_column(place, name, rows[name]) for place, name in enumerate(rows.column_names)]
    of = ProfiledVersion(("datasets", name), 1, "")
    return Profile(of, "", 0, rows.num_rows, 0, 0, 0, None, tuple(columns))


def _column(place: int, name: str, values: pa.ChunkedArray) -> ColumnProfile:
    kind, present = values.type, pd.Series(values.drop_null().to_pylist(), dtype=object)
    facts = {"missing": values.null_count, "kind": "nested"}
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = present.astype(float)
        finite = present[numbers.abs() < float("inf")]
        facts |= {"kind": "number", "nans": int(numbers.isna().sum())}
        facts |= {"infinities": int((numbers.abs() == float("inf")).sum())}
        facts |= {"lowest": finite.min(), "highest": finite.max()} if len(finite) else {}
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        counts = present.value_counts()
        top = tuple(TopValue(value, int(n), value) for value, n in counts.head(10).items())
        facts |= {"kind": "text", "top": top}
        if len(present):
            lengths = present.str.len()
            facts["lengths"] = Lengths(int(lengths.min()), 0, int(lengths.max()))
    if not pa.types.is_nested(kind):
        facts |= {"distinct": present.nunique(), "once": int((present.value_counts() == 1).sum())}
        is_key = len(present) and present.nunique() == len(present) and place % 2
        facts["warnings"] = ("identifier",) if is_key else ()
    return ColumnProfile(name=name, position=place, type=str(kind), **facts)


def plausible(chance: random.Random, rows: int) -> pa.Table:
    """Columns that something is proposed for; names that YAML would take for something else."""
    codes = ["".join(chance.choices(string.ascii_letters, k=6)) for _ in range(rows)]
    return pa.table(
        {
            "yes": pa.array(range(rows), pa.int64()),
            "1.0": codes,
            "a: b #": [chance.choice(["AA", "no", "null", "é"]) for _ in range(rows)],
            "price": [chance.uniform(3, 999_999) for _ in range(rows)],
            "low": [chance.uniform(-1e-9, -1e-12) for _ in range(rows)],
            "gaps": [chance.choice([None, 7.5]) for _ in range(rows)],
        }
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("engine", ["pandas", "profile"])
def test_all_that_is_proposed_parses_and_holds(tmp_path, seed, engine):
    chance = random.Random(seed)
    rows = (
        plausible(chance, 200) if seed % 3 == 0 else random_table(chance, 1 + 9 * seed, seed / 12)
    )
    table = stored(rows, tmp_path)
    made = profile_of(table.to_table())
    proposed = suggest(made if engine == "pandas" else compute_profile(made.of.key, table))
    declared = yaml.safe_load(to_checks(proposed))["checks"]
    assert declared == [one.entry for one in proposed]
    expectations = parse_expectations(declared)
    verdicts = judge_natively(expectations, table)
    failed = [
        (item, verdict)
        for item, verdict in zip(expectations, verdicts, strict=True)
        if verdict is None or not verdict.passed
    ]
    assert not failed


def test_what_is_proposed_is_what_the_data_are_like(tmp_path):
    proposed = suggest(profile_of(stored(plausible(random.Random(1), 200), tmp_path).to_table()))
    told = {(one.kind, one.arguments.get("column")): one.arguments for one in proposed}
    assert told["expect_table_row_count_to_be_between", None] == {"min_value": 100}
    assert told["expect_column_values_to_not_be_null", "price"] == {"column": "price"}
    assert told["expect_column_values_to_be_unique", "1.0"] == {"column": "1.0"}
    assert told["expect_column_values_to_be_in_set", "a: b #"]["value_set"] == [
        "AA",
        "no",
        "null",
        "é",
    ]
    assert told["expect_column_values_to_be_between", "price"] == {
        "column": "price",
        "min_value": 0,
        "max_value": 1_000_000,
        "severity": "warn",
    }


def test_nothing_is_proposed_of_no_rows_and_not_too_much_of_many_columns():
    nothing = pa.table({name: pa.array([], kind) for name, (kind, _) in VALUES.items()})
    assert suggest(profile_of(nothing)) == []
    wide = pa.table({f"c{place}": [1] for place in range(3000)})
    assert len(suggest(profile_of(wide))) < 500
