import pyarrow as pa
import pytest

from assets.checks.expectations import parse_expectations
from assets.checks.judging import evaluate
from assets.checks.names import check_names
from resources.kernel.errors import ConfigError
from resources.kernel.records import BatchStream
from resources.stores.tables import TableStore


@pytest.fixture
def table(tmp_path):
    rows = pa.table({"b": [1, 2, 2], "a": ["x", None, "z"], "z": [1.5, 2.5, None]})
    store = TableStore.open(str(tmp_path))
    with store.writer(("datasets", "orders"), run_id="run") as writer:
        writer.write(BatchStream(rows.schema, iter(rows.to_batches())))
        writer.publish({})
    return store.read(("datasets", "orders"))


PASSING = [
    {"expect_column_values_to_not_be_null": {"column": "b"}},
    {"expect_column_values_to_not_be_null": {"column": "a", "mostly": 0.6}},
    {"expect_table_row_count_to_equal": {"value": 3}},
    {"expect_table_columns_to_match_ordered_list": {"column_list": ["b", "a", "z"]}},
    {"expect_column_to_exist": {"column": "z", "column_index": 2}},
]
FAILING = [
    {"expect_column_values_to_be_unique": {"column": "b"}},
    {"expect_column_values_to_not_be_null": {"column": "a"}},
    {"expect_table_columns_to_match_set": {"column_set": ["a", "b"], "exact_match": True}},
    {"expect_table_columns_to_match_ordered_list": {"column_list": ["a", "b"]}},
    {"expect_column_to_exist": {"column": "nope"}},
]


def test_each_expectation_sees_the_table_as_it_is(table):
    verdicts = evaluate(parse_expectations([*PASSING, *FAILING]), table)
    assert [(verdict.passed, verdict.error) for verdict in verdicts] == [
        *[(True, "")] * len(PASSING),
        *[(False, "")] * len(FAILING),
    ]


def test_an_expectation_that_raises_is_an_error_of_the_check_not_bad_data(table):
    (verdict,) = evaluate(
        parse_expectations(
            [{"expect_column_values_to_match_regex": {"column": "a", "regex": "["}}]
        ),
        table,
    )
    assert not verdict.passed
    assert verdict.error.startswith("the expectation could not be evaluated")


def test_a_class_of_ones_own_with_a_wrong_argument_fails_its_own_check_and_no_other(table):
    own = "great_expectations.expectations.core.ExpectColumnValuesToNotBeNull"
    wrong, base, right = evaluate(
        parse_expectations(
            [
                {own: {"column": "b", "nonsense": 1}},
                {
                    "great_expectations.expectations.expectation.ColumnMapExpectation": {
                        "column": "b"
                    }
                },
                {own: {"column": "b"}},
            ]
        ),
        table,
    )
    assert [wrong.passed, base.passed, right.passed] == [False, False, True]
    assert "nonsense" in wrong.error
    assert "is no expectation that could be evaluated" in base.error


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ({"expect_no_such_thing": {"column": "a"}}, "unknown expectation .expect_no_such_thing."),
        (
            {"expect_column_values_to_be_between": {"column": "b", "minimum": 1}},
            "takes no .minimum.",
        ),
    ],
    ids=["expectation", "argument"],
)
def test_a_wrong_check_says_what_is_wrong(table, check, message):
    with pytest.raises(ConfigError, match=message):
        evaluate(parse_expectations([check]), table)


def test_a_column_that_is_gone_fails_its_own_check_and_no_other(table):
    gone, there = evaluate(
        parse_expectations(
            [{"expect_column_values_to_not_be_null": {"column": c}} for c in ("nope", "b")]
        ),
        table,
    )
    assert (gone.passed, there.passed) == (False, True)
    assert gone.error == "there is no column 'nope' any more; columns: b, a, z"


def test_three_thousand_checks_have_one_name_each_at_once():
    check = {"expect_column_values_to_not_be_null": {"column": "b"}}
    names = check_names(parse_expectations([check] * 3000))
    assert len(set(names)) == 3000
    assert names[-1] == "expect_column_values_to_not_be_null_b_3000"


def test_checks_have_one_name_each():
    checks = parse_expectations([FAILING[0], FAILING[0], FAILING[2]])
    assert check_names(checks) == [
        "expect_column_values_to_be_unique_b",
        "expect_column_values_to_be_unique_b_2",
        "expect_table_columns_to_match_set_a_b",
    ]
