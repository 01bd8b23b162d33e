"""The pages that a site lists itself: sitemaps and their indexes as sitemaps.org has them, plain or packed, also as lines of text.

They are read in bounded memory, whatever they hold: no tree is built, entities are refused, unpacking ends at the size
that the protocol allows.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from urllib.parse import urljoin
from xml.parsers.expat import ExpatError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from resources.kernel.errors import InputError, WaybillError
from resources.web.addresses import URL_LIMIT, shown_url
from resources.web.client import WebLimits

BYTES_LIMIT = 50 * 1024 * 1024
"""Of one file, unpacked."""
PAGES_LIMIT = 50_000
"""Addresses in one file."""
FILES_LIMIT = 1_000
"""Sitemaps that an index leads to, with those of further indexes."""
LIMITS = WebLimits(bytes=BYTES_LIMIT, seconds=120)
_DEPTH = 20
"""Elements within each other; two are needed."""
_INDEXES = 3
"""Indexes within each other; the protocol has one."""
_CHUNK_BYTES = 1 << 16

Download = Callable[[str, Path, WebLimits], str]
"""Writes what is behind an address into a file within limits; returns where it came from."""
_Read = Callable[[int], bytes]


@dataclass(frozen=True)
class Broken:
    """A sitemap of an index that could not be read: its pages are not known."""

    url: str
    error: WaybillError


def listed_pages(url: str, download: Download, scratch: Path) -> Iterator[str | Broken]:
    """The addresses that a sitemap lists, each as it stands there, in its order.

    Args:
        url: of the sitemap, or of an index of sitemaps.
        download: fetches one.
        scratch: a folder for the file at hand.

    Raises:
        InputError: it is no sitemap, or goes beyond what one may hold.
        WaybillError: it cannot be had.
    """
    seen = {url}
    waiting = [(url, 0)]
    while waiting:
        at, depth = waiting.pop()
        further: list[str] = []
        try:
            yield from _pages_of(at, download, scratch / "sitemap", further)
        except WaybillError as error:
            if at == url:
                raise
            yield Broken(at, error)
        new = [one for one in dict.fromkeys(further) if one not in seen]
        seen.update(new)
        if new and (depth >= _INDEXES or len(seen) > FILES_LIMIT):
            raise _beyond(url, f"leads to more than {FILES_LIMIT:,} sitemaps, or through more than {_INDEXES} indexes")  # fmt: skip
        waiting += [(one, depth + 1) for one in reversed(new)]


def _pages_of(url: str, download: Download, path: Path, further: list[str]) -> Iterator[str]:
    """Addresses of pages of one file; those of sitemaps are added to `further`."""
    base = download(url, path, LIMITS)
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        read: _Read = file.read
        if file.peek(2)[:2] == b"\x1f\x8b":
            read = stack.enter_context(gzip.open(file)).read
        for count, (kind, found) in enumerate(_entries(url, _chunks(url, read)), start=1):
            if count > PAGES_LIMIT:
                raise _beyond(url, f"lists more than {PAGES_LIMIT:,} addresses")
            if kind == "sitemapindex":
                further.append(urljoin(base, found))
            else:
                yield found


def _chunks(url: str, read: _Read) -> Iterator[bytes]:
    size = 0
    while True:
        try:
            chunk = read(_CHUNK_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise _no_sitemap(url, f"it cannot be unpacked ({error})") from error
        if not chunk:
            return
        size += len(chunk)
        if size > BYTES_LIMIT:
            raise _beyond(url, f"has more than {BYTES_LIMIT:,} bytes")
        yield chunk


def _entries(url: str, chunks: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    """What is listed, each with the kind of the list: XML, or lines of text."""
    first = next(chunks, b"")
    if first.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" or first[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _of_xml(url, chain((first,), chunks))
    return _of_lines(url, chain((first,), chunks, (b"\n",)))


def _of_xml(url: str, chunks: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    listed = _Listed()
    parser = XMLParser(target=listed, forbid_dtd=True)
    try:
        for chunk in chunks:
            parser.feed(chunk)
            yield from listed.take()
        parser.close()
        yield from listed.take()
    except _NoSitemapError as error:
        raise _no_sitemap(url, str(error)) from None
    except DefusedXmlException as error:
        raise _no_sitemap(
            url, "it has a document type or entities, which no sitemap needs"
        ) from error
    except (SyntaxError, ExpatError, ValueError, LookupError) as error:
        raise _no_sitemap(url, f"its XML is broken ({error})") from error


def _of_lines(url: str, chunks: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > URL_LIMIT:
            raise _no_sitemap(url, "it is neither XML nor a list of addresses")
        for line in lines:
            text = line.decode("utf-8-sig", "replace").strip()
            if text and not text.lower().startswith(("https://", "http://")):
                raise _no_sitemap(url, "it is neither XML nor a list of addresses")
            if text:
                yield "urlset", text


class _NoSitemapError(Exception):
    """What is read is XML of another kind."""


class _Listed:
    """Takes what stands in `loc` of a sitemap while it is parsed; nothing else is kept."""

    def __init__(self) -> None:
        self._kind = ""
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._length = 0
        self._found: list[tuple[str, str]] = []

    def take(self) -> list[tuple[str, str]]:
        found, self._found = self._found, []
        return found

    def start(self, tag: str, _attributes: object) -> None:
        name = tag.rpartition("}")[2]
        if not self._path:
            if name not in ("urlset", "sitemapindex"):
                raise _NoSitemapError(f"its root is <{name[:40]}>, not <urlset> or <sitemapindex>")
            self._kind = name
        self._path.append(name)
        if len(self._path) > _DEPTH:
            raise _NoSitemapError("its elements are nested too deep")
        if len(self._path) == 3 and name == "loc":
            self._text, self._length = [], 0

    def data(self, text: str) -> None:
        if self._text is not None and self._length <= URL_LIMIT:
            self._text.append(text)
            self._length += len(text)

    def end(self, _tag: str) -> None:
        if len(self._path) == 3 and self._text is not None:
            if found := "".join(self._text).strip():
                self._found.append((self._kind, found[:URL_LIMIT]))
            self._text = None
        self._path.pop()

    def close(self) -> None:
        """Part of what a parser asks of its target."""


def _no_sitemap(url: str, reason: str) -> InputError:
    return InputError(
        f"{shown_url(url)} is no sitemap that can be read: {reason}",
        hint="Give the address of a sitemap, of an index of sitemaps, or of a list of addresses",
        rule="unexpected_answer",
    )


def _beyond(url: str, reason: str) -> InputError:
    return InputError(
        f"the sitemap {shown_url(url)} {reason}",
        hint="Give the address of one of its parts",
        rule="too_large",
    )
