"""Fixtures: one database of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from resources.connectors.sql import SqlConfig
from tests.resources.connectors.sql.writing.databases import ExportDatabase


@pytest.fixture
def postgresql(postgres_config: SqlConfig) -> ExportDatabase:
    """An empty PostgreSQL database."""
    return ExportDatabase(postgres_config)


@pytest.fixture
def sqlite(tmp_path: Path) -> ExportDatabase:
    """A SQLite file that does not exist yet."""
    return ExportDatabase(SqlConfig("sqlite", path=tmp_path / "warehouse.db"))


@pytest.fixture
def duckdb_file(tmp_path: Path) -> ExportDatabase:
    """A DuckDB file that does not exist yet."""
    return ExportDatabase(SqlConfig("duckdb", path=tmp_path / "warehouse.duckdb"))


@pytest.fixture
def mariadb(mariadb_config: SqlConfig) -> ExportDatabase:
    """An empty MariaDB database."""
    return ExportDatabase(mariadb_config)


@pytest.fixture
def other_postgresql(postgres_config: SqlConfig) -> ExportDatabase:
    """PostgreSQL through the path that every SQLAlchemy driver takes."""
    fields = ("host", "port", "database", "username", "password")
    given = {name: getattr(postgres_config, name) for name in fields}
    return ExportDatabase(SqlConfig("other", driver="postgresql+psycopg", **given))


@pytest.fixture
def other_sqlite(tmp_path: Path) -> ExportDatabase:
    """SQLite through the same path."""
    file = str(tmp_path / "other.db")
    return ExportDatabase(SqlConfig("other", driver="sqlite+pysqlite", database=file))


@pytest.fixture(
    params=[
        "sqlite",
        "duckdb_file",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
        "other_sqlite",
        pytest.param("other_postgresql", marks=pytest.mark.postgres),
    ]
)
def database(request: pytest.FixtureRequest) -> ExportDatabase:
    """Each of them in turn."""
    found: ExportDatabase = request.getfixturevalue(request.param)
    return found
