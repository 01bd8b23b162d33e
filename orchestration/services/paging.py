"""Lists a page at a time: a cursor says where the last page ended, not how many came before.

So a page after it neither repeats nor leaves out what stayed in the list, whatever was added or removed meanwhile.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from resources.kernel.errors import InputError

LIMIT, MOST = 50, 1_000
"""How many items a page has, and how many it may have."""
T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list."""

    items: tuple[T, ...]
    next: str | None
    """Cursor of the page after it; None at the end."""
    total: int | None = None
    """How many items there are in all, where that is known."""


def paged(
    items: Sequence[T],
    place: Callable[[T], Sequence[Any]],
    *,
    cursor: str | None = None,
    limit: int = LIMIT,
    descending: bool = False,
) -> Page[T]:
    """A page of a list that is at hand.

    Args:
        items: all of it, in any order.
        place: what it is sorted by: texts, numbers, or None, which comes last; its last part is unique.
        cursor: of the page wanted; the first by default.
        limit: most items of the page.
        descending: whether the greatest comes first.

    Raises:
        InputError: no cursor of this list; a limit out of bounds.
    """
    check_limit(limit)
    ordered = sorted(items, key=lambda item: _ranked(place(item), descending), reverse=descending)
    start = 0
    if cursor is not None:
        after = _ranked(decode_cursor(cursor), descending)
        start = _first_after(ordered, place, after, descending=descending)
    shown = tuple(ordered[start : start + limit])
    more = start + limit < len(ordered)
    return Page(shown, encode_cursor(place(shown[-1])) if more else None, len(ordered))


class Named(Protocol):
    """What has a name."""

    @property
    def name(self) -> str:
        """Its name."""


N = TypeVar("N", bound=Named)


def page_of_named(
    items: Iterable[N], q: str = "", *, cursor: str | None = None, limit: int = LIMIT
) -> Page[N]:
    """A page of those whose name holds a text, in any case, in order of name; of all where it is empty.

    Raises:
        InputError: no cursor of this list, a limit out of bounds.
    """
    wanted = [item for item in items if q.lower() in item.name.lower()]
    return paged(wanted, lambda item: (item.name,), cursor=cursor, limit=limit)


def check_limit(limit: int) -> None:
    """Nothing, where a page may have that many items.

    Raises:
        InputError: it may not.
    """
    if not 0 < limit <= MOST:
        raise InputError(f"a page has 1 to {MOST} items, not {limit}")


def encode_cursor(place: Sequence[Any]) -> str:
    """A cursor that says where a page ended."""
    return (
        base64.urlsafe_b64encode(json.dumps(list(place), default=str).encode()).decode().rstrip("=")
    )


def decode_cursor(cursor: str) -> list[Any]:
    """Where the page before ended.

    Raises:
        InputError: it is no cursor.
    """
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        found = None
    if isinstance(found, list) and all(_is_plain(part) for part in found):
        return found
    raise InputError(
        f"{cursor[:60]!r} is no cursor of a list", hint="Take `next` of the page before, as it is"
    )


def _is_plain(part: Any) -> bool:
    return part is None or isinstance(part, (str, int, float))


def _first_after(
    ordered: Sequence[T],
    place: Callable[[T], Sequence[Any]],
    after: list[Any],
    *,
    descending: bool,
) -> int:
    for number, item in enumerate(ordered):
        own = _ranked(place(item), descending)
        if own < after if descending else own > after:
            return number
    return len(ordered)


def _ranked(place: Sequence[Any], descending: bool) -> list[Any]:
    """Comparable, whatever is in it: None after everything else, numbers before texts."""
    return [_rank(part, descending) for part in place]


def _rank(part: Any, descending: bool) -> tuple[int, float, str]:
    if part is None:
        return (-1 if descending else 2), 0.0, ""
    if isinstance(part, (int, float)):
        return 0, part, ""
    return 1, 0.0, str(part)
