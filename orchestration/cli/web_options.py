"""Options that name pages of the web as what an import task brings in, and the source that they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from resources.import_tasks.definition import Crawl, WebSource

Urls = Annotated[
    list[str] | None,
    typer.Option("--url", metavar="URL", help="An https:// address of a page or document. Repeatable."),
]  # fmt: skip
UrlList = Annotated[
    Path | None,
    typer.Option("--url-list", metavar="FILE", help="A text file with an address a line; what follows # is left out.", show_default=False),
]  # fmt: skip
Sitemap = Annotated[
    str, typer.Option("--sitemap", metavar="URL", help="Take the pages that a sitemap lists.")
]
CrawlDepth = Annotated[
    int,
    typer.Option("--crawl-depth", metavar="N", help="Follow links of pages: so many, one after the other.", min=0, max=100),
]  # fmt: skip
SameSite = Annotated[
    bool,
    typer.Option("--same-site/--any-site", help="Take pages of the hosts that were named alone, and of those below them."),
]  # fmt: skip
Include = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="GLOB", help="Of a sitemap's and of linked pages take those that fit: '/news/*'. Repeatable."),
]  # fmt: skip
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="GLOB", help="Of a sitemap's and of linked pages leave out those that fit. Repeatable."),
]  # fmt: skip
Pages = Annotated[
    int | None,
    typer.Option("--pages", metavar="N", help="The most pages of the task; 100 when links are followed.", min=1, max=100_000, show_default=False),
]  # fmt: skip
Delay = Annotated[
    float | None,
    typer.Option("--delay", metavar="SECONDS", help="Between two requests to one site, where it does not ask for more; 1 by default.", min=0, max=3_600, show_default=False),
]  # fmt: skip


@dataclass(frozen=True)
class WebOptions:
    """What was given of them."""

    urls: Sequence[str] | None = None
    url_list: Path | None = None
    sitemap: str = ""
    depth: int = 0
    same_site: bool = True
    include: Sequence[str] | None = None
    exclude: Sequence[str] | None = None
    pages: int | None = None
    delay: float | None = None

    def source(self) -> WebSource | None:
        """The source that they mean; None when no page is named.

        Raises:
            BadParameter: an option for pages, and no page.
            InputError: a list that cannot be read, or a line of it that is no address.
        """
        from resources.import_tasks.definition import WebSource

        addresses = (*(self.urls or ()), *_listed(self.url_list))
        if not addresses and not self.sitemap:
            self._check_unused()
            return None
        return WebSource(addresses, self.sitemap, self._crawl())

    def _crawl(self) -> Crawl | None:
        from resources.import_tasks.definition import MOST_PAGES, Crawl

        given = (self.depth, self.include, self.exclude, self.pages, self.delay)
        if self.same_site and not any(one not in (None, 0) for one in given):
            return None
        return Crawl(
            depth=self.depth,
            same_site=self.same_site,
            include=tuple(self.include or ()),
            exclude=tuple(self.exclude or ()),
            pages=self.pages or (Crawl().pages if self.depth else MOST_PAGES),
            delay=Crawl().delay if self.delay is None else self.delay,
        )

    def _check_unused(self) -> None:
        given = {
            "--crawl-depth": self.depth,
            "--any-site": not self.same_site,
            "--include": self.include,
            "--exclude": self.exclude,
            "--pages": self.pages,
            "--delay": self.delay is not None,
        }
        unused = next((name for name, value in given.items() if value), "")
        if unused:
            raise typer.BadParameter(f"{unused} needs --url, --url-list or --sitemap")


def _listed(path: Path | None) -> tuple[str, ...]:
    """The addresses of a list.

    Raises:
        ParseError: a line is no address.
        InputError: it is no text that can be read.
    """
    if path is None:
        return ()
    from resources.import_tasks.web_addresses import parse_addresses
    from resources.kernel.errors import InputError

    try:
        return parse_addresses(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        raise InputError(f"{path}: the list cannot be read: {reason}") from error
