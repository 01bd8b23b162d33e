"""What DuckDB's binder says about a statement, in words that name the dataset, its columns and what was probably meant."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pyarrow as pa
import sqlglot
from sqlglot import exp

from assets.transforms.statement import DIALECT, Statement

DESCRIBE = "DESCRIBE "
"""What stood before the statement when the error was raised."""

_SHOWN = 30
_LIMIT = 300
_NO_COLUMN = (
    re.compile(r'Referenced column "(?P<name>.+?)" not found', re.DOTALL),
    re.compile(r"Referenced column (?P<name>.+?) not found", re.DOTALL),
    re.compile(
        r'(?:Table|Values list) "(?P<table>.+?)" does not have a column named "(?P<name>.+?)"(?:\n|$)',
        re.DOTALL,
    ),
    re.compile(r'Column "(?P<name>.+?)" in (?:EXCLUDE|REPLACE|RENAME) list not found', re.DOTALL),
    re.compile(r'Column "(?P<name>.+?)" does not exist on (?:left|right) side of join', re.DOTALL),
)
"""DuckDB's ways to say it; another one is shown as it stands."""


@dataclass(frozen=True)
class Misfit:
    """Why a statement does not fit its inputs."""

    text: str
    hint: str = ""
    offset: int | None = None
    """The character of the SQL where it is; None where DuckDB does not say."""


def explain(error: Exception, statement: Statement, tables: Mapping[str, pa.Schema]) -> Misfit:
    """What an error of a connection with `errors_as_json` says.

    Args:
        error: what DuckDB raised.
        statement: what was bound.
        tables: columns of each input.
    """
    said = _parsed(error)
    message = str(said.get("exception_message", ""))
    offset = _offset(said.get("position"), statement.sql)
    for pattern in _NO_COLUMN:
        if found := pattern.search(message):
            groups = found.groupdict()
            return _no_column(
                groups["name"], groups.get("table"), message, offset, statement, tables
            )
    return Misfit(_shortened(message), offset=offset)


def _no_column(
    name: str,
    alias: str | None,
    message: str,
    offset: int | None,
    statement: Statement,
    tables: Mapping[str, pa.Schema],
) -> Misfit:
    columns = {table: list(schema.names) for table, schema in tables.items()}
    meant = [*_tables_called(alias, statement)] if alias else list(statement.inputs)
    hidden = any(_folded(name) in map(_folded, columns[table]) for table in meant)
    if hidden or not meant:
        where = f" in {alias!r}" if alias and not meant else " that could be used here"
        return Misfit(f"there is no column {name!r}{where}", _candidates(message), offset)
    near = _nearest(name, [column for table in meant for column in columns[table]])
    listed = ". ".join(f"Columns of {table}: {_listed(columns[table])}" for table in meant)
    return Misfit(
        f"there is no column {name!r} in {' or '.join(meant)}",
        (f"Did you mean {near!r}? " if near else "") + listed,
        offset,
    )


def _tables_called(alias: str, statement: Statement) -> list[str]:
    """The input that an alias stands for; none when it is the name of something else too."""
    tree = sqlglot.parse_one(statement.sql, dialect=DIALECT)
    inner = [e.alias for e in tree.find_all(exp.CTE, exp.Subquery) if e.alias]
    if alias.casefold() in map(str.casefold, inner):
        return []
    found = {
        table.name
        for table in tree.find_all(exp.Table)
        if table.alias_or_name.casefold() == alias.casefold()
    }
    return list(found) if len(found) == 1 and found <= set(statement.inputs) else []


def _candidates(message: str) -> str:
    """What DuckDB proposes itself."""
    _, found, listed = message.partition("Candidate bindings:")
    names = re.findall(r'"([^"]+)"', listed)
    return f"Did you mean {', '.join(map(repr, names[:5]))}?" if found and names else ""


def _folded(name: str) -> str:
    """Names that DuckDB takes for the same one: it knows upper and lower case of ASCII alone."""
    return "".join(char.lower() if char.isascii() else char for char in name)


def _nearest(name: str, known: Sequence[str]) -> str:
    folded = {column.casefold(): column for column in known}
    near = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def reason_of(error: Exception) -> str:
    """What an error of a connection with `errors_as_json` says, in one line."""
    return _shortened(str(_parsed(error)["exception_message"]))


def _parsed(error: Exception) -> Mapping[str, object]:
    kind, _, text = str(error).partition(": ")
    try:
        said = json.loads(text)
    except ValueError:  # not all of them are JSON
        said = None
    return said if isinstance(said, dict) else {"exception_message": text or kind}


def _offset(position: object, sql: str) -> int | None:
    """DuckDB counts bytes."""
    if not isinstance(position, str) or not position.isdecimal():
        return None
    within = int(position) - len(DESCRIBE)
    return len(sql.encode()[:within].decode(errors="ignore")) if within >= 0 else None


def _shortened(text: str) -> str:
    """In one line, without the list of all functions of a name."""
    line = " ".join(text.partition("Candidate functions:")[0].split())
    return line if len(line) <= _LIMIT else line[: _LIMIT - 1] + "…"
