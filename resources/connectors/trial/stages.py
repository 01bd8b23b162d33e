"""What a connection goes through, noted as it happens: the steps that a connection test shows (F036)."""

from __future__ import annotations

from collections.abc import Iterable

from resources.kernel.records import CheckReport, CheckStep, TellStep


class Stages:
    """The steps of one attempt to connect; the one that is under way when an error comes is the one that failed.

    Args:
        tell: hears of each step as it ends.
    """

    def __init__(self, tell: TellStep | None = None) -> None:
        self.steps: list[CheckStep] = []
        self._tell = tell
        self._current = "connection"

    def enter(self, name: str) -> None:
        """The stage `name` begins."""
        self._current = name

    def done(self, detail: str) -> None:
        """The stage under way ended well."""
        self.note(CheckStep(self._current, True, detail))

    def walk(self, steps: Iterable[CheckStep]) -> bool:
        """Takes steps that are made elsewhere; whether they lead on."""
        for step in steps:
            self.note(step)
        return self.steps[-1].ok

    def stopped(self, reason: str, facts: dict[str, str]) -> CheckReport:
        """The report of an attempt that ended with the last of the steps noted."""
        return CheckReport(ok=False, detail=reason, facts=facts, steps=tuple(self.steps))

    def refused(self, reason: str, facts: dict[str, str]) -> CheckReport:
        """The report of an attempt that ended in the stage under way."""
        self.note(CheckStep(self._current, False, reason))
        return self.stopped(reason, facts)

    def answered(self, detail: str, facts: dict[str, str]) -> CheckReport:
        """The report of an attempt that went well."""
        return CheckReport(ok=True, detail=detail, facts=facts, steps=tuple(self.steps))

    def note(self, step: CheckStep) -> None:
        """Takes a step that was made elsewhere."""
        self.steps.append(step)
        if self._tell is not None:
            self._tell(step)
