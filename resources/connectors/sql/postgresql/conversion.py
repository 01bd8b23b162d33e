"""PostgreSQL: values that change their type, tried in the staging table before the table itself is touched.

A cast to `varchar(3)` cuts, to `numeric(5,1)` or `timestamp(0)` rounds, and says nothing; a text that is no uuid stops the
whole statement without row or column. So each such column is cast once, looked at, and its first misfit is named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from resources.connectors.sql.names import quote_identifier
from resources.connectors.sql.postgresql.write_session import PostgresqlWriteSession
from resources.connectors.sql.writing.conversion import (
    FINER_THAN_MICROSECONDS,
    first_refused,
    row_column,
    unfit,
)
from resources.connectors.sql.writing.plan import Cast

_PARAMETERS = re.compile(r"\(\d+(?:,-?\d+)?\)")
_KEPT_AS_WRITTEN = re.compile(r'(?:date|time|timestamp|name|real|double precision)\b|"char"')
"""Types that read a text in one of several ways, cut or round it: what they print must be what was sent."""

_COMPOSITES = """
SELECT format_type(t.oid, NULL) FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
WHERE coalesce(e.typtype, t.typtype) = 'c' AND format_type(t.oid, NULL) = ANY ($1)
"""
"""Rows whose fields may cut and round: their text must come back, too."""

_YEAR_OR_DAY_FIRST = r"(^|[^0-9])[0-9]{1,3}[-/.][0-9]{1,2}[-/.][0-9]"
_ROUNDS = re.compile(r"interval\b|ts(?:tz)?(?:multi)?range")
_DATES = re.compile(r"(?:date|ts|tstz)(?:multi)?range")


def numbered(session: PostgresqlWriteSession) -> str:
    """The column that numbers the rows of the staging table."""
    return f"{quote_identifier(row_column(session.job))} bigint GENERATED ALWAYS AS IDENTITY"


def check_casts(session: PostgresqlWriteSession, casts: Sequence[Cast], staging: str) -> None:
    """Finds a value that its column would not take as it is.

    Args:
        session: inside its transaction.
        casts: the columns.
        staging: quoted name of the table in which the rows wait, numbered.

    Raises:
        InputError: naming row, column and value.
    """
    if not casts:
        return
    row = quote_identifier(row_column(session.job))
    listed = session.execute(_COMPOSITES, [cast.type for cast in casts])
    composites = frozenset(str(name) for (name,) in listed)
    conditions = [changes(cast, composites) for cast in casts]
    firsts = ", ".join(f"min({row}) FILTER (WHERE {condition})" for condition in conditions)
    found = session.attempt(f"SELECT {firsts} FROM {staging}")
    if isinstance(found, str):
        for cast, condition in zip(casts, conditions, strict=True):
            _check_alone(session, cast, staging, condition)
        return
    for cast, first in zip(casts, found[0], strict=True):
        if first is not None:
            _complain(session, cast, staging, int(str(first)))


def _check_alone(session: PostgresqlWriteSession, cast: Cast, staging: str, condition: str) -> None:
    """Finds the row for which the server gave up, if it is this column's."""
    row = quote_identifier(row_column(session.job))
    said = session.attempt(f"SELECT count(*) FROM {staging} WHERE {condition}")
    if not isinstance(said, str):
        return

    def accepts(low: int, high: int) -> bool:
        within = f"{row} BETWEEN {low} AND {high}"
        counted = f"count(*) FILTER (WHERE {condition})"
        return not isinstance(
            session.attempt(f"SELECT {counted} FROM {staging} WHERE {within}"), str
        )

    _complain(session, cast, staging, first_refused(session.job.source.rows, accepts), said)


def _complain(
    session: PostgresqlWriteSession, cast: Cast, staging: str, row: int, said: str = ""
) -> None:
    number, quoted = quote_identifier(row_column(session.job)), quote_identifier(cast.column.name)
    ((value,),) = session.execute(
        f"SELECT left({quoted}::text, 100) FROM {staging} WHERE {number} = {row}"
    )
    raise unfit(session.job, cast, row, value, said)


def changes(cast: Cast, composites: frozenset[str] = frozenset()) -> str:
    """SQL for whether a staged value would be another one in its column.

    Args:
        cast: the column.
        composites: types whose values are rows.
    """
    value, target = quote_identifier(cast.column.name), cast.type
    cast_value = f"CAST({value} AS {target})"
    if cast.column.type.sql not in ("text", "text[]"):
        sent = cast.column.type.sql
        return f"CAST({cast_value} AS {sent}) IS DISTINCT FROM CAST({value} AS {sent})"
    if target in composites or _KEPT_AS_WRITTEN.match(target):
        return f"CAST({cast_value} AS text) IS DISTINCT FROM CAST({value} AS text)"
    free = unlimited(target)
    if free == target:
        # It reads a text in one way alone, or refuses it: a look at the cast is enough.
        differs = f"({cast_value} IS NULL) <> ({value} IS NULL)"
    else:
        differs = f"CAST({cast_value} AS {free}) IS DISTINCT FROM CAST({value} AS {free})"
    return " OR ".join([differs, *_odd_spellings(value, target)])


def _odd_spellings(value: str, target: str) -> list[str]:
    """Conditions for texts that a type reads but does not keep: it rounds them, or guesses what is the year."""
    found = [(_ROUNDS, FINER_THAN_MICROSECONDS), (_DATES, _YEAR_OR_DAY_FIRST)]
    return [f"CAST({value} AS text) ~ '{odd}'" for kinds, odd in found if kinds.match(target)]


def unlimited(target: str) -> str:
    """The type without its limits: `numeric(5,2)[]` -> `numeric[]`, `interval year` -> `interval`."""
    plain = _PARAMETERS.sub("", target)
    element = plain.removesuffix("[]")
    suffix = plain[len(element) :]
    if element.startswith("interval "):
        element = "interval"
    if element == "money" or plain != target:
        element = _UNLIMITED.get(element, element)
    return f"{element}{suffix}"


_UNLIMITED = {
    "character varying": "varchar",
    "character": "bpchar",
    "bit": "varbit",
    "money": "numeric",
}
