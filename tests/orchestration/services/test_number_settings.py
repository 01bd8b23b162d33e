"""Numbers of the environment."""

import pytest

from orchestration.services.number_settings import NumberSetting
from resources.kernel.errors import ConfigError

HOURS = NumberSetting("WAYBILL_TEST_HOURS", 12, 0.5, 100, "hours")


@pytest.mark.parametrize(("given", "number"), [("", 12), (" ", 12), ("0.5", 0.5), (" 100 ", 100)])
def test_what_is_set_counts_else_the_default(monkeypatch, given, number):
    monkeypatch.setenv(HOURS.variable, given)
    assert HOURS.read() == number


@pytest.mark.parametrize("given", ["0", "-1", "101", "inf", "nan", "7d", "1,5", "x" * 1000])
def test_what_makes_no_sense_is_refused_with_the_range(monkeypatch, given):
    monkeypatch.setenv(HOURS.variable, given)
    with pytest.raises(ConfigError, match=r"no number of hours from 0\.5 to 100"):
        HOURS.read()
