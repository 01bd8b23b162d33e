"""What lists say about where a database is."""

from __future__ import annotations

import pytest

from resources.connectors.sql.component import SqlConnectorResource


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        ({"dialect": "postgresql", "host": "db", "database": "dwh"}, "db:5432/dwh"),
        ({"dialect": "mariadb", "host": "db", "port": 3307, "database": "dwh"}, "db:3307/dwh"),
        ({"dialect": "oracle", "host": "db", "service_name": "XE"}, "db:1521/XE"),
        ({"dialect": "other", "driver": "trino", "host": "db", "database": "hive"}, "db/hive"),
        ({"dialect": "sqlite", "path": "shop.sqlite"}, "shop.sqlite"),
        ({"dialect": "bigquery", "project": "warehouse-1"}, "warehouse-1"),
    ],
)
def test_the_place_is_the_one_that_is_gone_to(fields, target):
    resource = SqlConnectorResource(connector_name="crm", **fields)
    declared = {field: str(value) for field, value in vars(resource).items()}
    assert resource.place(declared) == (fields["dialect"], target)
