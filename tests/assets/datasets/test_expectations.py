"""The list of expectations is the library's."""

from great_expectations.expectations.registry import list_registered_expectation_implementations

from assets.datasets.expectations import KNOWN


def test_the_names_are_those_of_the_library():
    found = list_registered_expectation_implementations()
    assert {name for name in found if name.startswith("expect_")} == KNOWN
