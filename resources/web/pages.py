"""One page after another, as a polite visitor reads them: allowed by robots.txt, in turn, again where it may help.

Here: fetching a page into a file, and what its answer says of it. Not here: what is in the page (a confined parser reads it),
which pages there are (`sitemaps.py`, `crawling.py`).
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

from resources.kernel.errors import ConnectorError, WaybillError
from resources.kernel.retries import RetryPolicy
from resources.web.addresses import WebAddress, check_url, shown_url
from resources.web.client import WebAnswer, WebClient, WebLimits
from resources.web.failures import MAY_PASS, retry_after_of, rule_of
from resources.web.head import HEAD_BYTES, Head, look_at_head
from resources.web.page_names import HTML, charset_of, file_name_of, media_type_of
from resources.web.robots import RobotsFiles
from resources.web.turns import Turns

ATTEMPTS = RetryPolicy(3, pause_seconds=0.5, growth=4.0, jitter=0.2)
LONGEST_WAIT = 120.0
"""Seconds that a server may ask us to wait before the same try goes on."""
LONGEST_PAUSE = 600.0
"""Seconds between two requests: a site that asks for more does not want to be read by a program."""
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,500}"')
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_NEVER_ESCAPED = frozenset(string.ascii_letters + string.digits + "-._~")
_BUSY = ("rate_limited", "server_error")
_ACCEPT = "text/html, application/xhtml+xml, */*;q=0.8"

_Got = TypeVar("_Got")


@dataclass(frozen=True)
class WebPage:
    """What an address gave: a page, or a document."""

    url: str
    """Where it came from, after redirects."""
    name: str
    """A file name whose ending fits its type."""
    size: int
    sha256: str
    media_type: str
    """`text/html` for every page; empty when the server does not say."""
    charset: str
    """As announced by the server; empty when it is not."""
    fingerprint: str
    """What tells the server which state of it is known; empty when it gives nothing of the kind."""
    head: Head
    """Of a page: what it says to robots, and the address that it wants to be known by."""

    @property
    def is_html(self) -> bool:
        """Whether it is a page, not a document."""
        return self.media_type == HTML


class PageReader:
    """Fetches pages; for many threads at once, which wait for their turn at each site.

    Args:
        client: asks for them; its limits are those of a page.
        turns: at each site.
        pause: seconds between two requests to one site, where it does not ask for more itself.
        attempts: how often a page is asked for.
    """

    def __init__(
        self,
        client: WebClient,
        turns: Turns,
        *,
        pause: float,
        attempts: RetryPolicy = ATTEMPTS,
    ) -> None:
        self._client = client
        self._turns = turns
        self._pause = pause
        self._attempts = attempts
        self._robots = RobotsFiles(client, self._turn_for_rules, attempts)

    def _turn_for_rules(self, host: str) -> None:
        """Of robots.txt: it keeps a site busy no longer than it takes, so that the page comes right behind it."""
        self._turns.wait(host, 0.0)

    def fetch(self, url: str, path: Path, known: str = "") -> WebPage | None:
        """Writes what is behind an address into a file; None: it is as it was.

        Args:
            url: the address.
            path: the file, which is made or overwritten.
            known: the fingerprint of what was fetched before.

        Raises:
            WaybillError: with its rule in `facts`; with `retry_after` where the server said when to come back.
        """
        headers = {"Accept": _ACCEPT, **_conditions(known)}
        expected = (304,) if _conditions(known) else ()

        def ask(before: Callable[[WebAddress], None]) -> WebPage | None:
            with self._client.get(url, headers, before=before, expected=expected) as answer:
                return None if answer.status == 304 else _kept(answer, path)

        return self._tried(ask, self._enter)

    def download(self, url: str, path: Path, limits: WebLimits) -> str:
        """Writes a file that is meant for robots, such as a sitemap, packed or not, into a file; where it came from.

        Raises:
            WaybillError: as `fetch` does.
        """

        def ask(before: Callable[[WebAddress], None]) -> str:
            with (
                self._client.get(url, limits=limits, before=before, as_sent=True) as answer,
                path.open("wb") as file,
            ):
                file.writelines(answer.chunks())
                return answer.url

        return self._tried(ask, self._take_turn)

    def _tried(
        self,
        ask: Callable[[Callable[[WebAddress], None]], _Got],
        enter: Callable[[WebAddress], None],
    ) -> _Got:
        """What an address gives, asked again where that may help; a site that is busy is left alone by all threads."""
        asked: list[str] = []

        def before(address: WebAddress) -> None:
            asked.append(address.host)
            enter(address)

        def hold(error: Exception, seconds: float) -> None:
            if isinstance(error, WaybillError) and rule_of(error) in _BUSY:
                self._turns.hold(asked[-1], max(retry_after_of(error) or 0.0, seconds))

        return self._attempts.run(lambda: ask(before), may_pass=_may_pass, before_pause=hold)

    def _take_turn(self, address: WebAddress) -> None:
        self._turns.wait(address.host, max(self._pause, self._robots.pause(address.host)))

    def _enter(self, address: WebAddress) -> None:
        """Waits for a turn at a site that allows an address.

        Raises:
            WaybillError: it does not.
        """
        self._robots.check(address)
        pause = self._robots.pause(address.host)
        if pause > LONGEST_PAUSE:
            raise ConnectorError(
                f"{shown_url(address.url)}: robots.txt of {address.host} asks for {pause:,.0f} seconds between two requests",
                hint=f"A site that asks for more than {LONGEST_PAUSE:,.0f} is left alone",
                rule="refused_by_robots",
                line=f"Crawl-delay: {pause:,.0f}",
            )
        self._take_turn(address)


def _may_pass(error: Exception) -> bool:
    if not isinstance(error, WaybillError) or rule_of(error) not in MAY_PASS:
        return False
    return (retry_after_of(error) or 0.0) <= LONGEST_WAIT


def _kept(answer: WebAnswer, path: Path) -> WebPage:
    digest, size, start = hashlib.sha256(), 0, bytearray()
    with path.open("wb") as file:
        for chunk in answer.chunks():
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            start += chunk[: max(HEAD_BYTES - len(start), 0)]
    header = answer.headers.get("content-type", "")
    media_type, charset = media_type_of(header, bytes(start)), charset_of(header)
    tags = answer.every("X-Robots-Tag")
    head = look_at_head(
        bytes(start) if media_type == HTML else b"", answer.url, charset=charset, tags=tags
    )
    name = file_name_of(answer.url, media_type, answer.headers.get("content-disposition", ""))
    return WebPage(
        answer.url, name, size, digest.hexdigest(), media_type, charset, _fingerprint(answer.headers), head,
    )  # fmt: skip


def _fingerprint(headers: Mapping[str, str]) -> str:
    """The validator of an answer, as a header of the next request."""
    etag = headers.get("etag", "").strip()
    if _ETAG.fullmatch(etag):
        return f"If-None-Match: {etag}"
    modified = headers.get("last-modified", "").strip()
    return f"If-Modified-Since: {modified}" if _is_date(modified) else ""


def _conditions(fingerprint: str) -> dict[str, str]:
    """What asks for a page only if it is not as it was."""
    name, _, value = fingerprint.partition(": ")
    fits = {"If-None-Match": bool(_ETAG.fullmatch(value)), "If-Modified-Since": _is_date(value)}
    return {name: value} if fits.get(name) else {}


def _is_date(text: str) -> bool:
    try:
        parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return False
    return text.isascii() and text.isprintable() and len(text) < 60


def normal_url(url: str) -> str:
    """An address as its page is known by: host in small letters, no default port, no fragment, escapes in one way.

    Nothing else is taken for the same: queries differ, and so do `/a` and `/a/`.

    Raises:
        InputError: it may not be asked for.
    """
    return _ESCAPE.sub(_unescaped, check_url(url).url)


def _unescaped(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _NEVER_ESCAPED else found[0].upper()
