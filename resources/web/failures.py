"""The rules that one address can break: ids that are kept with what failed, each with what a person does about it.

Every error of `resources/web` that concerns one address has its rule in `facts`, for whoever writes it down.
"""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal, get_args

from resources.kernel.errors import WaybillError

WebRule = Literal[
    "not_https",  # http://, ftp://, file:, no scheme
    "address_refused",  # a user name, another port, no host, an address that is not public
    "redirects",  # sent on too often
    "dns",  # no such name, or no name server
    "tls",  # the certificate or the handshake
    "unreachable",  # no connection
    "timeout",
    "cut_off",
    "wrong_length",  # a Content-Length that cannot be, or several
    "too_large",
    "encoded",  # compressed, unasked
    "not_found",
    "forbidden",
    "rate_limited",
    "server_error",
    "unexpected_answer",  # another status, or no HTTP
    "refused_by_robots",
    "same_page",  # a page that the task has under another address
    "left_out",  # sent on to what the task does not take
]
RULES: tuple[WebRule, ...] = get_args(WebRule)
MAY_PASS: frozenset[WebRule] = frozenset(
    ("dns", "unreachable", "timeout", "cut_off", "rate_limited", "server_error")
)
"""Rules of which the same request may go well a little later."""
_RETRY_AFTER_LIMIT = 7 * 24 * 3_600


def rule_of(error: WaybillError) -> WebRule | None:
    """The rule that an address broke; None when the error is about something else."""
    given = error.facts.get("rule")
    return next((rule for rule in RULES if rule == given), None)


def retry_after_of(error: WaybillError, now: float | None = None) -> float | None:
    """The seconds that a server wants to be left alone for, by its `Retry-After`; None when it did not say.

    Args:
        error: about its answer.
        now: seconds since 1970; the clock's when left out.
    """
    given = str(error.facts.get("retry_after", "")).strip()
    if given.isascii() and given.isdigit():
        return float(min(int(given[:9]), _RETRY_AFTER_LIMIT))
    try:
        at = parsedate_to_datetime(given)
        seconds = at.replace(tzinfo=at.tzinfo or UTC).timestamp()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return min(max(seconds - (time.time() if now is None else now), 0.0), _RETRY_AFTER_LIMIT)
