"""What the columns of two versions have to do with each other, and how the values of two columns are compared.

Pure: schemas in, SQL expressions out. Columns are called by their place, `c0`, `c1` ..., so that no name can do harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from resources.kernel.errors import InputError
from resources.kernel.schema import has_no_values

_DIGITS = 38
_NOTHING = "NULL"


@dataclass(frozen=True)
class ColumnPair:
    """A column that both versions have.

    Args:
        name: in the later version.
        before: its name in the earlier one; another one only by case.
        places: among the columns of the earlier and of the later version, from 0.
        expressions: what is compared, of either version; None where values of the two types cannot be compared exactly.
        reason: why they cannot.
    """

    name: str
    before: str
    places: tuple[int, int]
    expressions: tuple[str, str] | None
    reason: str = ""


@dataclass(frozen=True)
class MatchedColumns:
    """The columns of two versions side by side."""

    pairs: tuple[ColumnPair, ...]
    """In the order of the later version."""
    added: tuple[tuple[str, str], ...]
    """(column, type) of the later version alone."""
    removed: tuple[tuple[str, str], ...]
    """The same of the earlier one."""
    retyped: tuple[tuple[str, str, str], ...]
    """(column, type before, type after)."""
    renamed: tuple[tuple[str, str], ...]
    """(name before, name after), where nothing but case has changed."""
    is_reordered: bool
    """Whether the columns that both have stand in another order."""

    @property
    def compared(self) -> tuple[ColumnPair, ...]:
        """The pairs whose values are compared."""
        return tuple(pair for pair in self.pairs if pair.expressions is not None)

    def pair(self, name: str) -> ColumnPair:
        """A column that is to be part of a key.

        Raises:
            InputError: not both versions have it, or its values cannot be compared.
        """
        found = [one for one in self.pairs if name in (one.name, one.before)]
        exact = [one for one in found if one.name == name] or found
        if not exact:
            known = ", ".join(one.name for one in self.pairs[:30]) or "none"
            raise InputError(
                f"the key column {name!r} is not in both versions",
                hint=f"Columns of both are {known}",
                column=name,
            )
        if exact[0].expressions is None:
            raise InputError(
                f"the key column {name!r} cannot be compared: {exact[0].reason}",
                hint="Give another key, or compare without one",
                column=name,
            )
        return exact[0]


def match_columns(before: pa.Schema, after: pa.Schema) -> MatchedColumns:
    """Which column of the later version is which of the earlier one: by name, then by name but for case."""
    partners = dict(_partners(before.names, after.names))
    found_again = set(partners.values())
    pairs = tuple(
        _pair(before.field(partners[place]), field, (partners[place], place))
        for place, field in enumerate(after)
        if place in partners
    )
    order = [pair.places[0] for pair in pairs]
    return MatchedColumns(
        pairs=pairs,
        added=tuple(
            (f.name, str(f.type)) for place, f in enumerate(after) if place not in partners
        ),
        removed=tuple(
            (f.name, str(f.type)) for place, f in enumerate(before) if place not in found_again
        ),
        retyped=tuple(
            (pair.name, str(before.field(one).type), str(after.field(other).type))
            for pair in pairs
            for one, other in [pair.places]
            if before.field(one).type != after.field(other).type
        ),
        renamed=tuple((pair.before, pair.name) for pair in pairs if pair.before != pair.name),
        is_reordered=order != sorted(order),
    )


def _partners(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(place after, place before). Of names equal but for case a pair is made where only one of either side is left."""
    places = {name: place for place, name in enumerate(before)}
    left: dict[str, list[int]] = {}
    kept = set(after)
    for place, name in enumerate(before):
        if name not in kept:
            left.setdefault(name.casefold(), []).append(place)
    alone: dict[str, list[int]] = {}
    for place, name in enumerate(after):
        if name in places:
            yield place, places[name]
        else:
            alone.setdefault(name.casefold(), []).append(place)
    for folded, found in alone.items():
        if len(found) == 1 and len(left.get(folded, ())) == 1:
            yield found[0], left[folded][0]


