"""What a declaration says is judged when the project loads: with file and line, and without repeating a secret (T23, T27)."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from resources.connectors.sql import open_table_connector
from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.declared import (
    check_limits,
    check_options,
    check_place,
    refused_table,
)
from resources.connectors.sql.dialects import DIALECTS, FILE_DIALECTS
from resources.connectors.sql.writing.modes import name_limit
from resources.kernel.errors import ConfigError, UnknownNameError
from tests.project import project

SECRET = "canary-8814"
SERVER = "dialect: postgresql, host: h, database: d, username: u"


@pytest.mark.parametrize(
    ("dialect", "field", "value"),
    [
        ("postgresql", "host", f"postgresql://u:{SECRET}@h/x"),
        ("postgresql", "host", f"u:{SECRET}@h"),
        ("postgresql", "database", f"postgresql://u:{SECRET}@h/x"),
        ("mysql", "username", f"mysql://u:{SECRET}@h"),
        ("other", "driver", f"postgresql://u:{SECRET}@h/x"),
        ("other", "driver", f"u:{SECRET}@h"),
        ("other", "driver", "post gres"),
        ("bigquery", "host", f"https://u:{SECRET}@h"),
    ],
)
def test_a_url_in_a_field_is_refused_and_not_repeated(dialect: Any, field: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_place(dialect, {field: value})
    assert SECRET not in str(caught.value)
    assert caught.value.facts["attribute"] == field


@pytest.mark.parametrize(
    "host",
    ["localhost:5432", "db..example.com", ".example.com", "a" * 64 + ".com", "a b", "[::1]", "h/x"],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="host"):
        check_place("mysql", {"host": host})


@pytest.mark.parametrize(
    ("dialect", "host"),
    [
        ("postgresql", "db.example.com."),
        ("postgresql", "/var/run/postgresql"),
        ("mysql", "::1"),
        ("mssql", "fe80::1%eth0"),
        ("oracle", "my_host"),
        ("mariadb", "bücher.example"),
        ("bigquery", "http://127.0.0.1:9050"),
    ],
)
def test_hosts_of_all_kinds_are_taken(dialect: Any, host: str) -> None:
    check_place(dialect, {"host": host, "port": 0})


@pytest.mark.parametrize("port", ["abc", -1, 70_000, "1.5", True])
def test_what_is_no_port_is_refused(port: object) -> None:
    with pytest.raises(ConfigError, match="port"):
        check_place("mysql", {"host": "h", "port": port})


def test_options_are_texts_in_the_end_and_their_words_are_known() -> None:
    assert check_options("bigquery", {"maximum_bytes_billed": 10_000, "location": "EU"}) == {
        "maximum_bytes_billed": "10000",
        "location": "EU",
    }
    assert check_options("oracle", {"ssl_server_dn_match": True}) == {"ssl_server_dn_match": "true"}
    with pytest.raises(UnknownNameError, match="verify-full"):
        check_options("postgresql", {"sslmode": "verify_full"})
    with pytest.raises(UnknownNameError, match="verify_identity"):
        check_options("mariadb", {"ssl_mode": "verify-full"})
    with pytest.raises(ConfigError, match="not a text"):
        check_options("other", {"a": [1]})


@pytest.mark.parametrize("name", ["password", "jwt", "sas", "pat", "access_key", "sslpassword"])
def test_an_option_that_holds_a_secret_is_refused(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_options("other", {name: SECRET})
    assert SECRET not in str(caught.value)


def test_limits_that_mean_nothing_there_are_refused() -> None:
    assert check_limits("postgresql", {"read_connections": 4, "read_timeout_seconds": None}) == {
        "read_connections": 4
    }
    with pytest.raises(ConfigError, match="read_connections means nothing for MySQL"):
        check_limits("mysql", {"read_connections": 4})
    with pytest.raises(ConfigError, match="at least 1"):
        check_limits("sqlite", {"lock_timeout_seconds": 0})


@pytest.mark.parametrize(
    "dialect", [d for d in DIALECTS if not DIALECTS[d].refusal and d != "other"]
)
def test_the_limit_of_names_is_the_connectors_own(dialect: Any) -> None:
    """E38: what is refused at load is what the run would refuse."""
    fields: dict[str, Any] = dict.fromkeys(DIALECTS[dialect].needs, "x")
    if dialect in FILE_DIALECTS:
        fields["path"] = "x.db"
    connector = open_table_connector("c", SqlConfig(dialect=dialect, **fields))
    assert connector.max_identifier == name_limit(dialect, "")


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "sqlite+pysqlite"])
def test_the_limit_of_names_is_the_familys_own(driver: str) -> None:
    connector = open_table_connector("c", SqlConfig(dialect="other", driver=driver))
    assert connector.max_identifier == name_limit("other", driver)


def test_names_that_cannot_be_written_are_told_with_the_reason() -> None:
    assert refused_table("postgresql", "", "é" * 31) == ""
    assert "64 bytes long" in refused_table("postgresql", "", "é" * 32)
    assert "Waybill's own" in refused_table("mysql", "", "_exports")
    assert "';'" in refused_table("sqlite", "", "a; drop table b")


def _error(yaml: str) -> str:
    """Everything that is said about a project which does not load."""
    with pytest.raises(Exception) as caught, project(yaml):  # noqa: PT011 - Dagster wraps it
        pass
    return "".join(traceback.format_exception(caught.value))


class TestYaml:
    def test_a_mistake_is_shown_with_its_line(self) -> None:
        yaml = "type: resources.SqlConnector\nattributes:\n  name: a\n  dialect: postgresql\n  host: h:1\n"
        assert "defs.yaml:5: connector 'a': host 'h:1' holds a port" in _error(
            yaml + "  database: d\n  username: u\n"
        )

    @pytest.mark.parametrize(
        "attributes",
        [
            f"{{name: a, dialect: other, driver: 'postgresql://u:{SECRET}@h/x'}}",
            f"{{name: a, {SERVER}, options: {{sslpassword: {SECRET}}}}}",
            f"{{name: a, {SERVER}, port: [{SECRET}]}}",
            f"{{name: a, {SERVER}, options: {SECRET}}}",
            f"{{name: a, {SERVER}, password: {SECRET}}}",
            f"{{name: a, {SERVER}, pasword: {SECRET}}}",
        ],
    )
    def test_no_error_repeats_what_may_be_a_secret(self, attributes: str) -> None:
        """T27: neither our words nor those of the YAML's schema."""
        said = _error(f"type: resources.SqlConnector\nattributes: {attributes}\n")
        assert SECRET not in said

    def test_limits_reach_the_connection(self) -> None:
        attributes = (
            f"{{name: a, {SERVER}, connect_timeout_seconds: 3, read_timeout_seconds: 4,"
            " lock_timeout_seconds: 5, statement_timeout_seconds: 6, read_connections: 7}"
        )
        yaml = f"type: resources.SqlConnector\nattributes: {attributes}\n"
        with project(yaml) as definitions:
            config = definitions.resources["a"].connect().config
        found = [getattr(config, name) for name in DIALECTS["postgresql"].limits]
        assert found == [3, 4, 5, 6, 7]

    def test_a_table_that_cannot_be_written_is_refused_at_load(self) -> None:
        """E38."""
        said = _error(f"""
type: resources.SqlConnector
attributes: {{name: w, {SERVER}}}
---
type: resources.FolderConnector
attributes: {{name: lake, root: lake}}
---
type: assets.Datasource
attributes: {{name: o, connector: lake, path: o.csv}}
---
type: assets.Dataset
attributes: {{name: o, datasource: o}}
---
type: assets.Exporter
attributes:
  name: out
  dataset: o
  connector: w
  table: sales.{"x" * 64}
""")
        assert "defs.yaml:19: exporter 'out': the table name" in said
        assert "64 bytes long" in said

    @pytest.mark.parametrize(
        ("connector", "attributes"),
        [
            pytest.param(f"{{name: w, {SERVER}}}", "mode: append", id="no old rows go"),
            pytest.param(f"{{name: w, {SERVER}}}", "mode: overwrite}", id="negative"),
            pytest.param("{name: w, dialect: sqlite, path: x.db}", "mode: overwrite", id="sqlite"),
        ],
    )
    def test_truncating_is_asked_for_where_it_means_something(
        self, connector: str, attributes: str
    ) -> None:
        limit = -1 if attributes.endswith("}") else 10
        said = _error(f"""
type: resources.SqlConnector
attributes: {connector}
---
type: resources.FolderConnector
attributes: {{name: lake, root: lake}}
---
type: assets.Datasource
attributes: {{name: o, connector: lake, path: o.csv}}
---
type: assets.Dataset
attributes: {{name: o, datasource: o}}
---
type: assets.Exporter
attributes:
  {{name: out, dataset: o, connector: w, table: t, truncate_above: {limit}, {attributes.strip("}")}}}
""")
        assert "exporter 'out': `truncate_above` is a number of old rows" in said
