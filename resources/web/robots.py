"""What a site's robots.txt allows us, as RFC 9309 has it; fetched behind the same guard as its pages, once a run.

A site without one allows all (4xx). One whose server fails refuses all, until it can be read. A site that cannot be reached
at all is not reached for its pages either: that error is told as it is.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from protego import Protego

from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorError,
    NotFoundError,
    WaybillError,
)
from resources.kernel.foreign_text import one_line
from resources.kernel.retries import RetryPolicy
from resources.web.addresses import WebAddress, shown_url
from resources.web.client import AGENT, WebClient, WebLimits
from resources.web.failures import MAY_PASS, rule_of

SIZE_LIMIT = 500 * 1024
"""Bytes of it that are read; what is behind them counts for nothing."""
_LIMITS = WebLimits(bytes=1 << 40, seconds=15)
"""Of the time only: reading ends at `SIZE_LIMIT`."""
_FAILED_SECONDS = 60.0
"""A site that could not say what it allows is asked again after that."""
_SHOWN = 120
_ONCE = RetryPolicy(1)


@dataclass(frozen=True)
class _Answer:
    """What a site said, or why it did not."""

    rules: Protego | None
    lines: tuple[str, ...]
    error: WaybillError | None
    at: float

    def holds(self) -> bool:
        """Whether it need not be asked again."""
        return self.error is None or time.monotonic() - self.at < _FAILED_SECONDS


class RobotsFiles:
    """The robots.txt of each site that is asked; for many threads at once.

    Args:
        client: fetches them.
        turn: waits until a host may be asked.
        attempts: how often one is asked for: what it says, or that it does not, counts for many pages.
    """

    def __init__(
        self,
        client: WebClient,
        turn: Callable[[str], None],
        attempts: RetryPolicy = _ONCE,
    ) -> None:
        self._client = client
        self._turn = turn
        self._attempts = attempts
        self._answers: dict[str, _Answer] = {}
        self._asking: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def check(self, address: WebAddress) -> None:
        """Whether an address may be asked.

        Raises:
            ConnectorError: robots.txt refuses it; the message has the line that does.
            WaybillError: it cannot be read, nor could the address.
        """
        answer = self._answer(address.host)
        if answer.error is not None:
            raise _unreadable(address, answer.error) from answer.error
        if answer.rules is None or answer.rules.can_fetch(address.url, AGENT):
            return
        line = _line_that_refuses(answer.lines, address.url)
        raise ConnectorError(
            f"{shown_url(address.url)}: robots.txt of {address.host} refuses it ({line})",
            hint="Ask the site's owner, or leave the address out",
            rule="refused_by_robots",
            line=line,
        )

    def pause(self, host: str) -> float:
        """Seconds between two requests that a site asks for; 0 when it does not, or was not asked yet."""
        answer = self._answers.get(host)
        if answer is None or answer.rules is None:
            return 0.0
        rate = answer.rules.request_rate(AGENT)
        return max(
            answer.rules.crawl_delay(AGENT) or 0.0, rate.seconds / rate.requests if rate else 0.0
        )

    def _answer(self, host: str) -> _Answer:
        with self._lock:
            asking = self._asking.setdefault(host, threading.Lock())
        with asking:
            answer = self._answers.get(host)
            if answer is None or not answer.holds():
                answer = self._asked(host)
                self._answers[host] = answer
            return answer

    def _asked(self, host: str) -> _Answer:
        shown = f"[{host}]" if ":" in host else host
        now = time.monotonic()
        try:
            url = f"https://{shown}/robots.txt"
            text = self._attempts.run(lambda: self._text(url), may_pass=_may_pass)
        except (NotFoundError, ConnectorAuthError):
            return _Answer(None, (), None, now)
        except WaybillError as error:
            status = error.facts.get("status")
            if isinstance(status, int) and 400 <= status < 500 and status != 429:
                return _Answer(None, (), None, now)
            return _Answer(None, (), error, now)
        return _Answer(Protego.parse(text), tuple(text.splitlines()), None, now)

    def _text(self, url: str) -> str:
        def turn(address: WebAddress) -> None:
            self._turn(address.host)

        with self._client.get(url, limits=_LIMITS, before=turn) as answer:
            return _first(answer.chunks(), SIZE_LIMIT).decode("utf-8-sig", "replace")


def _may_pass(error: Exception) -> bool:
    return isinstance(error, WaybillError) and rule_of(error) in MAY_PASS


def _first(chunks: Iterator[bytes], limit: int) -> bytes:
    read = bytearray()
    for chunk in chunks:
        read += chunk
        if len(read) > limit:
            del read[limit:]
            del read[read.rfind(b"\n") + 1 :]  # half a line may say the opposite
            break
    return bytes(read)


def _unreadable(address: WebAddress, error: WaybillError) -> WaybillError:
    """Of an address whose robots.txt could not be read."""
    if rule_of(error) not in ("server_error", "rate_limited", "unexpected_answer", "encoded"):
        return type(error).rebuild(error.message, error.hint, error.facts)
    return ConnectorError(
        f"{shown_url(address.url)}: its site may refuse it, for robots.txt cannot be read ({error.message})",
        hint="Try again later: until robots.txt can be read nothing of the site is (RFC 9309)",
        rule="refused_by_robots",
    )


_LINE = re.compile(r"\s*(user-?agent|allow|disallow)\s*:?\s*([^\s#][^#]*)", re.IGNORECASE)


def _line_that_refuses(lines: tuple[str, ...], url: str) -> str:
    """The line whose rule is the longest of those that fit, with its number; of equal ones the first.

    Each rule is tried alone, by the same library that has refused.
    """
    best, longest = "by a rule of it", 0
    for number, rule in _refusals(lines):
        if len(rule) <= longest:
            continue
        if not Protego.parse(f"User-agent: *\nDisallow: {rule}").can_fetch(url, AGENT):
            best, longest = f"line {number}: {one_line(lines[number - 1], _SHOWN)}", len(rule)
    return best


def _refusals(lines: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Number and rule of the lines that refuse something in the groups that are meant for us."""
    found: dict[str, list[tuple[int, str]]] = {}
    agents: list[str] = []
    is_open = False
    for number, line in enumerate(lines, start=1):
        if (parts := _LINE.match(line)) is None:
            continue
        word, value = parts[1].lower(), parts[2].strip()
        if word.startswith("user"):
            agents = [*agents, value.lower()] if is_open else [value.lower()]
            for agent in agents:
                found.setdefault(agent, [])
        elif word == "disallow":
            for agent in agents:
                found[agent].append((number, value))
        is_open = word.startswith("user")
    return iter(found.get(AGENT.lower(), found.get("*", [])))
