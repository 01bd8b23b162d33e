"""Conditions as SQL over `NumberedRelation`: columns by their place, values as parameters, never a name in the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from orchestration.services.rows.conditions import (
    CONDITIONS_LIMIT,
    TEXT_LIMIT,
    Condition,
    Operator,
    check_column,
)
from orchestration.services.rows.typed_values import typed_text
from resources.kernel.errors import InputError

if TYPE_CHECKING:
    from resources.stores.duckdb_read import NumberedRelation

_NULLS = {Operator.IS_NULL: "IS NULL", Operator.IS_NOT_NULL: "IS NOT NULL"}
_ORDERED = {Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST}
_TEXTS = {Operator.CONTAINS: "contains", Operator.STARTS_WITH: "starts_with"}


@dataclass(frozen=True)
class Search:
    """Which rows are wanted.

    Args:
        conditions: all of them hold.
        text: part of a value of any text column, in any case.
    """

    conditions: tuple[Condition, ...] = ()
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.conditions or self.text)


@dataclass
class Clause:
    """A part of a statement and the values of its placeholders."""

    sql: str
    values: list[str] = field(default_factory=list)


def check_search(search: Search, schema: pa.Schema) -> None:
    """Refuses what no row could be asked, before anything is read.

    Raises:
        InputError: an unknown column, an operator that its type does not know, a value that does not fit.
    """
    if len(search.conditions) > CONDITIONS_LIMIT:
        raise InputError(f"at most {CONDITIONS_LIMIT} conditions, not {len(search.conditions)}")
    if len(search.text) > TEXT_LIMIT:
        raise InputError(f"a text to search for has at most {TEXT_LIMIT:,} characters")
    for condition in search.conditions:
        check_column(condition.column, schema.names)
        found = schema.field(condition.column)
        _check_operator(condition, found)
        for value in _values(condition):
            if typed_text(value, found) == "nan" and condition.operator in _ORDERED:
                raise InputError(
                    f"column {found.name!r}: NaN is neither smaller nor larger than a number",
                    hint="Ask for `= nan` or `!= nan`",
                    column=found.name,
                )


def where_clause(search: Search, schema: pa.Schema, relation: NumberedRelation) -> Clause:
    """What stands behind WHERE; `true` where every row is wanted."""
    parts = [_condition_clause(c, schema, relation) for c in search.conditions]
    if search.text:
        parts.append(_text_clause(search.text, schema))
    return Clause(
        " AND ".join(part.sql for part in parts) or "true",
        [value for part in parts for value in part.values],
    )


def is_sortable(kind: pa.DataType) -> bool:
    """Whether values of a type have an order that DuckDB knows."""
    return not (pa.types.is_nested(kind) or is_too_wide(kind))


def is_too_wide(kind: pa.DataType) -> bool:
    """Whether DuckDB would round the numbers of a type (E36)."""
    return bool(pa.types.is_decimal(kind) and kind.precision > 38)


def _values(condition: Condition) -> list[str]:
    if not condition.operator.takes_value:
        return []
    return condition.values if condition.operator is Operator.IN else [condition.value]


def _check_operator(condition: Condition, found: pa.Field) -> None:
    kind, operator = found.type, condition.operator
    if operator in _NULLS:
        return
    if pa.types.is_nested(kind) or pa.types.is_duration(kind) or is_too_wide(kind):
        raise _unknown_operator(condition, found, "`is null` and `is not null`")
    if operator in _TEXTS and not pa.types.is_string(kind):
        raise _unknown_operator(condition, found, "`=`, `!=`, `<`, `<=`, `>`, `>=`, `in`")


def _unknown_operator(condition: Condition, found: pa.Field, known: str) -> InputError:
    return InputError(
        f"column {found.name!r} is of type {str(found.type)[:60]}, which knows no"
        f" `{condition.operator}`",
        hint=f"It knows {known}",
        column=found.name,
    )


def _condition_clause(
    condition: Condition, schema: pa.Schema, relation: NumberedRelation
) -> Clause:
    place = schema.names.index(condition.column)
    column, operator = f"c{place}", condition.operator
    if operator in _NULLS:
        return Clause(f"{column} {_NULLS[operator]}")
    if operator in _TEXTS:
        return Clause(f"{_TEXTS[operator]}({column}, ?)", [condition.value])
    values = [typed_text(value, schema.field(place)) for value in _values(condition)]
    if pa.types.is_floating(schema.field(place).type):
        return _number_clause(operator, column, str(relation.types[place]), values)
    given = f"CAST(? AS {relation.types[place]})"
    if operator is Operator.IN:
        return Clause(f"{column} IN ({', '.join([given] * len(values))})", values)
    return Clause(f"{column} {operator} {given}", values)


def _number_clause(operator: Operator, column: str, kind: str, values: list[str]) -> Clause:
    """NaN equals NaN and stands in no order. Footers leave it out of their bounds, by which DuckDB skips row groups."""
    given = f"CAST(? AS {kind})"
    numbers = [value for value in values if value != "nan"]
    if operator in {Operator.EQUAL, Operator.IN, Operator.NOT_EQUAL}:
        parts = [f"{column} IN ({', '.join([given] * len(numbers))})"] if numbers else []
        parts += [f"isnan({column})"] if len(numbers) < len(values) else []
        equal = f"({' OR '.join(parts)})"
        return Clause(f"NOT {equal}" if operator is Operator.NOT_EQUAL else equal, numbers)
    return Clause(f"({column} {operator} {given} AND NOT isnan({column}))", values)


def _text_clause(text: str, schema: pa.Schema) -> Clause:
    columns = [f"c{p}" for p, found in enumerate(schema) if pa.types.is_string(found.type)]
    if not columns:
        return Clause("false")
    sql = " OR ".join(f"contains(lower({column}), lower(?))" for column in columns)
    return Clause(f"({sql})", [text] * len(columns))
