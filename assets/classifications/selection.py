"""Which rows of a set a download takes (F135). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa


@dataclass(frozen=True)
class Selection:
    """Filters that must all hold. Regular expressions are RE2 and match anywhere in the text (G10: case-sensitive).

    Args:
        keys: exactly these; None for any.
        key_regex: on the key.
        equals: column -> exact text of the value, as a download writes it; for a list: one of its elements.
        matches: column -> regular expression on that text; for a list: on any of its elements.
        classified: "classified" = at least one value, "unclassified" = none, "all".
        after: only keys after this one in byte order: the next page.
        limit: at most so many rows, the first in key order; None for all.
    """

    keys: tuple[str, ...] | None = None
    key_regex: str | None = None
    equals: Mapping[str, str] = field(default_factory=dict)
    matches: Mapping[str, str] = field(default_factory=dict)
    classified: Literal["all", "classified", "unclassified"] = "all"
    after: str | None = None
    limit: int | None = None


def select(state: pa.Table, selection: Selection) -> pa.Table:
    """The rows of a state that the selection takes, in key order.

    Raises:
        InputError: an unknown column, a regular expression that RE2 does not take.
    """
    raise NotImplementedError
