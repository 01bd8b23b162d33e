"""What a page tells machines before its text begins: directives for robots, and the address that it wants to be known by.

It is a bounded look at the head of a page, by plain searches: nothing of a stranger's HTML is parsed outside of a confined process.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from resources.formats.page_text import MARKS, codec_of
from resources.kernel.foreign_text import one_line
from resources.web.client import AGENT

HEAD_BYTES = 512 * 1024
"""Of a page, at most, in which its head is looked for."""
_TAG_LIMIT = 8_192
_SHOWN = 100
_TAG = re.compile(r"<(?:!--|/?[a-zA-Z]+)")
_SILENT = ("script", "style", "noscript", "template", "title", "textarea", "xmp", "iframe")
"""Elements in which a tag is no tag, or speaks for nothing."""
_ATTRIBUTE = re.compile(r"""([^\s=<>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_VALUED = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")
"""Directives that have a colon themselves."""


@dataclass(frozen=True)
class Directives:
    """What a page allows robots to do with it."""

    index: bool = True
    follow: bool = True
    said: str = ""
    """Where and how it said no."""


@dataclass(frozen=True)
class Head:
    """What the head of a page says."""

    directives: Directives = Directives()
    canonical: str = ""
    """The address that it wants to be known by, as an address; empty when it names none."""


def look_at_head(start: bytes, url: str, *, charset: str = "", tags: Iterable[str] = ()) -> Head:
    """What a page says in its head and in the headers of its answer.

    Args:
        start: its first bytes.
        url: where it came from.
        charset: as its header announced it.
        tags: values of `X-Robots-Tag`, each by itself.
    """
    base, canonical, words = url, "", list(map(_of_header, tags))
    for name, attributes in _tags_of(_text(start[:HEAD_BYTES], charset)):
        if name == "base" and base == url:
            base = _joined(url, attributes.get("href", "")) or url
        elif name == "meta" and attributes.get("name", "").lower() in ("robots", AGENT.lower()):
            content = attributes.get("content", "")
            words.append((_words(content), f"meta robots: {one_line(content, _SHOWN)}"))
        elif name == "link" and "canonical" in attributes.get("rel", "").lower().split():
            canonical = canonical or attributes.get("href", "")
    return Head(_directives(words), _joined(base, canonical))


def _directives(words: Iterable[tuple[frozenset[str], str]]) -> Directives:
    index, follow, said = True, True, []
    for given, where in words:
        if given & {"none", "noindex"}:
            index = False
        if given & {"none", "nofollow"}:
            follow = False
        if given & {"none", "noindex", "nofollow"}:
            said.append(where)
    return Directives(index, follow, "; ".join(said))


def _words(content: str) -> frozenset[str]:
    return frozenset(content.lower().replace(",", " ").split())


def _of_header(value: str) -> tuple[frozenset[str], str]:
    """Of one header those directives that are meant for all, or for us by name."""
    is_ours, words = True, []
    for part in value.lower().split(","):
        name, colon, rest = part.strip().partition(":")
        if colon and name.strip() not in _VALUED:
            is_ours = name.strip() in (AGENT.lower(), "*")
            words += rest.split() if is_ours else []
        elif is_ours:
            words.append(part.strip())
    return frozenset(words), f"X-Robots-Tag: {one_line(value, _SHOWN)}"


def _text(start: bytes, charset: str) -> str:
    """Good enough for tags: what cannot be decoded is replaced."""
    for mark, name in MARKS:
        if start.startswith(mark):
            return start[len(mark) :].decode(name, "replace")
    return start.decode(codec_of(charset) or "utf-8", "replace")


def _tags_of(text: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Tags of the head; each character is looked at once."""
    at = 0
    while found := _TAG.search(text, at):
        name = found[0][1:].lower()
        if name in ("body", "/head"):
            return
        at = _end_of(text, found.end(), name)
        if name in ("meta", "link", "base"):
            tag = text[found.end() : min(at, found.end() + _TAG_LIMIT)]
            yield name, {k.lower(): html.unescape(a or b or c) for k, a, b, c in _ATTRIBUTE.findall(tag)}  # fmt: skip


def _end_of(text: str, at: int, name: str) -> int:
    """Where what begins with a tag ends."""
    if name == "!--":
        mark = "-->"
    elif name in _SILENT:
        found = re.compile(f"</{name}", re.IGNORECASE).search(text, at)
        return found.end() if found else len(text)
    else:
        mark = ">"
    end = text.find(mark, at)
    return end + len(mark) if end >= 0 else len(text)


def _joined(base: str, href: str) -> str:
    try:
        return urljoin(base, href.strip()) if href.strip() else ""
    except ValueError:
        return ""
