r"""Regular expressions over text, as pandas has them: by RE2, which always ends, or by Python's engine, which may not.

What Python's engine has to do (look-around, back references, `\d` over other scripts) is done by a process of its own, which is ended when it has
taken longer than the limit: `(a+)+$` over a text of 40 characters would take years.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import warnings
from types import TracebackType
from typing import Any, Self, cast

import pandas as pd
import pyarrow as pa

from resources.kernel.errors import InputError

LIMIT_SECONDS = 120.0
"""How long one regular expression may take over a column."""

_PROGRAM = """
import json, re, sys
for line in sys.stdin:
    pattern, texts = json.loads(line)
    search = re.compile(pattern).search
    print("".join("1" if search(text) else "0" for text in texts), flush=True)
"""


class SlowPatternError(InputError):
    """A regular expression took longer than it may."""


class Patterns:
    """What looks for regular expressions; a context manager. Each expression has its own time.

    Args:
        seconds: how long one may take.
    """

    def __init__(self, seconds: float = LIMIT_SECONDS) -> None:
        self._limit = seconds
        self._left: dict[str, float] = {}
        self._matcher: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def contain(self, series: pd.Series[Any], regex: str) -> pd.Series[Any] | None:
        """Which texts hold a match; None where the library has to say what is wrong with the expression.

        Raises:
            SlowPatternError: it has taken longer than it may.
        """
        try:
            with warnings.catch_warnings():  # of groups in the pattern, which are not asked for
                warnings.simplefilter("ignore", UserWarning)
                re.compile(regex)
                if _may_never_end(series, regex):
                    return self._by_python(series, regex)
                found: pd.Series[Any] = series.str.contains(regex)
        except (re.error, pa.ArrowInvalid, RecursionError):
            return None
        return found

    def _by_python(self, series: pd.Series[Any], regex: str) -> pd.Series[Any]:
        matcher = self._matcher or self._start()
        left = self._left.get(regex, self._limit)
        started = time.monotonic()
        # A timer, not a wait with a timeout: pipes can be waited for on every system.
        timer = threading.Timer(left, matcher.kill)
        timer.start()
        try:
            bits = _ask(matcher, [regex, series.to_list()])
        finally:
            timer.cancel()
        self._left[regex] = max(left - (time.monotonic() - started), 0)
        if len(bits) != len(series):
            self._end()
            raise SlowPatternError(
                f"the regular expression {regex!r} was stopped after {self._limit:,g} seconds; it backtracks too much for these values",
                hint="Say it without nested repetitions, or without look-around and back references",
            )
        return pd.Series([bit == "1" for bit in bits], index=series.index, dtype=bool)

    def _start(self) -> subprocess.Popen[str]:
        self._matcher = subprocess.Popen(  # noqa: S603 - the program stands above
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        return self._matcher

    def _end(self) -> None:
        if self._matcher is not None:
            self._matcher.kill()
            self._matcher.communicate()
            self._matcher = None


def _ask(matcher: subprocess.Popen[str], question: object) -> str:
    """The answer; nothing when the process has been ended."""
    asked, answered = cast("Any", matcher.stdin), cast("Any", matcher.stdout)
    try:
        asked.write(json.dumps(question) + "\n")
        asked.flush()
    except BrokenPipeError:
        return ""
    answer: str = answered.readline()
    return answer.strip()


def _may_never_end(series: pd.Series[Any], regex: str) -> bool:
    """Whether pandas would take Python's engine; not public: `test_patterns.py` holds it to what pandas does."""
    decides = getattr(series.array, "_needs_python_regex", None)
    return decides is None or bool(decides(regex))
