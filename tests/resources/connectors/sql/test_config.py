"""What a connection needs to know is checked before anything is connected to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resources.connectors.sql import SqlConfig, open_table_connector
from resources.kernel.errors import ConfigError, UnknownNameError

SERVER: dict[str, Any] = {"dialect": "postgresql", "host": "h", "database": "d", "username": "u"}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param({"dialect": "sqlite"}, "no database file", id="no path"),
        pytest.param(
            {"dialect": "duckdb", "path": Path(":memory:")}, "no database file", id="memory"
        ),
        pytest.param(
            {"dialect": "sqlite", "path": Path("a.db"), "host": "h"}, "host", id="file and host"
        ),
        pytest.param(
            {"dialect": "postgresql", "host": "h"}, "database, username", id="no database"
        ),
        pytest.param({**SERVER, "path": Path("a.db")}, "path", id="server and path"),
        pytest.param({**SERVER, "read_connections": 0}, "read_connections", id="no connection"),
        pytest.param({**SERVER, "read_timeout_seconds": 0}, "read_timeout_seconds", id="no time"),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        SqlConfig(**fields)


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"duckdb, .*postgresql, .*sqlite"):
        SqlConfig(dialect="foxpro")  # type: ignore[arg-type]  # what a user may write
    with pytest.raises(UnknownNameError, match="sslmode"):
        SqlConfig(**SERVER, options={"options": "-c search_path=x"})


def test_opening_a_connector_connects_to_nothing() -> None:
    connector = open_table_connector("warehouse", SqlConfig(**SERVER, password="s3cret"))
    assert repr(connector) == "PostgresqlConnector('warehouse', 'h:5432/d')"
    assert "s3cret" not in repr(connector.config)
