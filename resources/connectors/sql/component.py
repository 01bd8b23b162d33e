"""A database as a connector in YAML and in Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from resources.connectors.base import Connector
from resources.connectors.component import ConnectorComponent, Holds, Secret, secret_value
from resources.connectors.resource import ConnectorResource, Place, from_home
from resources.connectors.sql.config import is_secret_option
from resources.connectors.sql.dialects import DIALECTS, FIELDS, Dialect
from resources.kernel.errors import ConfigError, UnknownNameError
from resources.kernel.records import WriteMode

_SECRETS = ("password", "credentials_json", "key_password")


class SqlConnectorResource(ConnectorResource):
    """A database."""

    dialect: Dialect
    path: str = ""
    host: str = ""
    port: int = 0
    database: str = ""
    username: str = ""
    password: str = ""
    db_schema: str = ""
    service_name: str = ""
    account: str = ""
    warehouse: str = ""
    role: str = ""
    project: str = ""
    dataset: str = ""
    credentials_json: str = ""
    key_password: str = ""
    driver: str = ""
    options: dict[str, str] = Field(default_factory=dict)

    def connect(self) -> Connector:
        """The database; a relative path starts at Waybill's home folder."""
        from resources.connectors.sql import SqlConfig, open_table_connector

        given: dict[str, Any] = {name: getattr(self, _yaml_name(name)) or None for name in FIELDS}
        given["path"] = from_home(self.path) if self.path else None
        config = SqlConfig(dialect=self.dialect, options=dict(self.options), **given)
        return open_table_connector(self.connector_name, config)

    def place(self, declared: Mapping[str, str]) -> Place:
        """The file, the account or project, or `host:port/database`."""
        kind = declared["dialect"]
        for name in ("path", "account", "project"):
            if declared[name]:
                return Place(kind, declared[name])
        database = declared["database"] or declared["service_name"]
        if not declared["host"]:
            return Place(kind, f"{declared['driver']}/{database}")
        return Place(kind, f"{declared['host']}:{declared['port']}/{database}")


class SqlConnectorComponent(ConnectorComponent):
    """An SQL database: PostgreSQL, MySQL, MariaDB, SQLite, DuckDB, SQL Server, Oracle, Snowflake, BigQuery, or another."""

    dialect: Dialect
    path: str = ""
    """File of an SQLite or DuckDB database; a relative path starts at Waybill's home folder."""
    host: str = ""
    port: int | str = 0
    database: str = ""
    username: str = ""
    password: Secret = None
    """`{env: NAME}`: the name of an environment variable. A literal is refused."""
    db_schema: str = ""
    """Schema where tables without one are looked for; the user's default when empty."""
    service_name: str = ""
    """Oracle's name of the database."""
    account: str = ""
    """Snowflake's account identifier: `myorg-account123`."""
    warehouse: str = ""
    role: str = ""
    project: str = ""
    """Google Cloud project that BigQuery runs in."""
    dataset: str = ""
    credentials_json: Secret = None
    """`{env: NAME}` of a service account's key as JSON; Google's default credentials when left out."""
    key_password: Secret = None
    """`{env: NAME}` of the password of an encrypted private key or wallet."""
    driver: str = ""
    """With `dialect: other`: SQLAlchemy's name of dialect and driver, `cockroachdb+psycopg` or `trino`."""
    options: dict[str, str] = Field(default_factory=dict)
    """Options of the driver, such as `sslmode`; no secrets."""

    @property
    def holds(self) -> Holds:
        """Tables."""
        return "tables"

    @property
    def kind(self) -> str:
        """The database's own icon."""
        return DIALECTS[self.dialect].icon or self.dialect

    def refusal(self, mode: WriteMode) -> str:
        """Why an exporter of this mode cannot write there; empty when it can."""
        spec = DIALECTS[self.dialect]
        if spec.export:
            from resources.connectors.sql.export.modes import refused_mode

            return refused_mode(self.dialect, self.driver, mode)
        return f"{spec.title} is read only here: {spec.refusal}"

    def resource(self, where: str) -> ConnectorResource:
        """The database's resource, after the fields were checked against the dialect."""
        fields = {name: getattr(self, name) for name in map(_yaml_name, FIELDS)}
        for name in _SECRETS:
            fields[name] = secret_value(fields[name], name, where)
        self._check_fields(where)
        self._check_options(where)
        fields["port"] = int(self.port or 0)
        return SqlConnectorResource(
            connector_name=self.name, dialect=self.dialect, options=self.options, **fields
        )

    def _check_fields(self, where: str) -> None:
        spec = DIALECTS[self.dialect]
        given = [name for name in FIELDS if getattr(self, _yaml_name(name))]
        missing = [_yaml_name(name) for name in spec.needs if name not in given]
        useless = [_yaml_name(name) for name in given if name not in (*spec.needs, *spec.takes)]
        if missing or useless:
            needs = ", ".join(map(_yaml_name, spec.needs))
            takes = ", ".join(map(_yaml_name, spec.takes))
            raise ConfigError(
                f"{where}: connector {self.name!r} ({self.dialect})"
                + (f" lacks {', '.join(missing)}" if missing else "")
                + (f" takes no {', '.join(useless)}" if useless else ""),
                hint=f"A {self.dialect} connector needs {needs}"
                + (f", and takes {takes}" if takes else ""),
            )
        if not str(self.port or 0).isdecimal() or int(self.port or 0) > 65_535:
            raise ConfigError(
                f"{where}: connector {self.name!r}: port {str(self.port)[:20]!r} is not one",
                hint="A number up to 65535; leave it out for the database's usual one",
            )

    def _check_options(self, where: str) -> None:
        spec = DIALECTS[self.dialect]
        for name in self.options:
            if is_secret_option(name):
                raise ConfigError(
                    f"{where}: connector {self.name!r}: the option {name!r} holds a secret;"
                    " a literal or a template is refused",
                    hint="Use `password: {env: NAME}` or `key_password: {env: NAME}`",
                )
            if spec.options is not None and name not in spec.options:
                raise UnknownNameError(f"option of {spec.title}", name, spec.options, where=where)


def _yaml_name(field: str) -> str:
    """`schema` is a name that pydantic keeps for itself."""
    return "db_schema" if field == "schema" else field
