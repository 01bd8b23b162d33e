"""Settings of the server in its environment, read the same by the command that starts it and by the web UI's process."""

from __future__ import annotations

import os

from orchestration.server.address import read_public_address
from orchestration.server.settings import (
    METRICS_VARIABLE,
    PUBLIC_URL_VARIABLE,
    REQUESTS_A_SECOND,
    UPLOADS_AT_ONCE,
    PublicAddress,
)
from orchestration.services.access.session_lives import session_idle_life, session_life
from orchestration.services.definitions.change import READ_ONLY
from orchestration.services.number_settings import NumberSetting
from orchestration.services.uploads.limits import files_limit, upload_limit
from resources.kernel.errors import ConfigError

FORM_BYTES = 1_000_000
_UPLOADS = NumberSetting("WAYBILL_UPLOADS_AT_ONCE", UPLOADS_AT_ONCE, 1, 1_000, "uploads")
_REQUESTS = NumberSetting("WAYBILL_REQUESTS_A_SECOND", REQUESTS_A_SECOND, 0.1, 100_000, "requests")


def check_switches() -> None:
    """Nothing, where all of them can be used: the command says so before anything is started.

    Raises:
        ConfigError: one cannot.
    """
    public_address()
    is_read_only()
    has_metrics()
    upload_limit_bytes()
    files_limit()
    uploads_at_once()
    requests_a_second()
    session_life()
    session_idle_life()


def public_address() -> PublicAddress | None:
    """Where a reverse proxy offers the server; None where none does.

    Raises:
        ConfigError: it is no https address of a whole host.
    """
    return read_public_address(os.environ.get(PUBLIC_URL_VARIABLE, ""))


def is_read_only() -> bool:
    """Whether everybody only looks.

    Raises:
        ConfigError: the variable is neither 0 nor 1.
    """
    return _is_on(READ_ONLY)


def has_metrics() -> bool:
    """Whether figures for Prometheus are offered.

    Raises:
        ConfigError: the variable is neither 0 nor 1.
    """
    return _is_on(METRICS_VARIABLE)


def upload_limit_bytes() -> int:
    """The largest body of an upload: a file, and what a form has around it.

    Raises:
        ConfigError: the limit is no size.
    """
    return upload_limit() + FORM_BYTES


def uploads_at_once() -> int:
    """How many uploads of one user may be under way side by side: `WAYBILL_UPLOADS_AT_ONCE`, else 16.

    Raises:
        ConfigError: the variable holds no such number.
    """
    return int(_UPLOADS.read())


def requests_a_second() -> float:
    """How many requests of one user the HTTP API takes, on average: `WAYBILL_REQUESTS_A_SECOND`, else 100.

    Raises:
        ConfigError: the variable holds no such number.
    """
    return _REQUESTS.read()


def _is_on(variable: str) -> bool:
    given = os.environ.get(variable, "")
    if given not in ("", "0", "1"):  # what is not understood must not be taken for off
        raise ConfigError(f"{variable} is {given!r}", hint="Set it to 1 or 0")
    return given == "1"
