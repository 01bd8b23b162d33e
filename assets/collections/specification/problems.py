"""What is wrong with a specification, gathered: all errors of items, or the one of the file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NoReturn

from assets.collections.specification.counts import SpecificationCounts
from assets.collections.specification.sections import MOST_ITEMS, MOST_URLS
from resources.collections.rules import FILE_RULES, FileRule, ItemRule, Problem

MOST_PROBLEMS = 10_000
"""Problems that are listed; more are counted."""


class FileProblemError(Exception):
    """The file cannot be read further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def refuse_file(at: str, rule: FileRule, message: str, hint: str = "") -> NoReturn:
    """Ends the reading.

    Raises:
        FileProblemError: always.
    """
    raise FileProblemError(Problem(at, rule, message, hint))


@dataclass
class ProblemList:
    """Problems in the order of the file. One of the file as a whole stands alone, whatever else was found."""

    most: int = field(default_factory=lambda: MOST_PROBLEMS)
    """How many are listed."""
    listed: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    of_file: Problem | None = None

    @property
    def is_refused(self) -> bool:
        """The file as a whole breaks a rule: its items need not be looked at any more."""
        return self.of_file is not None

    def add(self, at: str, rule: ItemRule, message: str, hint: str = "") -> None:
        """One problem of an item."""
        self.add_problem(Problem(at, rule, message, hint))

    def add_problem(self, problem: Problem) -> None:
        """As `add`."""
        self.counts[problem.rule] += 1
        if len(self.listed) < self.most:
            self.listed.append(problem)

    def take_listed(self) -> list[Problem]:
        """Those that are listed, which are forgotten then; all are still counted."""
        taken, self.listed = self.listed, []
        return taken

    def check_limits(self, counts: SpecificationCounts, at: str = "") -> None:
        """Refuses a file with too many items or URLs."""
        if counts.item_count > MOST_ITEMS:
            message = f"the specification has more than {MOST_ITEMS:,} items"
            self.refuse(at, "too_many_items", message, "Split it into several files")
        if counts.url_count > MOST_URLS:
            message = f"the specification has more than {MOST_URLS:,} URLs"
            self.refuse(at, "too_many_urls", message, "Split it into several files")

    def wants(self, rule: FileRule) -> bool:
        """Whether this rule would be told; making up a hint for each of a million keys takes minutes."""
        before = self.of_file
        return before is None or FILE_RULES.index(rule) < FILE_RULES.index(before.rule)

    def refuse(self, at: str, rule: FileRule, message: str, hint: str = "") -> None:
        """A problem of the file: of several, the rule that stands first in `FILE_RULES` is told."""
        self.refuse_with(Problem(at, rule, message, hint))

    def refuse_with(self, problem: Problem) -> None:
        """As `refuse`."""
        if problem.rule in FILE_RULES and self.wants(problem.rule):  # type: ignore[arg-type]
            self.of_file = problem

    def told(self) -> tuple[Problem, ...]:
        """What the user is told."""
        return (self.of_file,) if self.of_file else tuple(self.listed)

    def count_by_rule(self) -> dict[str, int]:
        """Exact numbers."""
        return {self.of_file.rule: 1} if self.of_file else dict(self.counts)


def pointer(*names: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(name).replace("~", "~0").replace("/", "~1") for name in names)
