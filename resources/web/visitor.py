"""Who we say we are to sites, and how long we wait between two requests at least: settings of the operator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from resources.kernel.errors import ConfigError
from resources.web.client import USER_AGENT

CONTACT_VARIABLE = "WAYBILL_WEB_CONTACT"
PAUSE_VARIABLE = "WAYBILL_WEB_DELAY"
_CONTACT_LIMIT = 200
_PAUSE_LIMIT = 3_600.0


@dataclass(frozen=True)
class Visitor:
    """How sites see us."""

    contact: str = ""
    """A page or an e-mail address where their owners find who reads them."""
    pause: float = 1.0
    """Seconds between two requests to one site at least."""

    @property
    def user_agent(self) -> str:
        """What we call ourselves."""
        return f"{USER_AGENT} (+{self.contact})" if self.contact else USER_AGENT


def visitor_of(environment: Mapping[str, str]) -> Visitor:
    """What an operator has set.

    Raises:
        ConfigError: a value that cannot be.
    """
    contact = environment.get(CONTACT_VARIABLE, "").strip()
    if len(contact) > _CONTACT_LIMIT or any(not "!" <= c <= "~" or c in "()" for c in contact):
        raise ConfigError(
            f"{CONTACT_VARIABLE} is no address of a page or of a mailbox",
            hint="Set it to one like https://example.org/robot or data@example.org",
        )
    return Visitor(contact, _pause_of(environment.get(PAUSE_VARIABLE, "").strip()))


def _pause_of(given: str) -> float:
    if not given:
        return Visitor.pause
    try:
        pause = float(given)
    except ValueError:
        pause = math.nan
    if not 0 <= pause <= _PAUSE_LIMIT:
        raise ConfigError(
            f"{PAUSE_VARIABLE} is {given[:40]!r}",
            hint=f"Set it to seconds between 0 and {_PAUSE_LIMIT:,.0f}, for instance 0.5",
        )
    return pause
