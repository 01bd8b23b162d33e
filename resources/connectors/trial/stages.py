"""What a connection goes through, noted as it happens: the steps that a connection test shows (F036)."""

from __future__ import annotations

from resources.kernel.records import CheckReport, CheckStep


class Stages:
    """The steps of one attempt to connect; the one that is under way when an error comes is the one that failed."""

    def __init__(self) -> None:
        self.steps: list[CheckStep] = []
        self._current = "connection"

    def enter(self, name: str) -> None:
        """The stage `name` begins."""
        self._current = name

    def done(self, detail: str) -> None:
        """The stage under way ended well."""
        self.steps.append(CheckStep(self._current, True, detail))

    def walk(self, steps: list[CheckStep]) -> bool:
        """Takes steps that were made elsewhere; whether they lead on."""
        self.steps += steps
        return steps[-1].ok

    def stopped(self, reason: str, facts: dict[str, str]) -> CheckReport:
        """The report of an attempt that ended with the last of the steps noted."""
        return CheckReport(ok=False, detail=reason, facts=facts, steps=tuple(self.steps))

    def refused(self, reason: str, facts: dict[str, str]) -> CheckReport:
        """The report of an attempt that ended in the stage under way."""
        self.steps.append(CheckStep(self._current, False, reason))
        return self.stopped(reason, facts)

    def answered(self, detail: str, facts: dict[str, str]) -> CheckReport:
        """The report of an attempt that went well."""
        return CheckReport(ok=True, detail=detail, facts=facts, steps=tuple(self.steps))