def _pair(before: pa.Field, after: pa.Field, places: tuple[int, int]) -> ColumnPair:
    expressions, reason = _compared(before, after, f"c{places[0]}", f"c{places[1]}")
    return ColumnPair(after.name, before.name, places, expressions, reason)


def _compared(
    before: pa.Field, after: pa.Field, one: str, other: str
) -> tuple[tuple[str, str] | None, str]:
    """What is compared of two columns, or why nothing is."""
    kinds = before.type, after.type
    digits = [kind.precision for kind in kinds if pa.types.is_decimal(kind)]
    if max(digits, default=0) > _DIGITS:
        return None, f"it has {max(digits)} digits; {_DIGITS} can be compared"
    if before.type == after.type or has_no_values(before) or has_no_values(after):
        return (_own(one, before), _own(other, after)), ""
    if shared := _common(*kinds):
        return (f"CAST({one} AS {shared})", f"CAST({other} AS {shared})"), ""
    if any(map(pa.types.is_integer, kinds)) and any(map(pa.types.is_floating, kinds)):
        return (_as_whole(one, before), _as_whole(other, after)), ""
    return None, f"its type changed from {before.type} to {after.type}"


def _own(column: str, field: pa.Field) -> str:
    """A column compared with one of its own type. Hashes of nested values do not tell null from empty, texts do."""
    if has_no_values(field):
        return _NOTHING
    return f"CAST({column} AS VARCHAR)" if pa.types.is_nested(field.type) else column


def _as_whole(column: str, field: pa.Field) -> str:
    """A number in the words of a whole one, where it is one: exact beyond 2^53 as well."""
    text = f"CAST({column} AS VARCHAR)"
    if pa.types.is_integer(field.type):
        return text
    return (
        f"CASE WHEN isfinite({column}) AND {column} = trunc({column}) AND abs({column}) < 1e19"
        f" THEN CAST(CAST({column} AS HUGEINT) AS VARCHAR) ELSE {text} END"
    )


def _common(old: pa.DataType, new: pa.DataType) -> str | None:
    """A type of DuckDB that holds every value of both types exactly."""
    both = (old, new)
    if all(map(pa.types.is_integer, both)):
        signed = sum(map(pa.types.is_signed_integer, both))
        return ("UBIGINT", "HUGEINT", "BIGINT")[signed]
    if all(map(pa.types.is_floating, both)):
        return "DOUBLE"
    if all(pa.types.is_decimal(kind) or pa.types.is_integer(kind) for kind in both):
        return _decimal(*map(_digits, both))
    if all(map(pa.types.is_date, both)):
        return "DATE"
    if all(pa.types.is_timestamp(kind) or pa.types.is_date(kind) for kind in both):
        return _moment(*both)
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return "VARCHAR" if all(any(is_text(kind) for is_text in texts) for kind in both) else None


def _digits(kind: pa.DataType) -> tuple[int, int]:
    """Digits before and behind the point."""
    if pa.types.is_decimal(kind):
        return kind.precision - kind.scale, kind.scale
    return 20, 0


def _decimal(one: tuple[int, int], other: tuple[int, int]) -> str | None:
    scale = max(one[1], other[1])
    precision = max(one[0], other[0]) + scale
    return f"DECIMAL({precision}, {scale})" if precision <= _DIGITS else None


def _moment(old: pa.DataType, new: pa.DataType) -> str | None:
    zones = {pa.types.is_timestamp(kind) and kind.tz is not None for kind in (old, new)}
    units = {kind.unit for kind in (old, new) if pa.types.is_timestamp(kind)}
    if len(zones) > 1 or "ns" in units:
        return None
    return "TIMESTAMPTZ" if zones == {True} else "TIMESTAMP"
