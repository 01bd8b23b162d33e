"""Did a contender deliver the rows? Sums over what it left behind, against those of the data it was given.

A fast copy that loses nulls or cuts notes is no copy: the report says so beside its time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import duckdb

FACTS: dict[str, str] = {
    "rows": "count(*)",
    "id": "sum(id)",
    "dep_time": "sum(dep_time)",
    "missing tailnum": "count(*) - count(tailnum)",
    "price": "sum(price)",
    "cancelled": "sum(CASE WHEN cancelled THEN 1 ELSE 0 END)",
    "empty note": "count(*) - count(note)",
    "note characters": "sum(length(note))",
    "flight_date": "sum(flight_date - DATE '2013-01-01')",
    "updated_at": "sum(EXTRACT(epoch FROM updated_at))",
}
"""Name and SQL, in words that DuckDB and PostgreSQL share."""

_CAST_DATE = "sum(CAST(flight_date AS DATE) - DATE '2013-01-01')"


def facts_query(source: str) -> str:
    """The query that computes `FACTS` over a table or file list."""
    columns = ", ".join(
        f"CAST({_CAST_DATE if name == 'flight_date' else sql} AS DOUBLE PRECISION)"
        for name, sql in FACTS.items()
    )
    return f"SELECT {columns} FROM {source}"


def parquet_facts(files: Sequence[Path]) -> dict[str, float]:
    """`FACTS` of Parquet files together."""
    listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")
        values = connection.execute(facts_query(f"read_parquet([{listed}])")).fetchall()[0]
    return dict(zip(FACTS, (float(value or 0) for value in values), strict=True))


def differences(expected: dict[str, float], found: dict[str, float]) -> list[str]:
    """What differs, in words; empty when the rows are the same."""
    return [
        f"{name}: {found.get(name, math.nan):,.0f} instead of {value:,.0f}"
        for name, value in expected.items()
        if not math.isclose(value, found.get(name, math.nan), rel_tol=1e-9, abs_tol=0.01)
    ]
