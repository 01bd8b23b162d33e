"""The DuckDB that a transform's SQL meets: it spills to a scratch folder, and opens nothing but what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resources.kernel.quoting import quoted_text

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "2GB"  # beyond it DuckDB spills to a scratch folder


def open_sandbox(
    scratch: str, *, memory: str = MEMORY_LIMIT, spill: str = ""
) -> duckdb.DuckDBPyConnection:
    """A database in memory, not locked in yet.

    Args:
        scratch: the folder that it spills to.
        memory: beyond which it spills.
        spill: most that the folder may take; what the disk has by default.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": scratch,
    }
    if spill:
        config["max_temp_directory_size"] = spill
    connection = duckdb.connect(config=config)
    # It would draw one on standard output, where answers are.
    connection.execute("SET enable_progress_bar = false")
    return connection


def lock_in(connection: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    """A second wall behind the statement's own: DuckDB may open the files of these folders and nothing else."""
    listed = ", ".join(quoted_text(str(folder)) for folder in folders)
    connection.execute(f"SET allowed_directories = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
