"""Trying again: how often, after which pauses, and when a step that gets further earns new tries.

Here: the one loop that tries again, for all code that talks to another system. Not here: which errors may pass, which only
the caller knows, and what the last of them means in our words: it is raised as it came.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class RetryPolicy:
    """Tries of one step.

    A `RetryPolicy(3, pause_seconds=0.5, growth=4)` tries at once, 0.5 s later, and 2 s after that.
    """

    attempts: int
    """All tries, the first one included, which is always made."""
    pause_seconds: float = 0.0
    """Before the second try."""
    growth: float = 2.0
    """How many times longer each further pause is than the one before."""
    jitter: float = 0.0
    """By which part a pause may be shorter or longer, so that many who failed at once do not come back at once."""
    renewed_by: int = 1
    """A step that got this much further since it last failed has all its tries again, with short pauses."""

    def run(
        self,
        step: Callable[[], _Result],
        *,
        may_pass: Callable[[Exception], bool],
        before_pause: Callable[[Exception, float], None] | None = None,
        progress: Callable[[], int] | None = None,
    ) -> _Result:
        """What `step` returns in the first try that goes well.

        Args:
            step: what to do. It undoes what a failed try left, or goes on from there.
            may_pass: whether the same step may go well later.
            before_pause: is told each error that is tried again, and the seconds until then.
            progress: how far the step has got in all its tries, in bytes or the like; without it none earns new tries.

        Raises:
            Exception: the error of the last try, as `step` raised it.
        """
        left, pause, reached = self.attempts, self.pause_seconds, 0
        while True:
            try:
                return step()
            except Exception as error:
                now = progress() if progress else 0
                if now - reached >= self.renewed_by:
                    left, pause, reached = self.attempts, self.pause_seconds, now
                left -= 1
                if left <= 0 or not may_pass(error):
                    raise
                seconds = pause * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 - pauses are no secrets
                if before_pause:
                    before_pause(error, seconds)
            time.sleep(
                seconds
            )  # outside of `except`: the next error has nothing to do with this one
            pause *= self.growth
