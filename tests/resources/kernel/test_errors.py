import pickle

import pytest

from resources.kernel import errors
from resources.kernel.errors import (
    MESSAGE_LIMIT,
    ConnectorUnavailableError,
    MissingDependencyError,
    ParseError,
    UnknownNameError,
    WaybillError,
)


def all_kinds(kind: type[WaybillError] = WaybillError) -> list[type[WaybillError]]:
    return [kind, *(deeper for sub in kind.__subclasses__() for deeper in all_kinds(sub))]


@pytest.mark.parametrize(
    "error",
    [
        ParseError("a quote is not closed", file="x.csv", line=3, column="note", hint="Close it"),
        UnknownNameError("dataset", "flihgts", ["flights"], where="defs.yaml:4"),
        MissingDependencyError("psycopg", extra="postgres", purpose="PostgreSQL"),
        ConnectorUnavailableError("cut off after 3 of 9 bytes", hint="Try again"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_pickling_with_its_facts(error):
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.facts) == (type(error), str(error), error.facts)


def test_every_error_is_drawn_in_the_modules_tree_with_its_retry_mark():
    for kind in all_kinds():
        if kind.__module__ != errors.__name__:
            continue  # a room's own, loaded by another test
        line = next(
            line for line in errors.__doc__.splitlines() if kind.__name__ in line.split("(")[0]
        )
        assert ("*" in line.split(kind.__name__)[1]) == kind.retryable, kind


def test_a_parse_error_names_file_line_and_column():
    error = ParseError("not a number: 'x'", file="sales.csv", line=7, column="price")
    assert str(error) == "sales.csv, line 7, column 'price': not a number: 'x'"


def test_an_error_text_stays_short_enough_to_read():
    assert len(str(WaybillError("x" * 2000, hint="y" * 2000))) == MESSAGE_LIMIT


def test_an_unknown_name_lists_the_known_ones():
    error = UnknownNameError("connector", "crmm", ["warehouse", "crm"], where="defs.yaml:4")
    assert str(error) == (
        "defs.yaml:4: unknown connector 'crmm'. Known: crm, warehouse. Did you mean 'crm'?"
    )
