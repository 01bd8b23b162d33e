"""The guard's rules as the environment gives them; secrets among them are taken out of it."""

from __future__ import annotations

import os

from orchestration.server.address import read_public_address
from orchestration.server.guard.rules import UPLOAD_LIMIT_BYTES, GuardRules
from orchestration.server.password import kept_secret
from orchestration.server.settings import (
    PASSWORD_VARIABLE,
    PROBE_VARIABLE,
    PUBLIC_URL_VARIABLE,
    READ_ONLY_VARIABLE,
    UPLOAD_LIMIT_VARIABLE,
)
from resources.home import waybill_home
from resources.kernel.errors import ConfigError

KEY_FILE = "session-key"
"""In the home folder: signs sessions and forms, so that they outlive a restart. Removing it ends all sessions."""


def read_rules(port: int) -> GuardRules:
    """The rules of the server that answers at `port`.

    Raises:
        ConfigError: a variable, or the key in the home folder, cannot be used.
    """
    return GuardRules(
        port,
        os.environ.pop(PASSWORD_VARIABLE, ""),
        public=read_public_address(os.environ.get(PUBLIC_URL_VARIABLE, "")),
        key=kept_secret(waybill_home() / KEY_FILE).encode(),
        probe=os.environ.pop(PROBE_VARIABLE, ""),
        is_read_only=is_read_only(),
        upload_limit_bytes=_upload_limit(),
    )


def is_read_only() -> bool:
    """Whether everybody only looks.

    Raises:
        ConfigError: the variable is neither 0 nor 1.
    """
    return is_on(READ_ONLY_VARIABLE)


def is_on(variable: str) -> bool:
    """Whether a switch is on.

    Raises:
        ConfigError: it is neither 0 nor 1: a switch that is not understood must not be taken for off.
    """
    given = os.environ.get(variable, "")
    if given not in ("", "0", "1"):
        raise ConfigError(f"{variable} is {given!r}", hint="Set it to 1 or 0")
    return given == "1"


def _upload_limit() -> int:
    given = os.environ.get(UPLOAD_LIMIT_VARIABLE, "")
    if not given:
        return UPLOAD_LIMIT_BYTES
    if not given.isascii() or not given.isdigit() or not 0 < int(given) <= 10**15:
        raise ConfigError(
            f"{UPLOAD_LIMIT_VARIABLE} is {given!r}", hint="Write a number of bytes: 20000000000"
        )
    return int(given)
