"""Settings of the server: each wrong one is told before anything is started, each right one reaches the guard."""

import pytest

from orchestration.server.guard.settings import read_rules
from orchestration.server.switches import check_switches
from resources.kernel.errors import ConfigError


@pytest.mark.parametrize(
    "variable",
    [
        "WAYBILL_READ_ONLY",
        "WAYBILL_METRICS",
        "WAYBILL_PUBLIC_URL",
        "WAYBILL_UPLOAD_LIMIT",
        "WAYBILL_UPLOADS_AT_ONCE",
        "WAYBILL_REQUESTS_A_SECOND",
        "WAYBILL_SESSION_HOURS",
        "WAYBILL_SESSION_IDLE_HOURS",
    ],
)
def test_a_value_that_makes_no_sense_is_told_with_its_variable(monkeypatch, variable):
    check_switches()
    monkeypatch.setenv(variable, "many")
    with pytest.raises(ConfigError, match=variable):
        check_switches()


def test_limits_reach_the_guard(monkeypatch, tmp_path):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path))
    monkeypatch.setenv("WAYBILL_UPLOADS_AT_ONCE", "3")
    monkeypatch.setenv("WAYBILL_REQUESTS_A_SECOND", "2.5")
    rules = read_rules(3000)
    assert (rules.uploads_at_once, rules.requests_a_second) == (3, 2.5)
