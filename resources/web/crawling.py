"""Which pages a task takes of those that are listed or linked: near enough, of the same site, wanted, each once, not too many.

Pure: it neither fetches nor reads. Whatever a site links to, what is kept here is bounded by the number of pages that are taken.
"""

from __future__ import annotations

import fnmatch
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import urljoin, urlsplit

from resources.web.pages import normal_url

_LONGEST_LINK = 2_048
_SAME_SEGMENTS = 3
"""How often a path may repeat a part of it: more is a link that leads into itself."""
_PARTS = frozenset((  # of a page, not pages
    ".avi", ".bmp", ".css", ".eot", ".gif", ".gz", ".ico", ".jpeg", ".jpg", ".js", ".map", ".mjs", ".mov", ".mp3", ".mp4", ".mpg",
    ".ogg", ".png", ".svg", ".tar", ".tgz", ".tif", ".tiff", ".ttf", ".wasm", ".wav", ".webm", ".webp", ".woff", ".woff2", ".xml",
    ".rss", ".atom", ".zip", ".exe", ".dmg", ".iso", ".7z", ".rar", ".apk", ".msi", ".bz2", ".xz", ".m4a", ".m4v", ".flac",
))  # fmt: skip


@dataclass(frozen=True)
class CrawlRules:
    """Which pages are taken."""

    depth: int = 0
    """Links from an address that was named."""
    same_site: bool = True
    """Whether only pages of the hosts that were named are taken, with or without `www.`, and of hosts below them."""
    include: tuple[str, ...] = ()
    """Globs: those that fit one of them alone; all when empty. Those that were named are taken anyhow."""
    exclude: tuple[str, ...] = ()
    """Globs: those that fit one of them are left out."""
    pages: int = 100_000
    """How many at most."""


class Frontier:
    """The pages of a task, as they become known; for many threads at once.

    Args:
        rules: which are taken.
        known: addresses that were taken before, by an earlier run of the same task.
    """

    def __init__(self, rules: CrawlRules, known: Iterable[str] = ()) -> None:
        self._rules = rules
        self._sites: set[str] = set()
        self._seen: set[str] = set(known)
        self._taken = len(self._seen)
        self._named: dict[str, str] = {}
        """Other addresses of pages that were taken -> the address by which they were."""
        self._lock = threading.Lock()

    def add_site(self, url: str) -> None:
        """Pages of the host of an address are of the same site from now on."""
        site = _site_of(urlsplit(url).hostname or "")
        with self._lock:
            self._sites |= {site} if site else set()

    def take(self, url: str) -> bool:
        """Takes an address, unless it was taken, or enough were."""
        with self._lock:
            if url in self._seen or self._taken >= self._rules.pages:
                return False
            self._seen.add(url)
            self._taken += 1
            return True

    def other_name(self, url: str, wants: str) -> str:
        """The page that an address is another one of; empty when it is the only one so far, which is remembered.

        Args:
            url: which was taken.
            wants: the address that its page wants to be known by, or was sent on to.
        """
        if wants == url or self.reason_against(wants):
            return ""
        with self._lock:
            if wants in self._seen:
                return wants if self._named.get(wants, wants) != url else ""
            if len(self._named) < self._rules.pages:
                self._named[wants] = url
                self._seen.add(wants)
            return ""

    @property
    def limit(self) -> int:
        """How many pages are taken at most."""
        return self._rules.pages

    @property
    def is_full(self) -> bool:
        """Whether no more is taken."""
        return self._taken >= self._rules.pages

    def linked(self, url: str, depth: int, links: Iterable[str]) -> Iterator[str]:
        """The addresses that become pages of the task, of those that a page links to.

        Args:
            url: where the page came from, which its links start at.
            depth: links that were followed to get there.
            links: as they stand in the page.
        """
        if depth >= self._rules.depth:
            return
        for link in links:
            if self.is_full:
                return
            found = _followed(url, link)
            if found and not self.reason_against(found) and self.take(found):
                yield found

    def reason_against(self, url: str) -> str:
        """Why an address is not taken, whatever has been taken so far; empty when nothing speaks against it."""
        parts = urlsplit(url)
        if self._rules.same_site and not self._is_of_site(parts.hostname or ""):
            return "it is of another site"
        if fitting := _fits(url, self._rules.exclude):
            return f"--exclude {fitting} leaves it out"
        if self._rules.include and not _fits(url, self._rules.include):
            return f"no --include fits it ({' '.join(self._rules.include)})"
        if not self._rules.include and PurePosixPath(parts.path).suffix.lower() in _PARTS:
            return "it is part of pages, not a page"
        return ""

    def _is_of_site(self, host: str) -> bool:
        with self._lock:
            return any(host == site or host.endswith(f".{site}") for site in self._sites)


def _site_of(host: str) -> str:
    return host.lower().removeprefix("www.")


def _fits(url: str, globs: Sequence[str]) -> str:
    """The first glob that fits an address, or its path and query."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return next(
        (glob for glob in globs if _pattern(glob).match(path if glob.startswith("/") else url)), ""
    )


@lru_cache(maxsize=1_000)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(glob))


def _followed(url: str, link: str) -> str:
    """Where a link leads, when it can be a page; else nothing."""
    if len(link) > _LONGEST_LINK:
        return ""
    try:
        found = normal_url(urljoin(url, link.strip()))
    except ValueError:  # also what may not be asked for
        return ""
    segments = Counter(part for part in urlsplit(found).path.split("/") if part)
    return "" if max(segments.values(), default=0) > _SAME_SEGMENTS else found
