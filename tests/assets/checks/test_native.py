"""Whatever is judged without Great Expectations has its very verdict and report; the rest is left to it."""

import json
import random
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from assets.checks.expectations import Expectation
from assets.checks.library import judge_by_library
from assets.checks.native import NATIVE, judge_natively
from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore

INF, NAN = float("inf"), float("nan")
TEXTS = ["", "a", "A", "ab\n", "é", "e\u0301", "😀b", "1", "nan", "None", "<NA>", " a", "\x00", "ß"]
VALUES = {
    "byte": (pa.int8(), [-128, -1, 0, 1, 2, 127]),
    "short": (pa.uint16(), [0, 1, 2, 3]),
    "long": (pa.int64(), [-1, 0, 1, 2]),
    "huge": (pa.int64(), [0, 1, 2**53, 2**53 + 1, -(2**63), 2**63 - 1]),
    "unsigned": (pa.uint64(), [0, 1, 2**53 + 1, 2**64 - 1]),
    "number": (pa.float64(), [0.0, -0.0, 0.1, 1.0, 2.0, -1.5, 1e300]),
    "strange": (pa.float64(), [NAN, INF, -INF, 0.5, 1.0]),
    "half": (pa.float32(), [0.1, 1.0, NAN]),
    "text": (pa.string(), TEXTS),
    "other text": (
        pa.large_string(),
        ["2020-01-02", "Jan 5 2020", "{}", '{"a": 1}', "a", "b", "1"],
    ),
    "flag": (pa.bool_(), [True, False]),
    "moment": (pa.timestamp("us", "UTC"), [datetime(2020, 1, 1, tzinfo=UTC)]),
    "day": (pa.date32(), [date(2020, 1, 1)]),
    "price": (pa.decimal128(5, 2), [Decimal("1.50"), Decimal(2)]),
    "items": (pa.list_(pa.int64()), [[], [1]]),
    "nothing": (pa.null(), [None]),
}
BOUND = [-1, 0, 1, 2, 3, 300, 0.5, 1.0, None, NAN, INF, 2**53, 2**53 + 1, True, "1"]
FLAG = [True, False, True, False, None, 1]
BOUNDS = {"min_value": BOUND, "max_value": BOUND, "strict_min": FLAG, "strict_max": FLAG}
MEMBERS = [-1, 0, 1, 2, 0.5, 1.0, NAN, *TEXTS, True, None, 2**53 + 1]
SETS = [
    [],
    [1, 2],
    [1.0],
    [True],
    ["a"],
    ["a", 1],
    TEXTS[:9],
    [0, 0.1],
    MEMBERS,
    [None],
    [2**64 - 1],
]
REGEX = [
    "a",
    "^a$",
    "(a|b)",
    "[",
    "(?i)a",
    "a(?=b)",
    r"(.)\1",
    r"\w",
    r"\d",
    "^$",
    "",
    r"\p{L}",
    ".",
]
PATTERNS = [["a"], ["a", "^b"], [r"(?=.)", "1"], [], ["[", "a"]]
FORMATS = ["%Y-%m-%d", "%d", "%d %d", "", "%Q", "a"]
SOME = [0, 0.5, 1, 2, -1, 3.5, 1e9, NAN, True, "1"]
TWO = ["long", "huge", "short", "number", "strange", "text", "other text", "flag", "day", "nope"]
LISTS = [["text", "other text"], ["text", "text"], ["long", "flag"], ["long", "short"], ["text"]]
LISTS += [["number", "strange"], ["long", "number"], ["huge", "unsigned"], ["text", "long", "flag"]]
LISTS += [["day", "text"], ["nope", "text"]]
COLUMN = {"column": list(VALUES)}
MOSTLY = {"mostly": [0, 0.0, 0.5, 1 / 3, 2 / 3, 0.9, 1, 1.0, True, "0.5", 1.5]}
OPTIONAL = {
    *BOUNDS,
    *MOSTLY,
    "exact_match",
    "column_index",
    "match_on",
    "strictly",
    "or_equal",
    "ignore_row_if",
}
PAIR = {
    "column_A": TWO,
    "column_B": TWO,
    "ignore_row_if": ["both_values_are_missing", "either_value_is_missing", "neither", "never"],
}
ROWS = {
    "column_list": LISTS,
    "ignore_row_if": ["all_values_are_missing", "any_value_is_missing", "never", "neither"],
}
NAMES = [list(VALUES), list(VALUES)[::-1], ["text"], [], [*VALUES, "other"], list(VALUES)[1:]]
ARGUMENTS = {
    "expect_column_values_to_not_be_null": COLUMN | MOSTLY,
    "expect_column_values_to_be_null": COLUMN | MOSTLY,
    "expect_column_values_to_be_unique": COLUMN | MOSTLY,
    "expect_column_values_to_be_between": COLUMN | MOSTLY | BOUNDS,
    "expect_column_values_to_be_in_set": COLUMN | MOSTLY | {"value_set": SETS},
    "expect_column_values_to_not_be_in_set": COLUMN | MOSTLY | {"value_set": SETS},
    "expect_column_values_to_match_regex": COLUMN | MOSTLY | {"regex": REGEX},
    "expect_column_values_to_not_match_regex": COLUMN | MOSTLY | {"regex": REGEX},
    "expect_column_value_lengths_to_equal": COLUMN | MOSTLY | {"value": BOUND},
    "expect_column_value_lengths_to_be_between": COLUMN | MOSTLY | BOUNDS,
    "expect_column_max_to_be_between": COLUMN | BOUNDS,
    "expect_column_min_to_be_between": COLUMN | BOUNDS,
    "expect_column_mean_to_be_between": COLUMN | BOUNDS,
    "expect_column_sum_to_be_between": COLUMN | BOUNDS,
    "expect_column_stdev_to_be_between": COLUMN | BOUNDS,
    "expect_column_median_to_be_between": COLUMN | BOUNDS,
    "expect_column_unique_value_count_to_be_between": COLUMN | BOUNDS,
    "expect_column_proportion_of_unique_values_to_be_between": COLUMN | BOUNDS,
    "expect_column_proportion_of_non_null_values_to_be_between": COLUMN | BOUNDS,
    "expect_column_distinct_values_to_be_in_set": COLUMN | {"value_set": SETS},
    "expect_column_distinct_values_to_contain_set": COLUMN | {"value_set": SETS},
    "expect_column_distinct_values_to_equal_set": COLUMN | {"value_set": SETS},
    "expect_column_values_to_match_regex_list": COLUMN
    | MOSTLY
    | {"regex_list": PATTERNS, "match_on": ["any", "all", "some"]},
    "expect_column_values_to_not_match_regex_list": COLUMN | MOSTLY | {"regex_list": PATTERNS},
    "expect_column_values_to_be_json_parseable": COLUMN | MOSTLY,
    "expect_column_values_to_be_dateutil_parseable": COLUMN | MOSTLY,
    "expect_column_values_to_match_strftime_format": COLUMN | MOSTLY | {"strftime_format": FORMATS},
    "expect_column_values_to_be_increasing": COLUMN | MOSTLY | {"strictly": FLAG},
    "expect_column_values_to_be_decreasing": COLUMN | MOSTLY | {"strictly": FLAG},
    "expect_column_value_z_scores_to_be_less_than": COLUMN
    | MOSTLY
    | {"threshold": SOME, "double_sided": FLAG},
    "expect_column_pair_values_to_be_equal": PAIR | MOSTLY,
    "expect_column_pair_values_a_to_be_greater_than_b": PAIR | MOSTLY | {"or_equal": FLAG},
    "expect_multicolumn_sum_to_equal": ROWS | MOSTLY | {"sum_total": SOME},
    "expect_multicolumn_values_to_be_equal": ROWS | MOSTLY,
    "expect_compound_columns_to_be_unique": ROWS | MOSTLY,
    "expect_table_row_count_to_equal": {"value": BOUND},
    "expect_table_row_count_to_be_between": BOUNDS,
    "expect_table_column_count_to_equal": {"value": [*BOUND, len(VALUES)]},
    "expect_table_column_count_to_be_between": BOUNDS,
    "expect_table_columns_to_match_ordered_list": {"column_list": NAMES},
    "expect_table_columns_to_match_set": {"column_set": NAMES, "exact_match": FLAG},
    "expect_column_to_exist": {
        "column": [*VALUES, "other"],
        "column_index": [None, 0, 1, -1, 99, -99],
    },
}


