"""What `checks:` may say, compared with the library itself: names, needs, and kinds of values."""

import json
import math
import warnings

import pytest
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.registry import get_expectation_impl

from assets.checks.argument_kinds import NUMBER
from assets.checks.expectation_arguments import ARGUMENTS, FOR_ALL, wrong_arguments
from assets.checks.expectations import parse_expectations
from resources.kernel.errors import ConfigError

INNER = {"rendered_content", "library_metadata", "severity"}
"""Fields that are no arguments: what the library writes itself, and `severity`, which is ours."""
EXAMPLES = {
    "a list of values": [1, 2],
    "a list of one or more values": [1, 2],
    "a list of one or more texts": ["a%"],
    "a list of two or more columns": ["a", "b"],
    "a list of pairs of values": [[1, 2]],
    "names with values": {"quantiles": [0.5], "value_ranges": [[0, 1]]},
    "a text": "a",
    "the name of a column": "a",
    NUMBER.words: 1,
    "a whole number": 1,
    "true or false": True,
}
VALUES = [
    None, True, False, 0, 1, 2, -1, 0.5, math.inf, "", "x", "5", "0.5", "true", "2024-01-01", "2024-1-1",
    "2024-02-30", "2024-01-01T10:00:00", "2024-01-01 10:00", "9am", ["a"], [1], ["a", "b"], [None], [],
    [["a", "b"]], [["a", "b", "c"]], "any", "iqr", "neither", "never", "pandas", "BASIC",
]  # fmt: skip
DATES = ["2024-01-01", "2024-1-1", "2024-01-01T10:00:00", "2024-01-01 10:00"]
NONSENSE = {
    "expect_table_row_count_to_be_between": [*DATES, "0.5", math.inf],
    "expect_table_column_count_to_be_between": DATES,
}
"""Counts that the library takes, since a date fits too, and then can compare with no number."""
EMPTY = ["", [], [["a", "b"]]]
"""The library makes a mapping of these wherever it takes `{"$PARAMETER": ...}`, which nobody can give a value for."""


def needed(kind: str) -> dict:
    given = {n: EXAMPLES[k.words] for n, k in ARGUMENTS[kind].items() if k.is_needed}
    return given | ({"max_value": 9} if "max_value" in ARGUMENTS[kind] else {})


def library_takes(kind: str, given: dict) -> bool:
    try:
        with warnings.catch_warnings():  # of the library about `row_condition`
            warnings.simplefilter("ignore")
            ExpectationConfiguration(type=kind, kwargs=given).to_domain_obj()
    except Exception:  # noqa: BLE001 - the library raises whatever its validation meets
        return False
    return True


@pytest.mark.parametrize("kind", sorted(ARGUMENTS))
def test_names_and_needs_are_those_of_the_library(kind):
    fields = get_expectation_impl(kind).__fields__
    assert set(fields) - INNER == {*ARGUMENTS[kind], *FOR_ALL}
    assert {n for n, field in fields.items() if field.required} == {
        n for n, k in ARGUMENTS[kind].items() if k.is_needed
    }
    for given in ({}, needed(kind), {**needed(kind), "min": 1}):
        assert library_takes(kind, given) == (not list(wrong_arguments(kind, given))), given


@pytest.mark.parametrize("kind", sorted(ARGUMENTS))
def test_kinds_of_values_are_those_of_the_library(kind):
    differing = []
    for name in ARGUMENTS[kind]:
        for value in (v for v in VALUES if v not in NONSENSE.get(kind, [])):
            given = {**needed(kind), name: value}
            ours, theirs = not list(wrong_arguments(kind, given)), library_takes(kind, given)
            if ours != theirs and not (theirs and value in EMPTY):
                differing.append((name, value, "we take it" if ours else "the library takes it"))
    assert differing == []


