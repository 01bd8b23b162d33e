"""What lists say about where a database is, and that an attribute is called alike in YAML, errors and code."""

from __future__ import annotations

import pytest

from resources.connectors.sql.component import SqlConnectorComponent, SqlConnectorResource
from resources.connectors.sql.dialects import DIALECTS, FIELDS
from resources.kernel.errors import ConfigError
from tests.project import project


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


def test_every_field_of_a_dialect_is_an_attribute_of_that_name():
    told = {name for spec in DIALECTS.values() for name in (*spec.needs, *spec.takes)}
    assert told == set(FIELDS)
    assert told <= set(SqlConnectorComponent.get_model_cls().model_fields)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        pytest.param(
            "schema: dbo", "unknown field 'schema'. Did you mean 'db_schema'?", id="as elsewhere"
        ),
        pytest.param("db_schema: dbo", "takes no db_schema", id="of no use"),
        pytest.param("db_schema: 'mysql://u:p@h'", "takes no db_schema", id="a URL"),
    ],
)
def test_an_error_calls_the_schema_as_yaml_does(attribute, message):
    text = f"""
type: resources.SqlConnector
attributes: {{name: events, dialect: bigquery, project: p, {attribute}}}
"""
    with pytest.raises(ConfigError) as caught, project(text):
        pass
    assert message in str(caught.value).replace("\n", " ")


def test_what_is_missing_and_what_is_of_no_use_are_told_apart():
    text = """
type: resources.SqlConnector
attributes: {name: shop, dialect: sqlite, database: shop, host: h}
"""
    told = r"connector 'shop' \(sqlite\) lacks path, and takes no host, database"
    with pytest.raises(ConfigError, match=told), project(text):
        pass
