"""The tables that contenders read and write in the benchmark's PostgreSQL server."""

from __future__ import annotations

import os

from benchmarks.checks import FACTS, facts_query
from benchmarks.inputs import COLUMNS, Inputs
from benchmarks.postgres import run_sql
from benchmarks.task import Server

TARGET = "flights_copy"
PEER_SCHEMA = "bench"
"""Where dlt keeps its tables."""


def load(server: Server, inputs: Inputs) -> None:
    """Makes the table of `inputs` and its binary COPY file; both are as a quiet database has them."""
    create(server, inputs.table)
    run_sql(
        server,
        f"\\copy {inputs.table} FROM '{inputs.csv}' WITH (FORMAT csv, HEADER)",
        f"VACUUM (ANALYZE, FREEZE) {inputs.table}",
        f"\\copy {inputs.table} TO '{inputs.binary}' WITH (FORMAT binary)",
        "CHECKPOINT",
    )


def create(server: Server, table: str) -> None:
    """Makes an empty table with the columns of the benchmark's data, without keys or indexes."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
    run_sql(server, f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} ({columns})")


def prepare_target(server: Server, *, before: str, source: str) -> None:
    """Puts the target table into the state a contender starts from: `none`, `empty` or `filled`."""
    remove_targets(server)
    if before != "none":
        create(server, TARGET)
    if before == "filled":
        run_sql(
            server,
            f"INSERT INTO {TARGET} SELECT * FROM {source}",
            f"VACUUM (ANALYZE) {TARGET}",
        )
    run_sql(server, "CHECKPOINT")
    os.sync()


def remove_targets(server: Server) -> None:
    """Removes what a contender wrote."""
    run_sql(
        server,
        "SET client_min_messages = error",
        f"DROP TABLE IF EXISTS {TARGET}",
        f"DROP SCHEMA IF EXISTS {PEER_SCHEMA} CASCADE",
        f"DROP SCHEMA IF EXISTS {PEER_SCHEMA}_staging CASCADE",
    )


def table_facts(server: Server, table: str) -> dict[str, float]:
    """`checks.FACTS` of a table."""
    values = run_sql(server, facts_query(table)).split("|")
    return dict(zip(FACTS, (float(value or 0) for value in values), strict=True))
