"""URLs of objects: the rules for one and for many at once, and the title that follows from one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from assets.collections.specification.sections import TITLE_CHARACTERS, URL_BYTES
from resources.collections.rules import ItemRule
from resources.kernel.urls import without_secrets

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BLANK = re.compile(r"[\s\x00-\x1f\ud800-\udfff]")
_ALL_SCHEMES = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://.", re.MULTILINE)
_SPACE = 32
_SHOWN = 100
_WEB = ("http://", "https://")

Fault = tuple[ItemRule, str, str]


def url_faults(url: object) -> Iterator[Fault]:
    """What is wrong with a URL, one thing at most: rule, message, and what to do."""
    if not isinstance(url, str):
        found = "nothing" if url is None else type(url).__name__
        yield "url_not_string", f"the URL is no text but {found}", ""
        return
    if not url:
        yield "url_missing", "the URL is empty", "Give the object's URL, such as s3://bucket/a.png"
        return
    if blank := _BLANK.search(url):
        place = blank.start()
        message = f"the URL {shown_url(url)} holds white space or a control character"
        yield (
            "url_whitespace",
            f"{message} ({url[place]!a} as character {place + 1})",
            "Percent-encode it: a space is %20",
        )
        return
    size = len(url.encode("utf-8", "surrogatepass"))
    if size > URL_BYTES:
        message = f"the URL {shown_url(url)} has {size:,} bytes, at most {URL_BYTES:,} are taken"
        yield "url_too_long", message, ""
        return
    scheme = _SCHEME.match(url)
    if not scheme or scheme.end() == len(url):
        message = f"the URL {shown_url(url)} has no scheme"
        yield "url_no_scheme", message, "Write it in full, such as s3://bucket/a.png"


def are_good(urls: Sequence[str]) -> bool:
    """Whether surely no URL breaks a rule, those above the limit of characters aside; False if one may.

    One pass of each kind over all of them, instead of one over each.
    """
    text = "\n".join(urls)
    if not text:
        return False
    if text.isascii():
        breaks = np.count_nonzero(np.frombuffer(text.encode(), np.uint8) <= _SPACE)
        if breaks != len(urls) - 1:
            return False
    elif " " in text or not "".join(urls).isprintable() or max(map(_size, urls)) > URL_BYTES:
        return False
    return _have_schemes(text, urls)


def _size(url: str) -> int:
    return len(url.encode())


def _have_schemes(text: str, urls: Sequence[str]) -> bool:
    scheme = _SCHEME.match(text)
    if scheme is None:
        return False
    first = scheme[0]
    are_whole = f"{first}\n" not in text and not text.endswith(first)
    if are_whole and text.count(f"\n{first}") == len(urls) - 1:
        return True
    return len(_ALL_SCHEMES.findall(text)) == len(urls)


def default_title(url: str) -> str:
    """The path of a URL; its end, if it is longer than a title may be."""
    _, _, rest = url.partition("://")
    _, slash, path = rest.partition("/")
    if url.lower().startswith(_WEB):
        path = path.partition("?")[0].partition("#")[0]
    title = f"{slash}{path}" if path else url
    return title[-TITLE_CHARACTERS:]


def shown_url(url: str) -> str:
    """A URL in a message: without what could be a password, on one line, and short."""
    short = without_secrets(url)
    short = short if len(short) <= _SHOWN else short[:_SHOWN] + "…"
    return ascii(short) if _BLANK.search(short) else short
