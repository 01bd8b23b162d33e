"""MySQL: values that change their type, tried on a temporary table with the target's own types, then compared.

Strict mode is not trusted to refuse what does not fit: `INSERT ... SELECT` of a longtext into a text keeps its length
modulo 65,536 and says nothing (MariaDB 10.11), dates lose their fractions, and an enum takes another spelling.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from resources.connectors.sql.mysql.write_session import MysqlWriteSession
from resources.connectors.sql.mysql.written_types import (
    octet_limit,
    text_limit,
    trims_blanks,
    type_family,
)
from resources.connectors.sql.names import quote_identifier, staging_name
from resources.connectors.sql.writing.conversion import row_column, unfit
from resources.connectors.sql.writing.plan import Cast
from resources.kernel.errors import InputError

_NUMBERS_AS_BITS = frozenset({"bit", "year"})
_AS_SENT = frozenset({"longblob"})
_TEXTS = frozenset({"longtext", "json"})


def check_casts(session: MysqlWriteSession, casts: Sequence[Cast], staging: str) -> None:
    """Finds a value that its column would not take as it is.

    Args:
        session: the export.
        casts: the columns.
        staging: quoted name of the table in which the rows wait, numbered.

    Raises:
        InputError: naming row, column and value.
    """
    for cast in casts:
        _check_lengths(session, cast, staging)
    if casts:
        _compare(session, casts, staging)


def numbered(session: MysqlWriteSession) -> str:
    """The column that numbers the rows of the staging table."""
    return f"{quote_identifier(row_column(session.job))} BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY"


def _check_lengths(session: MysqlWriteSession, cast: Cast, staging: str) -> None:
    """Counts texts that are too long for their column, or that would lose blanks at their end."""
    quoted, problems = quote_identifier(cast.column.name), []
    if (limit := text_limit(cast.type)) is not None:
        words = f"are longer than the {limit} characters of the table"
        problems.append((f"char_length({quoted}) > {limit}", words))
    if (limit := octet_limit(cast.type)) is not None:
        words = f"are longer than the {limit:,} bytes of {cast.type}"
        problems.append((f"octet_length({quoted}) > {limit}", words))
    if trims_blanks(cast.type) and cast.column.type.sql == "longtext":
        problems.append((f"{quoted} LIKE '% '", f"end in blanks, which {cast.type} loses"))
    for condition, words in problems:
        ((count,),) = session.execute(f"SELECT count(*) FROM {staging} WHERE {condition}")
        if count:
            kind = "texts" if cast.column.type.sql in _TEXTS else "values"
            raise InputError(
                f"{session.job.doing}: {count:,} {kind} of column {cast.column.name!r} {words};"
                " nothing was written",
                hint="Change the column's type, or the values in a transform",
                column=cast.column.name,
            )


def _compare(session: MysqlWriteSession, casts: Sequence[Cast], staging: str) -> None:
    table = session.qualified(session.job.table.name)
    trial = session.qualified(staging_name(session.job.table.name, "trial"))
    row = quote_identifier(row_column(session.job))
    theirs = ", ".join(quote_identifier(cast.name) for cast in casts)
    ours = ", ".join(quote_identifier(cast.column.name) for cast in casts)
    session.execute(
        f"CREATE TEMPORARY TABLE {trial} ({row} BIGINT UNSIGNED DEFAULT 0 PRIMARY KEY) ENGINE = InnoDB"
        f" AS SELECT {theirs} FROM {table} LIMIT 0"
    )
    session.change(f"INSERT INTO {trial} ({row}, {theirs}) SELECT {row}, {ours} FROM {staging}")
    firsts = ", ".join(f"min(CASE WHEN NOT {_is_same(cast)} THEN s.{row} END)" for cast in casts)
    (found,) = session.execute(
        f"SELECT {firsts} FROM {staging} s JOIN {trial} t ON t.{row} = s.{row}"
    )
    for cast, first in zip(casts, found, strict=True):
        if first is not None:
            _complain(session, cast, staging, int(str(first)))
    session.execute(f"DROP TEMPORARY TABLE {trial}")


def _is_same(cast: Cast) -> str:
    """SQL for whether a converted value is the one that was sent."""
    ours, theirs = f"s.{quote_identifier(cast.column.name)}", f"t.{quote_identifier(cast.name)}"
    sent, family = cast.column.type.sql, type_family(cast.type)
    if sent in _AS_SENT:
        return f"(CAST({theirs} AS BINARY) <=> {ours})"
    if sent in _TEXTS and family == "decimal":
        return _is_same_decimal(ours, theirs, cast.type)
    if sent in _TEXTS:
        text = f"CONVERT({theirs} USING utf8mb4)"
        if family == "uuid":  # a number: its digits have no case
            text, ours = f"lower({text})", f"lower({ours})"
        return f"(CAST({text} AS BINARY) <=> CAST({ours} AS BINARY))"
    if family in _NUMBERS_AS_BITS:
        return f"({theirs} + 0 <=> {ours})"
    return f"({theirs} <=> {ours})"


def _is_same_decimal(ours: str, theirs: str, kind: str) -> str:
    """The text's number is the column's: none of its digits lies beyond the scale, where both sides would round it."""
    found = re.search(r",\s*(\d+)\)", kind)
    scale = int(found[1]) if found else 0
    beyond = f"[eE]|[.][0-9]{{{scale}}}[0-9]*[1-9]"
    same = f"{theirs} <=> CAST({ours} AS DECIMAL(65,{scale}))"
    return f"({same} AND NOT coalesce({ours} REGEXP '{beyond}', 0))"


def _complain(session: MysqlWriteSession, cast: Cast, staging: str, first: int) -> None:
    row, quoted = quote_identifier(row_column(session.job)), quote_identifier(cast.column.name)
    ((value,),) = session.execute(f"SELECT {quoted} FROM {staging} WHERE {row} = {first}")
    ((number,),) = session.execute(f"SELECT count(*) FROM {staging} WHERE {row} <= {first}")
    raise unfit(session.job, cast, int(str(number)), value)
