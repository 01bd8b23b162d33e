"""The DuckDB that a transform's SQL meets: it spills to a scratch folder, and opens nothing but what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "2GB"  # beyond it DuckDB spills to a scratch folder


def open_sandbox(scratch: str) -> duckdb.DuckDBPyConnection:
    """A database in memory, not locked in yet."""
    import duckdb

    return duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "temp_directory": scratch})


def lock_in(connection: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    """A second wall behind the statement's own: DuckDB may open the files of these folders and nothing else."""
    listed = ", ".join("'" + str(folder).replace("'", "''") + "'" for folder in folders)
    connection.execute(f"SET allowed_directories = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
