"""Whatever is judged without Great Expectations has its very verdict and report; the rest is left to it."""

import json
import random
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from assets.datasets.expectations import Expectation
from assets.datasets.library import judge_by_library
from assets.datasets.native import judge_natively
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
COLUMN = {"column": list(VALUES)}
MOSTLY = {"mostly": [0, 0.0, 0.5, 1 / 3, 2 / 3, 0.9, 1, 1.0, True, "0.5", 1.5]}
OPTIONAL = {*BOUNDS, *MOSTLY, "exact_match", "column_index"}
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
    store = TableStore.open(str(folder))
    with store.writer(("datasets", "rows"), run_id="run") as writer:
        writer.write(BatchStream(rows.schema, iter(rows.to_batches())))
        writer.publish({})
    return store.read(("datasets", "rows"))


def shown(verdict) -> tuple:
    """As text: 1, 1.0 and true are equal, but shown differently."""
    return verdict.passed, json.dumps(verdict.result), verdict.error


@pytest.mark.filterwarnings(
    "ignore:This pattern is interpreted:UserWarning"
)  # an error to the library
@pytest.mark.parametrize(
    ("rows", "gaps"), [(0, 0), (1, 0), (3, 0.3), (30, 0), (30, 0.5), (60, 0.9), (4, 1)]
)
def test_a_verdict_is_that_of_the_library(tmp_path, rows, gaps):
    chance = random.Random(f"{rows} {gaps}")
    table = stored(random_table(chance, rows, gaps), tmp_path)
    asked = [random_expectation(chance, kind) for kind in ARGUMENTS for _ in range(25)]
    found = judge_natively(asked, table)
    mine = [position for position, verdict in enumerate(found) if verdict is not None]
    assert len({asked[position].kind for position in mine}) > len(ARGUMENTS) * 0.8
    theirs = judge_by_library([asked[position] for position in mine], table)
    differing = [
        (asked[position], shown(found[position]), shown(their))
        for position, their in zip(mine, theirs, strict=True)
        if shown(found[position]) != shown(their)
    ]
    assert not differing
