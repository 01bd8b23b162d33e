"""Addresses of pages as people write them down: lists of them, and globs that fit some. Pure: no address is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resources.kernel.errors import ParseError

_GLOB_LIMIT = 1_000
_BEGINNINGS = ("/", "*", "?", "[", "https://")


def glob_problems(globs: Sequence[str]) -> Iterator[str]:
    """What is wrong with globs of addresses, one line each: those that can fit none."""
    for glob in globs:
        shown = repr(glob[:80])
        is_plain = glob.isprintable() and not any(c.isspace() for c in glob)
        if not glob or len(glob) > _GLOB_LIMIT or not is_plain:
            yield f"{shown} is no pattern of addresses"
        elif not glob.startswith(_BEGINNINGS):
            yield f"{shown} fits no address: write https://example.org/news/*, or from the path on: /news/*"


def parse_addresses(text: str, name: str) -> tuple[str, ...]:
    """The addresses of a list: one a line, each once; what follows `#` after a blank, and empty lines, are left out.

    Args:
        text: the list.
        name: what it is called, for messages.

    Raises:
        ParseError: a line is no https:// address; tells which.
    """
    found: dict[str, None] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        address = "" if line.lstrip().startswith("#") else line.partition(" #")[0].strip()
        if not address:
            continue
        if address[:8].lower() != "https://" or any(c.isspace() for c in address):
            shown = "".join(c if c.isprintable() else "?" for c in address[:80])
            raise ParseError(f"{shown!r} is no https:// address", file=name, line=number)
        found[address] = None
    return tuple(found)
