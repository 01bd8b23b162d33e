"""Pages of the web as items of a task: addresses that were named, those of a sitemap, and those that pages lead to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from resources.import_tasks.definition import WebSource
from resources.import_tasks.sources import (
    FetchedFile,
    ItemRefusedError,
    KnownFile,
    SourceItem,
    Unchanged,
)
from resources.kernel.errors import InputError, WaybillError
from resources.web.addresses import shown_url
from resources.web.client import WebClient, WebLimits
from resources.web.crawling import CrawlRules, Frontier
from resources.web.failures import retry_after_of, rule_of
from resources.web.pages import PageReader, WebPage, normal_url
from resources.web.sitemaps import Broken, listed_pages
from resources.web.turns import Turns
from resources.web.visitor import visitor_of

LIMITS = WebLimits(bytes=50_000_000, seconds=120)
"""Of one page or document."""
_NAMED = 3
_NAME_LIMIT = 300
_MOST_PAGES = 100_000


class FetchedPage(FetchedFile, frozen=True):
    """A page, and whether its links may be followed."""

    may_follow: bool = True


class WebItems:
    """See `ItemSource`.

    Args:
        definition: which pages.
        scratch: a folder for the pages at hand.
        limits: of one page or document.
        stopped: once it is set, who waits for a turn at a site, or for an answer, ends with `StoppedError`.
        known: references of the items that the task has already: they are not found again, and count.

    Raises:
        ConfigError: what the operator has set for the web cannot be.
    """

    def __init__(
        self,
        definition: WebSource,
        scratch: Path,
        *,
        limits: WebLimits = LIMITS,
        stopped: Event | None = None,
        known: Iterable[str] = (),
    ) -> None:
        self._definition = definition
        self._scratch = scratch
        self._frontier = Frontier(_rules_of(definition), known)
        for address in [*definition.addresses, definition.sitemap]:
            self._frontier.add_site(_normal(address))
        visitor = visitor_of(os.environ)
        delay = definition.crawl.delay if definition.crawl else 0.0
        client = WebClient(limits, user_agent=visitor.user_agent, stopped=stopped)
        self._pages = PageReader(client, Turns(stopped), pause=max(visitor.pause, delay))

    def list(self) -> Iterator[SourceItem]:
        """The addresses that were named, or those of the sitemap; a crawl begins with them.

        Raises:
            InputError: the sitemap has none that is meant: names three that it has, and why each was left out.
            WaybillError: the sitemap cannot be read.
        """
        if self._definition.sitemap:
            return self._of_sitemap(self._definition.sitemap)
        return self._of_addresses()

    @contextmanager
    def fetch(self, item: SourceItem, known: KnownFile | None) -> Iterator[FetchedFile | Unchanged]:
        """The page, or what else is behind its address; nothing is sent of one that is as it was."""
        if item.handle:  # a sitemap that could not be read
            rule, _, message = item.handle.partition(" ")
            raise ItemRefusedError(rule, message)
        with TemporaryDirectory(dir=self._scratch) as folder:
            path = Path(folder) / "page"
            with _refusals():
                page = self._pages.fetch(item.reference, path, known.fingerprint if known else "")
            if page is None:
                yield Unchanged()
                return
            self._check(item, page)
            may_follow = page.head.directives.follow
            yield FetchedPage(
                path,
                page.name,
                page.size,
                page.sha256,
                f"{page.media_type}; charset={page.charset}" if page.charset else page.media_type,
                page.fingerprint
                if may_follow
                else "",  # that it forbids to follow is told with all of it
                page.url,
                may_follow=may_follow,
            )

    def follow(
        self, item: SourceItem, fetched: FetchedFile, links: Sequence[str]
    ) -> Iterator[SourceItem]:
        """The pages that a page leads to, if it is not too deep and does not forbid it."""
        if isinstance(fetched, FetchedPage) and not fetched.may_follow:
            return
        base = fetched.url or item.reference
        for url in self._frontier.linked(base, item.depth, links):
            yield _item(url, item.depth + 1)

    def _of_addresses(self) -> Iterator[SourceItem]:
        seen: set[str] = set()
        for address in self._definition.addresses:
            url = _normal(address)
            if url in seen:
                continue
            seen.add(url)
            self._frontier.take(url)
            yield _item(url)

    def _of_sitemap(self, sitemap: str) -> Iterator[SourceItem]:
        """What a sitemap lists; what of it breaks a rule is an item that fails, so that it is seen."""
        seen: set[str] = set()
        left_out: list[str] = []
        with TemporaryDirectory(dir=self._scratch) as folder:
            for found in listed_pages(_normal(sitemap), self._pages.download, Path(folder)):
                if isinstance(found, Broken):
                    yield _broken(found)
                    seen.add(found.url)
                    continue
                url = _normal(found)
                if url in seen:
                    continue
                if reason := self._frontier.reason_against(url):
                    left_out.append(f"{shown_url(url)}: {reason}")
                    del left_out[_NAMED:]
                    continue
                self._frontier.take(url)
                seen.add(url)
                yield _item(url)
                if len(seen) >= self._frontier.limit:
                    return
        if not seen:
            raise _no_match(sitemap, left_out)

    def _check(self, item: SourceItem, page: WebPage) -> None:
        """Refuses a page that does not want to be taken, or that the task has.

        Raises:
            ItemRefusedError: see there.
        """
        if not page.head.directives.index:
            raise ItemRefusedError(
                "refused_by_robots",
                f"the page asks programs not to take it ({page.head.directives.said})",
            )
        if item.depth == 0:
            if not self._definition.sitemap:  # it was named: where it leads to is meant too
                self._frontier.add_site(page.url)
            return
        if reason := self._frontier.reason_against(page.url):
            raise ItemRefusedError(
                "left_out", f"it is sent on to {shown_url(page.url)}, and {reason}"
            )
        for other in (page.url, page.head.canonical):
            same = self._frontier.other_name(item.reference, _normal(other)) if other else ""
            if same:
                raise ItemRefusedError(
                    "same_page", f"it is the page {shown_url(same)}, which the task has already"
                )


def _rules_of(definition: WebSource) -> CrawlRules:
    crawl = definition.crawl
    if crawl is None:
        return CrawlRules(pages=max(_MOST_PAGES, len(definition.addresses)))
    return CrawlRules(
        depth=crawl.depth,
        same_site=crawl.same_site,
        include=crawl.include,
        exclude=crawl.exclude,
        pages=max(crawl.pages, len(definition.addresses)),
    )


def _item(url: str, depth: int = 0) -> SourceItem:
    return SourceItem(url.partition("://")[2][:_NAME_LIMIT] or url[:_NAME_LIMIT], url, depth=depth)


def _broken(found: Broken) -> SourceItem:
    rule = rule_of(found.error) or "unexpected_answer"
    name = found.url.partition("://")[2][:_NAME_LIMIT]
    return SourceItem(name, found.url, handle=f"{rule} {found.error.message}")


def _normal(url: str) -> str:
    """An address as its page is known by; as it is where it may not be asked: then it fails when it is."""
    try:
        return normal_url(url)
    except InputError:
        return url


def _no_match(sitemap: str, left_out: Sequence[str]) -> InputError:
    """An empty success would hide a slip of the pen."""
    told = "; ".join(islice(left_out, _NAMED))
    return InputError(
        f"the sitemap {shown_url(sitemap)} lists no page that the task takes",
        hint=f"It has: {told}" if told else "It lists nothing at all",
        left_out=list(left_out),
    )


@contextmanager
def _refusals() -> Iterator[None]:
    """What an address breaks is its item's failure; all else is passed on."""
    try:
        yield
    except WaybillError as error:
        rule = rule_of(error)
        if rule is None:
            raise
        raise ItemRefusedError(rule, error.message, retry_after_of(error)) from error
