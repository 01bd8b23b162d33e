"""Errors as Dagster failures: every kind, its text, its facts, whether a retry helps, nothing of its cause."""

from __future__ import annotations

import traceback

import dagster as dg
import pytest

from assets import boundary as nouns
from resources.failures import boundary, to_failure
from resources.kernel.errors import MESSAGE_LIMIT, WaybillError


def kinds(base: type[WaybillError]) -> list[type[WaybillError]]:
    return [base, *(kind for child in base.__subclasses__() for kind in kinds(child))]


EVERY = [kind for kind in kinds(WaybillError) if kind.__module__ == "resources.kernel.errors"]


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_becomes_a_failure(kind):
    error = kind.rebuild("x.csv: line 3 is odd", "Correct it", {"file": "x.csv", "table": None})
    error.__cause__ = ValueError("password=hunter2")
    with pytest.raises(dg.Failure) as caught, boundary():
        raise error
    failure = caught.value
    assert failure.description == "x.csv: line 3 is odd. Correct it"
    assert failure.allow_retries is kind.retryable
    assert {name: value.value for name, value in failure.metadata.items()} == {
        "error": kind.__name__,
        "who must act": kind.audience.value,
        "retry helps": kind.retryable,
        "what to do": "Correct it",
        "file": "x.csv",
    }
    assert failure.__cause__ is None
    assert "hunter2" not in "".join(traceback.format_exception(failure))


def test_long_texts_are_cut():
    failure = to_failure(WaybillError("m" * 900, value="v" * 900))
    assert failure.description is not None
    assert len(failure.description) == MESSAGE_LIMIT
    assert len(str(failure.metadata["value"].value)) == 500
    assert "what to do" not in failure.metadata


def test_other_exceptions_pass_unchanged():
    with pytest.raises(ZeroDivisionError), boundary():
        raise ZeroDivisionError


def test_the_nouns_use_the_same_translation():
    assert (nouns.boundary, nouns.to_failure) == (boundary, to_failure)
