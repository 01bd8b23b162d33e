"""Which rows of a set a download takes (F135). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial, reduce
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assets.classifications.reading.arrays import one_array
from assets.classifications.schema import KEY
from assets.classifications.texts import value_texts
from resources.kernel.errors import InputError, UnknownNameError


@dataclass(frozen=True)
class Selection:
    """Filters that must all hold. Regular expressions are RE2 and match anywhere in the text (G10: case-sensitive).

    Args:
        keys: exactly these; None for any.
        key_regex: on the key.
        after: keys behind this one, in the order of their bytes.
        equals: column -> the value: of numbers the number, else the exact text; for a list: one of its elements.
            An empty text: rows without a value.
        matches: column -> regular expression on the text that a download writes; for a list: on any of its elements.
            A missing value is an empty text.
        classified: "classified" = at least one value, "unclassified" = missing in at least one column, "bare" = in
            every column, "all".
        limit: at most so many rows, the first in key order; None for all.
    """

    keys: tuple[str, ...] | None = None
    key_regex: str | None = None
    after: str | None = None
    equals: Mapping[str, str] = field(default_factory=dict)
    matches: Mapping[str, str] = field(default_factory=dict)
    classified: Literal["all", "classified", "unclassified", "bare"] = "all"
    limit: int | None = None


def select(state: pa.Table, selection: Selection) -> pa.Table:
    """The rows of a state that the selection takes, in key order.

    Raises:
        UnknownNameError: a column that the set does not have.
        InputError: a regular expression that RE2 does not take, a text where a number is asked for.
    """
    keys = state.column(KEY)
    conditions = [*_on_keys(keys, selection), *_on_columns(state, selection)]
    if selection.classified != "all":
        conditions.append(_is_classified(state, selection.classified))
    taken = state.filter(reduce(pc.and_, conditions)) if conditions else state
    return taken if selection.limit is None else taken.slice(0, selection.limit)


def _on_keys(keys: pa.ChunkedArray, selection: Selection) -> Iterator[pa.Array]:
    if selection.keys is not None:
        yield pc.is_in(keys, value_set=pa.array(selection.keys, pa.string()))
    if selection.key_regex is not None:
        yield _search(selection.key_regex, keys)
    if selection.after is not None:
        yield pc.greater(keys, pa.scalar(selection.after, pa.string()))


def _on_columns(state: pa.Table, selection: Selection) -> Iterator[pa.Array]:
    for name, text in selection.equals.items():
        values = _values(state, name)
        yield _on_values(values, partial(_equal, name, text)) if text else pc.is_null(values)
    for name, pattern in selection.matches.items():
        values = _values(state, name)
        found = _on_values(values, partial(_search, pattern))
        matches_nothing = _search(pattern, pa.array([""], pa.string()))[0].as_py()
        yield pc.or_(found, pc.is_null(values)) if matches_nothing else found


def _values(state: pa.Table, name: str) -> pa.Array:
    if name not in state.column_names[1:]:
        raise UnknownNameError("column", name, state.column_names[1:])
    return one_array(state.column(name))


def _on_values(values: pa.Array, condition: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Rows whose value, or one element of it, meets the condition; a row without a value does not."""
    if not pa.types.is_list(values.type):
        return pc.fill_null(condition(values), False)
    meets = pc.fill_null(condition(pc.list_flatten(values)), False)
    rows = pc.unique(pc.list_parent_indices(values).filter(meets)).to_numpy()
    found = np.zeros(len(values), bool)
    found[rows] = True
    return pa.array(found)


def _equal(name: str, text: str, values: pa.Array) -> pa.Array:
    if pa.types.is_string(values.type):
        return pc.equal(values, pa.scalar(text, pa.string()))
    try:
        number = Decimal(text)
        if not number.is_finite():
            raise ValueError(text)
        wanted = float(number) if pa.types.is_floating(values.type) else int(number)
    except (ArithmeticError, ValueError) as error:
        raise InputError(
            f"Column {name!r} holds numbers, and {text[:60]!r} is none",
            hint="Write it as 20 or 1.5",
        ) from error
    if wanted != number and not pa.types.is_floating(values.type):
        return pa.repeat(False, len(values))
    if isinstance(wanted, int) and not -(2**63) <= wanted < 2**63:
        return pa.repeat(False, len(values))
    return pc.equal(values, pa.scalar(wanted, values.type))


def _search(pattern: str, values: pa.Array) -> pa.Array:
    try:
        return pc.match_substring_regex(value_texts(values), pattern)
    except pa.ArrowInvalid as error:
        raise InputError(
            f"The regular expression {pattern!r} is not valid",
            hint=f"It is RE2: no look-around, no back-references ({str(error)[:200]})",
        ) from error


def _is_classified(state: pa.Table, wanted: str) -> pa.Array:
    columns = [state.column(name) for name in state.column_names[1:]]
    if wanted == "unclassified":
        return reduce(pc.or_, [pc.is_null(column) for column in columns])
    has_value = reduce(pc.or_, [pc.is_valid(column) for column in columns])
    return has_value if wanted == "classified" else pc.invert(has_value)
