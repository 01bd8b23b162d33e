"""Names that `checks:` may use: the library's, and classes of one's own."""

import subprocess
import sys

import pyarrow as pa
import pytest
from great_expectations.expectations.registry import list_registered_expectation_implementations

from assets.checks.expectation_names import KNOWN, wrong_name
from assets.checks.expectations import parse_expectations
from assets.checks.judging import evaluate
from resources.kernel.errors import ConfigError
from tests.assets.checks.test_native import stored


def test_the_names_are_those_of_the_library():
    found = list_registered_expectation_implementations()
    assert {name for name in found if name.startswith("expect_")} == KNOWN


OWN = """
from great_expectations.expectations import ExpectColumnValuesToBeBetween

class ExpectSmallNumbers(ExpectColumnValuesToBeBetween):
    min_value: float = 0
    max_value: float = 9

class NoExpectation:
    pass
"""


@pytest.fixture
def own_package(tmp_path, monkeypatch):
    package = tmp_path / "own_checks"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "numbers.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "own_checks.numbers"
    sys.modules.pop("own_checks.numbers", None)
    sys.modules.pop("own_checks", None)


def test_a_class_of_ones_own_is_found_without_running_it_and_judges(own_package, tmp_path):
    table = stored(pa.table({"a": [1, 2], "b": [1, 20]}), tmp_path / "store")
    name = f"{own_package}.ExpectSmallNumbers"
    checks = parse_expectations([{name: {"column": "a"}}, {name: {"column": "b"}}])
    assert own_package not in sys.modules
    verdicts = evaluate(checks, table)
    assert [(verdict.passed, verdict.error) for verdict in verdicts] == [(True, ""), (False, "")]
    assert {verdict.judged_by for verdict in verdicts} == {"Great Expectations"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_checks.numbers.ExpectSmalNumbers", "Did you mean 'ExpectSmallNumbers'"),
        ("own_checks.nowhere.ExpectSmallNumbers", "no module 'own_checks.nowhere'"),
        ("no_such_package.ExpectSmallNumbers", "no module 'no_such_package'"),
    ],
)
def test_a_wrong_path_is_told_at_load(own_package, name, message):
    with pytest.raises(ConfigError, match=message):
        parse_expectations([{name: {"column": "a"}}])
    assert own_package not in sys.modules


def test_a_class_that_is_no_expectation_fails_its_check_with_the_reason(own_package, tmp_path):
    table = stored(pa.table({"a": [1]}), tmp_path / "store")
    checks = parse_expectations([{f"{own_package}.NoExpectation": {"column": "a"}}])
    (verdict,) = evaluate(checks, table)
    assert not verdict.passed
    assert "is no expectation" in verdict.error


def test_a_path_without_a_module_is_wrong():
    assert wrong_name(".ExpectPrimes") is not None


COMMON = """
import sys, tempfile
import pyarrow as pa
from assets.checks.judging import evaluate
from assets.checks.expectations import parse_expectations
from tests.assets.checks.test_native import stored
checks = parse_expectations([
    {"expect_column_values_to_not_be_null": {"column": "a"}},
    {"expect_column_values_to_be_between": {"column": "a", "min_value": 1, "max_value": 12}},
    {"expect_table_row_count_to_equal": {"value": 2}},
])
with tempfile.TemporaryDirectory() as folder:
    assert all(verdict.passed for verdict in evaluate(checks, stored(pa.table({"a": [1, 2]}), folder)))
assert "great_expectations" not in sys.modules
"""


def test_common_checks_do_not_import_the_library():
    subprocess.run([sys.executable, "-c", COMMON], check=True)
