"""The text of a query: what is quoted in it, where its placeholders are, and whether it can be anything but one SELECT.

Pure text. A database reads quotes and comments in its own way, and a placeholder that is taken for one inside of a text
would put a value in the wrong place; so each dialect says how it reads them (T16, T17).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

from resources.kernel.errors import InputError
from resources.kernel.records import QueryValue, SqlQuery

_LEADING_NOISE = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_FIRST_WORD = re.compile(r"[\s(]*([a-z]+)", re.IGNORECASE)
_READING_WORDS = frozenset({"select", "with", "values", "table", "from"})
_QUOTED = "\x01"  # stands for each sign of what is quoted
_PLACEHOLDER = re.compile(r"(?<![:\w\]\)\x01]):([A-Za-z_]\w*)")
_DOLLAR = re.compile(r"\$(?:[^\W\d]\w*)?\$")
_WITH = re.compile(r"\s*WITH\b", re.IGNORECASE)
_PARENTHESIS = re.compile(r"[()]")
_MORE_TABLES = re.compile(r"\s*(,|AS\b)", re.IGNORECASE)
_WORDS = re.compile(r"\w+|[^\s\w]")
_BEFORE_SELECT = frozenset({"", "UNION", "INTERSECT", "EXCEPT"})
_CLOSING = {"[": "]"}
_BLANKS = (
    "",
    *map(chr, range(33)),
    "\x7f",
)  # what MySQL takes for white space or a control character


@dataclass(frozen=True)
class Syntax:
    """How a database reads quotes and comments, and writes literals.

    Args:
        quotes: marks that begin a text or a name and end it, doubled inside; `[` ends with `]`.
        escapes: marks between which a backslash takes the next character's meaning away.
        e_strings: it does so in texts that an `E` stands before.
        dollars: texts between `$tag$` marks.
        hashes: `#` begins a comment.
        blank_after_dashes: `--` begins a comment only before a blank or the end: `5--1` is a sum.
        nested: comments may hold comments.
        raw_prefixes: a letter `q` or `r` before a quote changes how the text ends; such queries take no parameters.
        paths: a colon leads into a value: `v:field`.
        text: a text literal.
        date: a date literal.
        timestamp: a literal of a date and time without a zone.
        zoned: the same in UTC.
        booleans: true and false.
    """

    quotes: str = "'\""
    escapes: str = ""
    e_strings: bool = False
    dollars: bool = False
    hashes: bool = False
    blank_after_dashes: bool = False
    nested: bool = False
    raw_prefixes: str = ""
    paths: bool = False
    text: str = "'{}'"
    date: str = "DATE '{}'"
    timestamp: str = "TIMESTAMP '{}'"
    zoned: str = "TIMESTAMP WITH TIME ZONE '{}+00:00'"
    booleans: tuple[str, str] = ("TRUE", "FALSE")


_ANY_SYNTAX = Syntax(hashes=True, nested=True)
POSTGRESQL = Syntax(e_strings=True, dollars=True, nested=True)
SQLITE = Syntax(quotes="'\"`[", date="'{}'", timestamp="'{}'", zoned="'{}+00:00'")
DUCKDB = Syntax(e_strings=True, dollars=True, nested=True)
MYSQL = Syntax(
    quotes="'\"`", escapes="'\"", hashes=True, blank_after_dashes=True, zoned="TIMESTAMP '{}'"
)
MSSQL = Syntax(
    quotes="'\"[",
    nested=True,
    text="N'{}'",
    date="CAST('{}' AS date)",
    timestamp="CAST('{}' AS datetime2)",
    zoned="CAST('{}+00:00' AS datetimeoffset)",
    booleans=("1", "0"),
)
ORACLE = Syntax(raw_prefixes="qQ", zoned="TIMESTAMP '{} +00:00'", booleans=("1", "0"))
SNOWFLAKE = Syntax(escapes="'", dollars=True, paths=True, zoned="'{} +00:00'::TIMESTAMP_TZ")
BIGQUERY = Syntax(
    quotes="'\"`",
    escapes="'\"`",
    hashes=True,
    raw_prefixes="rR",
    timestamp="DATETIME '{}'",
    zoned="TIMESTAMP '{}+00:00'",
)


def check_query(query: str, *, where: str, syntax: Syntax | None = None) -> str:
    """The query without a closing semicolon and what is said behind it, if it begins like one that reads (T17).

    This gives the clear error. What holds is the database: a single statement, read-only.

    Args:
        query: the text.
        where: the place, for the error.
        syntax: how the database reads comments; without it, what any of them takes for one is passed over.

    Raises:
        InputError: it is empty, or begins with a word that writes.
    """
    text = query.strip()
    code = code_of(text, syntax or _ANY_SYNTAX)
    if syntax is not None and code is not None:
        if code.rstrip().endswith(";"):
            code = code.rstrip("; \t\r\n\f")
            text = text[: len(code)]
    else:
        while text.endswith(";"):
            text = text[:-1].rstrip()
    noise = _LEADING_NOISE.match(text)
    word = _FIRST_WORD.match(code) if code else _FIRST_WORD.match(text, noise.end() if noise else 0)
    if not word or "\0" in text:
        raise InputError(f"{where}: not a SELECT statement", hint="Give a single SELECT statement")
    if word[1].lower() not in _READING_WORDS:
        raise InputError(
            f"{where}: a query may only read, and this one begins with {word[1].upper()}",
            hint="Give a single SELECT statement (WITH, VALUES and TABLE may start it)",
        )
    return text


def masked(query: str, syntax: Syntax, *, where: str) -> str:
    """The query with signs without meaning for what is quoted in it, and blanks for comments; as long as it was.

    Raises:
        InputError: a quote or a comment that is not closed.
    """
    parts, start, at = [], 0, 0
    while at < len(query):
        end = _quoted_end(query, at, syntax)
        if end is None:
            at += 1
            continue
        if end < 0:
            raise InputError(
                f"{where}: a quote or comment is not closed", hint="Close it: see the query's end"
            )
        filler = _QUOTED if query[at] in syntax.quotes or query[at] == "$" else " "
        parts += [query[start:at], filler * (end - at)]
        start = at = end
    return "".join([*parts, query[start:]])


def code_of(query: str, syntax: Syntax) -> str | None:
    """As `masked`; None where the text cannot be told apart for sure: the database is then to judge it."""
    if syntax.raw_prefixes and _has_marks_of_its_own(query, syntax):
        return None
    try:
        return masked(query, syntax, where="query")
    except InputError:
        return None


def _quoted_end(query: str, at: int, syntax: Syntax) -> int | None:
    """Where what begins at `at` ends; None when nothing quoted begins there, -1 when it does not end."""
    mark = query[at]
    if _begins_comment(query, at, syntax):
        line_end = query.find("\n", at)
        return len(query) if line_end < 0 else line_end
    if query.startswith("/*", at):
        return _comment_end(query, at, nested=syntax.nested)
    if mark in syntax.quotes:
        escapes = mark in syntax.escapes
        escapes = escapes or (mark == "'" and syntax.e_strings and _after_e(query, at))
        return _closing(query, at, _CLOSING.get(mark, mark), escapes=escapes)
    if mark == "$" and syntax.dollars and (tag := _DOLLAR.match(query, at)):
        if at and (query[at - 1].isalnum() or query[at - 1] in "_$"):
            return None
        end = query.find(tag[0], tag.end())
        return -1 if end < 0 else end + len(tag[0])
    return None


def _begins_comment(query: str, at: int, syntax: Syntax) -> bool:
    """Whether a comment to the end of the line begins there."""
    if query[at] == "#" and syntax.hashes:
        return True
    if not query.startswith("--", at):
        return False
    return not syntax.blank_after_dashes or query[at + 2 : at + 3] in _BLANKS


def _after_e(query: str, at: int) -> bool:
    before = query[at - 1 : at]
    return before in ("e", "E") and not (
        at > 1 and (query[at - 2].isalnum() or query[at - 2] == "_")
    )


def _comment_end(query: str, at: int, *, nested: bool) -> int:
    depth, at = 1, at + 2
    while depth:
        close, begin = query.find("*/", at), query.find("/*", at) if nested else -1
        if close < 0:
            return -1
        if 0 <= begin < close:
            depth, at = depth + 1, begin + 2
        else:
            depth, at = depth - 1, close + 2
    return at


def _closing(query: str, at: int, mark: str, *, escapes: bool) -> int:
    at += 1
    while at < len(query):
        if escapes and query[at] == "\\":
            at += 2
        elif query[at] == mark:
            if query[at + 1 : at + 2] != mark:
                return at + 1
            at += 2
        else:
            at += 1
    return -1


def check_enclosable(query: str, syntax: Syntax, *, where: str) -> None:
    """Refuses a text that could leave the parentheses it is put between, or that holds a second statement (T17).

    Raises:
        InputError: a semicolon, or parentheses that do not match.
    """
    depth = 0
    for sign in masked(query, syntax, where=where):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0 or sign == ";":
            what = "a semicolon" if sign == ";" else "a parenthesis that nothing opened"
            raise InputError(f"{where}: {what} stands in it", hint="Give a single SELECT statement")
    if depth:
        raise InputError(f"{where}: a parenthesis is not closed", hint="Give a single SELECT")


def split_with(query: str, syntax: Syntax, *, where: str) -> tuple[str, str]:
    """`WITH a AS (...), b AS (...)` and the statement behind it; an empty text and the query when it has none."""
    code = masked(query, syntax, where=where)
    if not _WITH.match(code):
        return "", query
    depth = 0
    for found in _PARENTHESIS.finditer(code):
        depth += 1 if found[0] == "(" else -1
        if depth == 0 and not _MORE_TABLES.match(code, found.end()):
            return query[: found.end()], query[found.end() :]
    return "", query


def with_selects_as_tables(query: str, syntax: Syntax) -> str:
    """`(SELECT a) UNION ALL (SELECT b)` with `SELECT * FROM` before each pair of parentheses that is a query itself."""
    code = code_of(query, syntax)
    if code is None:
        return query
    depth, before, parts, start = 0, "", [], 0
    for found in _WORDS.finditer(code):
        sign = found[0].upper()
        if sign == "(" and depth == 0 and before in _BEFORE_SELECT:
            parts += [query[start : found.start()], "SELECT * FROM "]
            start = found.start()
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if (before, sign) != ("UNION", "ALL"):
            before = sign
    return "".join([*parts, query[start:]])


class Bound(NamedTuple):
    """A query with its placeholders found: code and placeholders by turns, in order."""

    parts: Sequence[str]
    names: Sequence[str]
    """The placeholder behind each part but the last."""


def find_placeholders(query: str, syntax: Syntax, *, where: str) -> Bound:
    """Where `:name` stands in the code of a query."""
    parts, names, start = [], [], 0
    for found in _PLACEHOLDER.finditer(masked(query, syntax, where=where)):
        parts.append(query[start : found.start()])
        names.append(found[1])
        start = found.end()
    return Bound([*parts, query[start:]], names)


def bound_query(query: SqlQuery, syntax: Syntax, *, where: str) -> Bound:
    """The placeholders of a query that has parameters, each of which has a value.

    Raises:
        InputError: a placeholder without a value or a value without a placeholder; no value is shown.
    """
    if not query.parameters:
        if names := _placeholders_alone(query.text, syntax):
            raise InputError(
                f"{where}: no value is given for :{', :'.join(names)}",
                hint="Give each placeholder outside of quotes one value under `parameters`",
            )
        return Bound([query.text], [])
    if syntax.raw_prefixes and _has_marks_of_its_own(query.text, syntax):
        raise InputError(
            f"{where}: a query with parameters cannot hold texts like {syntax.raw_prefixes[0]}'...'",
            hint="Write them as plain texts",
        )
    bound = find_placeholders(query.text, syntax, where=where)
    unknown = sorted(set(bound.names) - set(query.parameters))
    unused = sorted(set(query.parameters) - set(bound.names))
    if unknown or unused:
        raise InputError(
            f"{where}: "
            + (f"no value is given for :{', :'.join(unknown)}" if unknown else "")
            + ("; " if unknown and unused else "")
            + (f"the query has no :{', :'.join(unused)}" if unused else ""),
            hint="Give each placeholder outside of quotes one value under `parameters`",
        )
    return bound


def _placeholders_alone(query: str, syntax: Syntax) -> list[str]:
    """Placeholders of a query without parameters; inside of brackets a colon may mean a slice or a key."""
    code = None if syntax.paths else code_of(query, syntax)
    found = _PLACEHOLDER.finditer(code or "")
    return list(dict.fromkeys(f[1] for f in found if not _is_bracketed(str(code)[: f.start()])))


def _is_bracketed(before: str) -> bool:
    return any(before.count(mark) > before.count(end) for mark, end in ("[]", "{}"))


def _has_marks_of_its_own(query: str, syntax: Syntax) -> bool:
    """Whether texts may end otherwise than `quotes` say: `q'[...]'`, `r'...'`, three quotes in a row."""
    prefixed = re.search(rf"\b[{syntax.raw_prefixes}][bB]?['\"]", query)
    return bool(prefixed or (syntax.escapes and re.search("'''|\"\"\"", query)))


def with_literals(query: SqlQuery, syntax: Syntax, *, where: str) -> str:
    """The query with its values written into it, for protocols that take no parameters.

    Raises:
        InputError: a placeholder without a value, or a value that has no literal.
    """
    bound = bound_query(query, syntax, where=where)
    literals = {
        name: literal(value, syntax, where=f"{where}: parameter {name!r}")
        for name, value in query.parameters.items()
    }
    text = bound.parts[0]
    for name, part in zip(bound.names, bound.parts[1:], strict=True):
        text += literals[name] + part
    return text


def literal(value: QueryValue, syntax: Syntax, *, where: str) -> str:
    """`value` as it stands in a statement of this database.

    Raises:
        InputError: a NUL character, or a number that is none; the value is not shown.
    """
    if value is None:
        return "NULL"
    for kind, write in _LITERALS.items():
        if isinstance(value, kind):
            return write(value, syntax, where)
    raise InputError(f"{where} is a {type(value).__name__}, which has no literal")


def _text(value: str, syntax: Syntax, where: str) -> str:
    if "\0" in value:
        raise InputError(f"{where} holds a NUL character")
    if syntax.escapes:
        value = value.replace("\\", "\\\\")
        # BigQuery knows no doubled quotes; all that escape by a backslash take this form.
        return syntax.text.format(value.replace("'", "\\'").replace("\n", "\\n"))
    return syntax.text.format(value.replace("'", "''"))


def _number(value: int | float | Decimal, _syntax: Syntax, where: str) -> str:
    if not math.isfinite(value):
        raise InputError(f"{where} is not a finite number", hint="Write it into the query")
    # In parentheses: a minus behind a minus would begin a comment.
    return f"({value!r})" if isinstance(value, float) else f"({value!s})"


def _moment(value: datetime, syntax: Syntax, _where: str) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
        return syntax.zoned.format(value.isoformat(sep=" "))
    return syntax.timestamp.format(value.isoformat(sep=" "))


_LITERALS: Mapping[type, Callable[..., str]] = {
    bool: lambda value, syntax, _where: syntax.booleans[0 if value else 1],
    str: _text,
    int: _number,
    float: _number,
    Decimal: _number,
    datetime: _moment,
    date: lambda value, syntax, _where: syntax.date.format(value.isoformat()),
}
