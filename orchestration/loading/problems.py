"""What is wrong with a project: a line a problem, each with file and line, the cause before its consequences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from resources.kernel.errors import ConfigError, WaybillError

SHOWN = 50
_PLACE = re.compile(r"^(?P<file>.+?):(?P<line>\d+): (?P<text>.*)$", re.DOTALL)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    file: str
    line: int
    text: str
    hint: str = ""
    is_consequence: bool = False
    """It is left out only because something that it needs has a problem of its own."""
    is_warning: bool = False
    """Nothing is broken, but something is probably not meant like this."""
    error: WaybillError | None = field(default=None, compare=False)
    """What was raised, when it was raised on purpose."""

    @property
    def placed(self) -> str:
        """`file:line: text`."""
        return " ".join(f"{self.file}:{self.line}: {self.text}".split())

    def __str__(self) -> str:
        return f"{self.placed}. {' '.join(self.hint.split())}" if self.hint else self.placed

    @property
    def order(self) -> tuple[bool, bool, str, int, str]:
        """Causes first, then by place."""
        return self.is_warning, self.is_consequence, self.file, self.line, self.text


class ProjectError(ConfigError):
    """Everything that is wrong with a project."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        shown = [str(problem) for problem in problems[:SHOWN]]
        files = len({problem.file for problem in problems})
        more = f"; these are the first {SHOWN}" if len(problems) > SHOWN else ""
        super().__init__(
            "\n".join(shown),
            hint=f"{count(len(problems), 'error')} in {count(files, 'file')}{more}",
            lines=tuple(shown),
        )
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        return ProjectError, (self.problems,)


def count(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def problem_of(error: WaybillError, file: str, line: int, *, is_consequence: bool) -> Problem:
    """A problem from what was raised on purpose, at the place that its text begins with, else at the given one."""
    found = _PLACE.match(error.message)
    if found is not None:
        file, line, text = found["file"], int(found["line"]), found["text"]
    else:
        text = error.message
        error = type(error).rebuild(f"{file}:{line}: {text}", error.hint, error.facts)
    return Problem(file, line, text, error.hint, is_consequence=is_consequence, error=error)


def refuse(problems: Iterable[Problem]) -> None:
    """Ends the load when something is broken.

    Raises:
        ConfigError: one thing is; with its own class where it was raised on purpose.
        ProjectError: several things are.
    """
    broken = [p for p in problems if not p.is_warning]
    causes = [p for p in broken if not p.is_consequence] or broken
    if len(causes) == 1:
        (only,) = causes
        raise only.error or ConfigError(only.placed, hint=only.hint)
    if causes:
        raise ProjectError(causes)


def proposal(wrong: str, known: Iterable[str]) -> str:
    """`Did you mean 'x'? ` where something known is spelt alike; else empty."""
    near = get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}? " if near else ""
