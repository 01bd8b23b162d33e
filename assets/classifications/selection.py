"""Which rows of a set a download takes (F135). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.schema import KEY
from assets.classifications.texts import value_texts
from resources.kernel.errors import InputError, UnknownNameError


@dataclass(frozen=True)
class Selection:
    """Filters that must all hold. Regular expressions are RE2 and match anywhere in the text (G10: case-sensitive).

    Args:
        keys: exactly these; None for any.
        key_regex: on the key.
        equals: column -> exact text of the value, as a download writes it; for a list: one of its elements.
        matches: column -> regular expression on that text; for a list: on any of its elements.
        classified: "classified" = at least one value, "unclassified" = none, "all".
        limit: at most so many rows, the first in key order; None for all.
    """

    keys: tuple[str, ...] | None = None
    key_regex: str | None = None
    equals: Mapping[str, str] = field(default_factory=dict)
    matches: Mapping[str, str] = field(default_factory=dict)
    classified: Literal["all", "classified", "unclassified"] = "all"
    limit: int | None = None


def select(state: pa.Table, selection: Selection) -> pa.Table:
    """The rows of a state that the selection takes, in key order.

    Raises:
        UnknownNameError: a column that the set does not have.
        InputError: a regular expression that RE2 does not take.
    """
    keys = state.column(KEY)
    conditions = [*_on_keys(keys, selection), *_on_columns(state, selection)]
    if selection.classified != "all":
        is_classified = _is_classified(state)
        wants_classified = selection.classified == "classified"
        conditions.append(is_classified if wants_classified else pc.invert(is_classified))
    taken = state.filter(reduce(pc.and_, conditions)) if conditions else state
    return taken if selection.limit is None else taken.slice(0, selection.limit)


def _on_keys(keys: pa.ChunkedArray, selection: Selection) -> Iterator[pa.Array]:
    if selection.keys is not None:
        yield pc.is_in(keys, value_set=pa.array(selection.keys, pa.string()))
    if selection.key_regex is not None:
        yield _search(selection.key_regex, keys)


def _on_columns(state: pa.Table, selection: Selection) -> Iterator[pa.Array]:
    for name, text in selection.equals.items():
        yield _on_values(state, name, partial(pc.equal, text))
    for name, pattern in selection.matches.items():
        yield _on_values(state, name, partial(_search, pattern))


def _on_values(state: pa.Table, name: str, condition: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Rows whose value, or one element of it, meets the condition; a row without a value does not."""
    if name not in state.column_names[1:]:
        raise UnknownNameError("column", name, state.column_names[1:])
    values = state.column(name).combine_chunks()
    if not pa.types.is_list(values.type):
        return pc.fill_null(condition(value_texts(values)), False)
    meets = pc.fill_null(condition(pc.list_flatten(values)), False)
    rows = pc.unique(pc.list_parent_indices(values).filter(meets)).to_numpy()
    found = np.zeros(len(state), bool)
    found[rows] = True
    return pa.array(found)


def _search(pattern: str, texts: pa.Array) -> pa.Array:
    try:
        return pc.match_substring_regex(texts, pattern)
    except pa.ArrowInvalid as error:
        raise InputError(
            f"The regular expression {pattern!r} is not valid",
            hint=f"It is RE2: no look-around, no back-references ({str(error)[:200]})",
        ) from error


def _is_classified(state: pa.Table) -> pa.Array:
    return reduce(pc.or_, [pc.is_valid(state.column(name)) for name in state.column_names[1:]])