def random_table(chance: random.Random, rows: int, gaps: float) -> pa.Table:
    columns = {
        name: pa.array(
            [None if chance.random() < gaps else chance.choice(values) for _ in range(rows)], kind
        )
        for name, (kind, values) in VALUES.items()
    }
    return pa.table(columns)


def random_expectation(chance: random.Random, kind: str) -> Expectation:
    given = {
        name: chance.choice(values)
        for name, values in ARGUMENTS[kind].items()
        if name not in OPTIONAL or chance.random() < 0.5
    }
    return Expectation(kind, given)


def stored(rows: pa.Table, folder):
    """In three files: what is judged meets several batches."""
    store = TableStore.open(str(folder))
    size = max(-(-rows.num_rows // 3), 1)
    with store.writer(("datasets", "rows"), run_id="run") as writer:
        for start in range(0, max(rows.num_rows, 1), size):
            writer.begin_partition(f"{start:03d}")
            part = rows.slice(start, size)
            writer.write(BatchStream(part.schema, iter(part.to_batches())))
        writer.publish({})
    return store.read(("datasets", "rows"))


def shown(verdict) -> tuple:
    """As text: 1, 1.0 and true are equal, but shown differently. What lacks of a set the library tells in any order."""
    result = dict(verdict.result)
    if "partial_missing_list" in result:
        result["partial_missing_list"] = sorted(result["partial_missing_list"], key=str)
    return verdict.passed, json.dumps(result), verdict.error


@pytest.mark.filterwarnings(  # errors to the library
    "ignore:This pattern is interpreted:UserWarning", "ignore::RuntimeWarning"
)
@pytest.mark.parametrize(
    ("rows", "gaps"), [(0, 0), (1, 0), (3, 0.3), (30, 0), (30, 0.5), (60, 0.9), (4, 1)]
)
def test_a_verdict_is_that_of_the_library(tmp_path, rows, gaps):
    chance = random.Random(f"{rows} {gaps}")
    table = stored(random_table(chance, rows, gaps), tmp_path)
    asked = [random_expectation(chance, kind) for kind in ARGUMENTS for _ in range(40)]
    judged = [pair for pair in zip(asked, judge_natively(asked, table), strict=True) if pair[1]]
    some = [pair for kind in ARGUMENTS for pair in of_kind(judged, kind)[:3]]
    assert len({item.kind for item, _ in some}) >= len(ARGUMENTS) * (
        1 if (rows, gaps) == (30, 0) else 0.85
    )
    theirs = judge_by_library([item for item, _ in some], table)
    differing = [
        (item, shown(mine), shown(their))
        for (item, mine), their in zip(some, theirs, strict=True)
        if shown(mine) != shown(their)
    ]
    assert not differing


def of_kind(judged, kind):
    return [pair for pair in judged if pair[0].kind == kind]


def test_what_is_compared_and_what_is_told_is_what_is_judged():
    assert set(ARGUMENTS) == NATIVE
    told = (Path(__file__).parents[3] / "docs" / "checks.md").read_text("utf-8")
    assert set(re.findall(r"`(expect_\w+)`", told.partition("## What Waybill judges")[2])) == NATIVE
