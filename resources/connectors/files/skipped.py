"""Entries that a listing leaves out."""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)

_NAMED_SKIPS = 5


class Skipped:
    """Entries that a listing left out, for one line in the log however many there are."""

    def __init__(self) -> None:
        self._count = 0
        self._named: list[str] = []

    def add(self, key: str, reason: str) -> None:
        """Notes one entry."""
        self._count += 1
        if len(self._named) < _NAMED_SKIPS:
            self._named.append(f"{key[:200]!a} ({reason})")

    def report(self, connector: str, what: str) -> None:
        """One warning, if there is anything to tell."""
        if self._count:
            _log.warning(
                "connector %r: %d entries left out of %r, such as %s",
                connector,
                self._count,
                what,
                ", ".join(self._named),
            )
