"""Modification times for files that a test puts on a server: each one later than the last, some fifty minutes ago."""

from __future__ import annotations

import time

_AGO = 3_000
_last = 0


def next_stamp() -> int:
    """Seconds since 1970; counted from now, however long the tests have been running."""
    global _last  # noqa: PLW0603 - one clock for a server's files
    _last = max(_last + 1, int(time.time()) - _AGO)
    return _last