@pytest.mark.parametrize(
    ("check", "texts"),
    [
        ({"expect_column_values_to_be_between": {"column": "a", "min": 1}},
         ["expect_column_values_to_be_between takes no 'min'. Did you mean 'min_value'? It takes column, min_value, max_value"]),
        ({"expect_column_values_to_be_between": {"colunm": "a", "max_value": 1}},
         ["takes no 'colunm'. Did you mean 'column'?"]),
        ({"expect_column_values_to_be_between": {"column": "a"}}, ["needs 'min_value' or 'max_value', or both"]),
        ({"expect_column_values_to_be_in_set": {"column": "a", "set": ["x"]}}, ["takes no 'set'. Did you mean 'value_set'?"]),
        ({"expect_column_values_to_be_in_set": {"column": "a"}}, ["lacks 'value_set': a list of values"]),
        ({"expect_column_values_to_be_in_set": {"column": "a", "value_set": "x"}}, ["value_set has to be a list of values"]),
        ({"expect_column_values_to_not_be_null": {}}, ["lacks 'column': the name of a column"]),
        ({"expect_column_values_to_not_be_null": {"column": ["a"], "mostly": 90}},
         ["column has to be the name of a column", "mostly has to be a number from 0 to 1"]),
        ({"expect_column_values_to_match_regex": {"column": "a", "pattern": "x"}}, ["takes no 'pattern'. It takes column, regex, mostly"]),
        ({"expect_column_value_lengths_to_equal": {"column": "a", "length": 3}}, ["takes no 'length'", "lacks 'value': a number"]),
        ({"expect_column_values_to_be_between": {"column": "a", "max_value": 10**400}},
         ["max_value has to be a number (at most 1.8e+308) or a date"]),
        ({"expect_column_values_to_not_be_null": {"column": "a", "mostly": 10**400}}, ["mostly has to be a number from 0 to 1"]),
        ({"expect_compound_columns_to_be_unique": {"columns": ["a", "b"]}}, ["takes no 'columns'. Did you mean 'column_list'?"]),
        ({"expect_column_values_to_not_be_null": {1: 2, "column": "a", "ünï": None, "x" * 9: []}},
         ["takes no 1.", "takes no 'ünï'.", "takes no 'xxxxxxxxx'."]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_what_was_probably_meant(check, texts):
    with pytest.raises(ConfigError) as caught:
        parse_expectations([{"expect_column_to_exist": {"column": "b"}}, check])
    found = [caught.value, *caught.value.facts["also"]]
    assert [text in str(error) for text, error in zip(texts, found, strict=True)] == [True] * len(
        texts
    ), [str(error) for error in found]
    assert all(error.facts["path"][0] == 1 for error in found)


def test_every_wrong_check_of_a_dataset_is_told():
    wrong = [{"expect_column_to_exst": {"column": "a"}}, {"expect_column_to_exist": {}}, {"a": 1}]
    with pytest.raises(ConfigError) as caught:
        parse_expectations(wrong)
    paths = [error.facts["path"] for error in (caught.value, *caught.value.facts["also"])]
    assert paths == [(0,), (1, "expect_column_to_exist"), (2,)]


def test_what_is_right_and_unusual_is_taken():
    checks = [
        {"expect_column_values_to_be_between": {
            "column": "a", "min_value": "2024-01-01", "row_condition": 'col("b") > 1',
            "condition_parser": "great_expectations", "meta": {"owner": "shop"}, "severity": "warn"}},
        {"expect_column_max_to_be_between": {"column": "a b", "max_value": None}},
    ]  # fmt: skip
    assert len(parse_expectations(json.loads(json.dumps(checks)))) == len(checks)


@pytest.mark.parametrize("severity", ["warning", None, ["warn"]])
def test_an_unknown_severity_is_told_as_such_beside_other_mistakes(severity):
    entry = {"expect_column_values_to_be_between": {"column": "a", "min": 1, "severity": severity}}
    with pytest.raises(ConfigError, match="has the severity") as raised:
        parse_expectations([entry])
    assert raised.value.facts["path"] == (0, "expect_column_values_to_be_between", "severity")
    assert any("min_value" in f"{also} {also.hint}" for also in raised.value.facts["also"])
