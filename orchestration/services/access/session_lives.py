"""How long sessions last. Reads the environment and nothing else: the command that starts the server asks, too."""

from __future__ import annotations

from datetime import timedelta

from orchestration.services.number_settings import NumberSetting

_HOURS = NumberSetting("WAYBILL_SESSION_HOURS", 7 * 24, 0.01, 10_000, "hours")
_IDLE_HOURS = NumberSetting("WAYBILL_SESSION_IDLE_HOURS", 12, 0.01, 10_000, "hours")


def session_life() -> timedelta:
    """How long a session can last at all: `WAYBILL_SESSION_HOURS`, else seven days.

    Raises:
        ConfigError: the variable holds no such number.
    """
    return timedelta(hours=_HOURS.read())


def session_idle_life() -> timedelta:
    """How long it lasts when nobody uses it: `WAYBILL_SESSION_IDLE_HOURS`, else twelve hours.

    Raises:
        ConfigError: the variable holds no such number.
    """
    return timedelta(hours=_IDLE_HOURS.read())
