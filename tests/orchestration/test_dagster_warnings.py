"""What Dagster says of itself is left out; what a user's code says is not."""

import warnings

import dagster as dg
import pytest

from orchestration.dagster_warnings import leave_out_dagsters_own, without_dagster_warnings

INSIDE = "dagster._core.definitions.repository_definition.repository_data"


def say(module, registry):
    warnings.warn_explicit(
        "unfinished", dg.BetaWarning, "a.py", 1, module=module, registry=registry
    )


@pytest.mark.parametrize(("module", "told"), [(INSIDE, 0), ("shop.defs.sensors", 1)])
def test_where_a_warning_comes_from_decides(module, told):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        leave_out_dagsters_own()
        say(module, {})
    assert len(found) == told


def test_while_a_project_is_loaded_none_is_told_and_then_they_are_again():
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with without_dagster_warnings():
            say("shop.defs.sensors", {})
        assert found == []
        say("shop.defs.sensors", {})
    assert len(found) == 1
