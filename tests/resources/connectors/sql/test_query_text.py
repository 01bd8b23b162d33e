"""Where a query's quotes and comments end, which placeholders it has, and what is written in their place."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.connectors.sql import query_text as q
from resources.connectors.sql.query_text import check_query
from resources.kernel.errors import InputError
from resources.kernel.records import SqlQuery


def names(text: str, syntax: q.Syntax = q.POSTGRESQL) -> list[str]:
    return list(q.find_placeholders(text, syntax, where="w").names)


@pytest.mark.parametrize(
    ("text", "syntax", "found"),
    [
        ("SELECT :a, b::int, :b_1", q.POSTGRESQL, ["a", "b_1"]),
        ("SELECT ':a', \":b\", 'it''s :c', :d", q.POSTGRESQL, ["d"]),
        (r"SELECT E'it\'s :a', :b, 'c:\', :c", q.POSTGRESQL, ["b", "c"]),
        ("SELECT $x$ :a $y$ :b $x$, $$ :c $$, :d", q.POSTGRESQL, ["d"]),
        ("SELECT /* :a /* :b */ :c */ :d -- :e\n, :f", q.POSTGRESQL, ["d", "f"]),
        ("SELECT /* :a /* :b */ :c", q.SQLITE, ["c"]),
        (r"SELECT 'it\'s :a', `:b`, :c # :d", q.MYSQL, ["c"]),
        ("SELECT [a:b ' ], :c, '--', :d", q.MSSQL, ["c", "d"]),
        ('SELECT v:field, "v":field, x[1]:y, :z FROM t', q.SNOWFLAKE, ["z"]),
        ("SELECT {'a':1, 'b':c}, a[1:n], :x", q.DUCKDB, ["x"]),
        ("SELECT `a\\`:b`, :c", q.BIGQUERY, ["c"]),
    ],
)
def test_placeholders(text: str, syntax: q.Syntax, found: list[str]) -> None:
    assert names(text, syntax) == found


@pytest.mark.parametrize("text", ["SELECT 'a", 'SELECT "a', "SELECT /* a", "SELECT $$ a"])
def test_what_is_not_closed_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not closed"):
        names(text)


@pytest.mark.parametrize(
    "text",
    ["SELECT 1; SELECT 2", "SELECT 1)", "SELECT 1) FROM (SELECT 2", "SELECT (1", "SELECT ')' ) --("],
)  # fmt: skip
def test_what_could_leave_its_parentheses_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        q.check_enclosable(text, q.MSSQL, where="w")


def test_what_stays_within_its_parentheses_passes() -> None:
    q.check_enclosable("SELECT ';)' AS [a;)] /* ;) */ FROM (SELECT 1) t -- ;)", q.MSSQL, where="w")


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("SELECT 1", ""),
        ("WITH a AS (SELECT 1) SELECT * FROM a", "WITH a AS (SELECT 1)"),
        ("with a (x) as (SELECT ')') , [b,c] AS (SELECT (2)) SELECT 3", "with a (x) as (SELECT ')') , [b,c] AS (SELECT (2))"),
        ("WITH a AS (SELECT 1) DELETE FROM t", "WITH a AS (SELECT 1)"),
    ],
)  # fmt: skip
def test_common_tables_are_split_off(text: str, tables: str) -> None:
    found, rest = q.split_with(text, q.MSSQL, where="w")
    assert found == tables
    assert found + rest == text


MOMENT = dt.datetime(2024, 2, 29, 12, 30, 0, 5)  # noqa: DTZ001 - no zone
ZONED = dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))


@pytest.mark.parametrize(
    ("value", "syntax", "text"),
    [
        (None, q.MSSQL, "NULL"),
        (True, q.MSSQL, "1"),
        (False, q.POSTGRESQL, "FALSE"),
        (-5, q.POSTGRESQL, "(-5)"),
        (1e-7, q.DUCKDB, "(1e-07)"),
        (Decimal("-1.50"), q.MYSQL, "(-1.50)"),
        ("it's \\", q.POSTGRESQL, "'it''s \\'"),
        ("it's \\", q.MYSQL, r"'it\'s \\'"),
        ("it's ☃", q.MSSQL, "N'it''s ☃'"),
        (dt.date(2024, 2, 29), q.SQLITE, "'2024-02-29'"),
        (dt.date(2024, 2, 29), q.ORACLE, "DATE '2024-02-29'"),
        (MOMENT, q.BIGQUERY, "DATETIME '2024-02-29 12:30:00.000005'"),
        (MOMENT, q.MSSQL, "CAST('2024-02-29 12:30:00.000005' AS datetime2)"),
        (ZONED, q.POSTGRESQL, "TIMESTAMP WITH TIME ZONE '2024-02-29 10:30:00+00:00'"),
        (ZONED, q.ORACLE, "TIMESTAMP '2024-02-29 10:30:00 +00:00'"),
    ],
)
def test_literals(value: Any, syntax: q.Syntax, text: str) -> None:
    assert q.literal(value, syntax, where="w") == text


SYNTAXES = [q.POSTGRESQL, q.SQLITE, q.DUCKDB, q.MYSQL, q.MSSQL, q.ORACLE, q.SNOWFLAKE, q.BIGQUERY]


@given(st.text(st.characters(exclude_characters="\0")), st.sampled_from(SYNTAXES))
def test_no_text_leaves_its_quotes(value: str, syntax: q.Syntax) -> None:
    """T16: whatever the value, the statement around it is what it was."""
    text = q.with_literals(SqlQuery("SELECT :a AS x", {"a": value}), syntax, where="w")
    assert text.startswith("SELECT ")
    assert text.endswith(" AS x")
    code = q.masked(text, syntax, where="w").replace("N\x01", "\x01")
    assert code.replace("\x01", "") == "SELECT  AS x"


def test_texts_with_marks_of_their_own_take_no_parameters() -> None:
    with pytest.raises(InputError, match="cannot hold texts like"):
        q.with_literals(SqlQuery("SELECT q'[it's :a]', :a", {"a": 1}), q.ORACLE, where="w")


def test_dashes_without_a_blank_are_no_comment_in_mysql() -> None:
    """T16: what MySQL reads as a text is none of our comments, so that no value is written into it."""
    query = SqlQuery("SELECT 1--':x\n:x' AS a", {"x": ", user() -- "})
    with pytest.raises(InputError, match="has no :x"):
        q.with_literals(query, q.MYSQL, where="query")
    assert q.find_placeholders("SELECT 5--:n, :m -- :o\n, :p --", q.MYSQL, where="query").names == [
        "n",
        "m",
        "p",
    ]


@pytest.mark.parametrize(
    ("text", "syntax", "kept"),
    [
        ("select 1 as a; -- done", q.POSTGRESQL, "select 1 as a"),
        ("select 1 as a ; /* x */ ;\n", q.DUCKDB, "select 1 as a"),
        ("select 1 as a; # done", q.MYSQL, "select 1 as a"),
        ("select ';' -- ;", q.POSTGRESQL, "select ';' -- ;"),
        ("select $$a; --$$", q.POSTGRESQL, "select $$a; --$$"),
        ("/* a /* nested */ comment */ select 1", q.POSTGRESQL, None),
        ("# a comment\nselect 1", q.MYSQL, None),
        ("( -- why\n select 1)", q.POSTGRESQL, None),
        ("select q'[it's; --]' from dual", q.ORACLE, None),
        ("select 'not closed; --", q.POSTGRESQL, None),
    ],
)
def test_what_stands_around_a_query_is_no_part_of_it(text, syntax, kept) -> None:
    """F9."""
    assert check_query(text, where="w", syntax=syntax) == (text if kept is None else kept)
    check_query(text, where="w")  # at load, where no dialect is known


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a SELECT"),
        ("-- nothing", "not a SELECT"),
        ("/* select */ delete from t", "begins with DELETE"),
        ("select 1; delete from t; -- x", None),
    ],
)
def test_what_does_not_read_is_refused_behind_any_comment(text: str, said: str | None) -> None:
    if said is None:
        assert "delete" in check_query(
            text, where="w", syntax=q.POSTGRESQL
        )  # the database refuses it
        return
    for syntax in (None, q.POSTGRESQL):
        with pytest.raises(InputError, match=said):
            check_query(text, where="w", syntax=syntax)


@pytest.mark.parametrize(
    ("text", "syntax", "missing"),
    [
        ("SELECT :a, :b, :a", q.POSTGRESQL, ":a, :b"),
        ("SELECT ':a', b::int, x[1:n], x[lo :hi] -- :c", q.POSTGRESQL, None),
        ("SELECT {'a' :b}", q.DUCKDB, None),
        ("SELECT v :field", q.SNOWFLAKE, None),
        ("SELECT * FROM t WHERE a = :a", q.MYSQL, ":a"),
        ("SELECT 'it :a", q.SQLITE, None),
    ],
)
def test_a_placeholder_without_any_parameters_is_named(text, syntax, missing) -> None:
    if missing is None:
        assert q.with_literals(SqlQuery(text), syntax, where="w") == text
        return
    with pytest.raises(
        InputError, match=f"no value is given for {missing}$|{missing}\\."
    ) as caught:
        q.with_literals(SqlQuery(text), syntax, where="w")
    assert "parameters" in str(caught.value)
