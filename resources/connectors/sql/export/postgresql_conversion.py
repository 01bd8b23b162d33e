"""PostgreSQL: values that change their type, tried in the staging table before the table itself is touched.

A cast to `varchar(3)` cuts, to `numeric(5,1)` or `timestamp(0)` rounds, and says nothing; a text that is no uuid stops the
whole statement without row or column. So each such column is cast once, looked at, and its first misfit is named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from resources.connectors.sql.export.conversion import first_refused, row_column, unfit
from resources.connectors.sql.export.plan import Cast
from resources.connectors.sql.names import quote_identifier

if TYPE_CHECKING:
    from resources.connectors.sql.export.postgresql import PostgresqlSession

_PARAMETERS = re.compile(r"\(\d+(?:,-?\d+)?\)")
_KEPT_AS_WRITTEN = re.compile(r'(?:date|time|timestamp|name|"char")\b')
"""Types that read a text in one of several ways, or cut it: what they print must be what was sent."""


def numbered(session: PostgresqlSession) -> str:
    """The column that numbers the rows of the staging table."""
    return f"{quote_identifier(row_column(session.job))} bigint GENERATED ALWAYS AS IDENTITY"


def check_casts(session: PostgresqlSession, casts: Sequence[Cast], staging: str) -> None:
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
    firsts = ", ".join(f"min({row}) FILTER (WHERE {changes(cast)})" for cast in casts)
    found = session.attempt(f"SELECT {firsts} FROM {staging}")
    if isinstance(found, str):
        for cast in casts:
            _check_alone(session, cast, staging)
        return
    for cast, first in zip(casts, found[0], strict=True):
        if first is not None:
            _complain(session, cast, staging, int(str(first)))


def _check_alone(session: PostgresqlSession, cast: Cast, staging: str) -> None:
    """Finds the row for which the server gave up, if it is this column's."""
    row, condition = quote_identifier(row_column(session.job)), changes(cast)
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
    session: PostgresqlSession, cast: Cast, staging: str, row: int, said: str = ""
) -> None:
    number, quoted = quote_identifier(row_column(session.job)), quote_identifier(cast.column.name)
    ((value,),) = session.execute(
        f"SELECT left({quoted}::text, 100) FROM {staging} WHERE {number} = {row}"
    )
    raise unfit(session.job, cast, row, value, said)


def changes(cast: Cast) -> str:
    """SQL for whether a staged value would be another one in its column."""
    value, target = quote_identifier(cast.column.name), cast.type
    cast_value = f"CAST({value} AS {target})"
    if cast.column.type.sql not in ("text", "text[]"):
        sent = cast.column.type.sql
        return f"CAST({cast_value} AS {sent}) IS DISTINCT FROM CAST({value} AS {sent})"
    if target == "money":
        return f"CAST({cast_value} AS numeric) IS DISTINCT FROM CAST({value} AS numeric)"
    if _KEPT_AS_WRITTEN.match(target):
        return f"CAST({cast_value} AS text) IS DISTINCT FROM CAST({value} AS text)"
    free = unlimited(target)
    if (
        free == target
    ):  # it reads a text in one way alone, or refuses it: a look at the cast is enough
        return f"({cast_value} IS NULL) <> ({value} IS NULL)"
    return f"{cast_value} IS DISTINCT FROM CAST({value} AS {free})"


def unlimited(target: str) -> str:
    """The type without its limits: `numeric(5,2)[]` -> `numeric[]`."""
    plain = _PARAMETERS.sub("", target)
    if plain == target:
        return target
    element = plain.removesuffix("[]")
    return f"{_UNLIMITED.get(element, element)}{plain[len(element) :]}"


_UNLIMITED = {"character varying": "varchar", "character": "bpchar", "bit": "varbit"}
