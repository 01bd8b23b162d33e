"""Faults for tests: a body run in a forked child, killed with SIGKILL at each step it takes, or made to fail there.

A step is a call of one of the given functions, counted before and after it. Forking from a warm parent costs some
50 ms a case where a fresh interpreter costs seconds.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

Target = tuple[Any, str]
"""An object and the name of one of its functions: `(os, "link")`."""


@dataclass(frozen=True)
class Outcome:
    """How a child ended."""

    status: int
    """Exit code; negative for a signal."""
    answer: Any = None
    """What the body returned, through JSON."""

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.status == -signal.SIGKILL


class Child:
    """A forked process that runs `body` and sends what it returns."""

    def __init__(self, body: Callable[[], Any]) -> None:
        self._read, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._read)
            _run(body, write)
        os.close(write)

    def kill(self) -> None:
        """Ends it as the kernel's out-of-memory killer would."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Outcome:
        """Waits for the end."""
        try:
            with os.fdopen(self._read, "rb") as pipe:
                sent = pipe.read()
        except BaseException:  # the test's time is up
            self.kill()
            raise
        _, status = os.waitpid(self.pid, 0)
        return Outcome(os.waitstatus_to_exitcode(status), json.loads(sent) if sent else None)


def run_forked(body: Callable[[], Any]) -> Outcome:
    """Runs `body` in a child and waits."""
    return Child(body).wait()


def count_steps(body: Callable[[], Any], targets: list[Target]) -> list[str]:
    """The steps of a whole run, by name, in order."""

    def traced() -> list[str]:
        steps: list[str] = []
        with _watched(targets, steps.append):
            body()
        return steps

    outcome = run_forked(traced)
    assert outcome.status == 0, "the body fails without any fault"
    return list(outcome.answer)


def kill_at(body: Callable[[], Any], targets: list[Target], step: int) -> Outcome:
    """Runs `body` in a child that is killed at its `step`-th step."""

    def killed() -> None:
        with _watched(targets, _Countdown(step, lambda: os.kill(os.getpid(), signal.SIGKILL))):
            body()

    return run_forked(killed)


@contextmanager
def failing_at(targets: list[Target], step: int, error: Exception) -> Iterator[None]:
    """Raises `error` at the `step`-th step, in this process."""

    def fail() -> None:
        raise error

    with _watched(targets, _Countdown(step, fail)):
        yield


class _Countdown:
    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self._left = step
        self._act = act
        self._lock = threading.Lock()

    def __call__(self, name: str) -> None:
        with self._lock:
            self._left -= 1
            due = self._left < 0
        if due:
            self._act()


@contextmanager
def _watched(targets: list[Target], report: Callable[[str], None]) -> Iterator[None]:
    originals = [(owner, name, inspect.getattr_static(owner, name)) for owner, name in targets]
    for owner, name in targets:
        setattr(owner, name, _wrap(getattr(owner, name), name, report))
    try:
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)


def _wrap(function: Callable[..., Any], name: str, report: Callable[[str], None]) -> Any:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def watched_async(*args: Any, **kwargs: Any) -> Any:
            report(f"before {name}")
            answer = await function(*args, **kwargs)
            report(f"after {name}")
            return answer

        return watched_async

    @functools.wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        report(f"before {name}")
        answer = function(*args, **kwargs)
        report(f"after {name}")
        return answer

    return watched


def _run(body: Callable[[], Any], write: int) -> None:
    """The child: never returns, runs no exit handler of the parent."""
    status = 1
    try:
        # A child that hangs ends by itself: a lock that another thread held when it was forked is held for good.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(200)
        answer = body()
        with os.fdopen(write, "wb") as pipe:
            pipe.write(json.dumps(answer).encode())
        status = 0
    except BaseException:  # noqa: BLE001 - whatever happens, the child must not return into the test runner
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def wait_until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Polls until `condition` holds; fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
