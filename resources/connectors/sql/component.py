"""A database as a connector in YAML and in Dagster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import dagster as dg
from pydantic import Field

from resources.connectors.base import Connector
from resources.connectors.component import ConnectorComponent, Secret, secret_value
from resources.connectors.resource import ConnectorResource, Holds, Place, from_home
from resources.connectors.sql.declared import (
    check_limits,
    check_options,
    check_place,
    refused_table,
)
from resources.connectors.sql.dialects import DIALECTS, FIELDS, LIMITS, Dialect, DialectSpec
from resources.connectors.sql.examples import EXAMPLES
from resources.declared import Variant
from resources.kernel.errors import ConfigError, WaybillError
from resources.kernel.records import WriteMode

_SECRETS = ("password", "credentials_json", "key_password")
# Judged by us: the schema's own refusal would repeat what was given (T27).
Anything = Annotated[
    Any, dg.Resolver(lambda context, value: context.resolve_value(value), model_field_type=Any)
]
_PLACE = tuple(name for name in FIELDS if name not in _SECRETS)


def _yaml_name(field: str) -> str:
    """`schema` is a name that pydantic keeps for itself."""
    return "db_schema" if field == "schema" else field


def _variant(spec: DialectSpec) -> Variant:
    """What a dialect takes, in the words of YAML."""
    options = () if spec.options is not None and not spec.options else ("options",)
    needs, takes = (tuple(map(_yaml_name, names)) for names in (spec.needs, spec.takes))
    return Variant(spec.title, needs, takes, (*options, *spec.limits))


class SqlConnectorResource(ConnectorResource):
    """A database."""

    holds: ClassVar[Holds] = "tables"
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
    limits: dict[str, int] = Field(default_factory=dict)
    """Time limits and connections that are not the usual ones."""

    def connect(self) -> Connector:
        """The database; a relative path starts at Waybill's home folder."""
        from resources.connectors.sql import SqlConfig, open_table_connector

        given: dict[str, Any] = {name: getattr(self, name) or None for name in FIELDS}
        given["path"] = from_home(self.path) if self.path else None
        given |= self.limits
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
        port = (
            declared["port"] if declared["port"] != "0" else str(DIALECTS[self.dialect].port or "")
        )
        return Place(kind, f"{declared['host']}{port and ':'}{port}/{database}")


class SqlConnectorComponent(ConnectorComponent):
    """An SQL database: PostgreSQL, MySQL, MariaDB, SQLite, DuckDB, SQL Server, Oracle, Snowflake, BigQuery, or another."""

    examples: ClassVar[tuple[str, ...]] = EXAMPLES
    decides: ClassVar[str] = "dialect"
    variants: ClassVar[Mapping[str, Variant]] = {
        name: _variant(spec) for name, spec in DIALECTS.items()
    }

    dialect: Dialect
    """Which database it is; each takes fields of its own (docs/connectors.md)."""
    path: str = ""
    """File of an SQLite or DuckDB database; a relative path starts at Waybill's home folder."""
    host: str = ""
    """Name or address of the server."""
    port: Anything = 0
    """Its port; the database's usual one when left out."""
    database: str = ""
    """Which of the server's databases."""
    username: str = ""
    """The account there."""
    password: Secret = None
    """`{env: NAME}`: the name of an environment variable. A literal is refused."""
    db_schema: str = ""
    """Schema where tables without one are looked for; the user's default when empty."""
    service_name: str = ""
    """Oracle's name of the database."""
    account: str = ""
    """Snowflake's account identifier: `myorg-account123`."""
    warehouse: str = ""
    """Snowflake's warehouse that computes."""
    role: str = ""
    """Snowflake's role; the user's default when left out."""
    project: str = ""
    """Google Cloud project that BigQuery runs in."""
    dataset: str = ""
    """BigQuery's dataset where tables without one are looked for."""
    credentials_json: Secret = None
    """`{env: NAME}` of a service account's key as JSON; Google's default credentials when left out."""
    key_password: Secret = None
    """`{env: NAME}` of the password of an encrypted private key or wallet."""
    driver: str = ""
    """With `dialect: other`: SQLAlchemy's name of dialect and driver, `cockroachdb+psycopg` or `trino`."""
    options: Anything = Field(default_factory=dict)
    """Options of the driver, such as `sslmode`; no secrets."""
    connect_timeout_seconds: int | None = None
    """How long a connection may take to open; 10 when left out."""
    read_timeout_seconds: int | None = None
    """Longest silence of the server while it is read; 300 when left out."""
    lock_timeout_seconds: int | None = None
    """How long to wait for a table or file that another session holds; 30 when left out."""
    statement_timeout_seconds: int | None = None
    """Longest run of one statement; no limit when left out. A data source's own `timeout_seconds` comes first."""
    read_connections: int | None = None
    """PostgreSQL: connections that read one large table together; 2 when left out."""

    @property
    def holds(self) -> Holds:
        """Tables."""
        return "tables"

    @property
    def can_truncate(self) -> bool:
        """PostgreSQL alone undoes a TRUNCATE with its transaction."""
        return self.dialect == "postgresql"

    @property
    def kind(self) -> str:
        """The database's own icon."""
        return DIALECTS[self.dialect].icon or self.dialect

    def refusal(self, mode: WriteMode) -> str:
        """Why an exporter of this mode cannot write there; empty when it can."""
        spec = DIALECTS[self.dialect]
        if not spec.refusal:
            from resources.connectors.sql.writing.modes import refused_mode

            return refused_mode(self.dialect, self.driver, mode)
        return f"{spec.title} is read only here: {spec.refusal}"

    def refused_table(self, table: str) -> str:
        """Why no exporter can write a table of this name there; empty when one can."""
        return refused_table(self.dialect, self.driver, table)

    def resource(self, where: str) -> ConnectorResource:
        """The database's resource, after the fields were checked against the dialect."""
        fields = {name: getattr(self, name) for name in FIELDS}
        for name in _SECRETS:
            fields[name] = secret_value(fields[name], name, where)
        self._check_fields(where)
        try:
            check_place(self.dialect, {name: getattr(self, name) for name in _PLACE})
            options = check_options(self.dialect, self.options)
            limits = check_limits(self.dialect, {name: getattr(self, name) for name in LIMITS})
        except WaybillError as error:
            attribute = error.facts.get("attribute", "options")
            raise ConfigError(error.message, hint=error.hint, attribute=attribute) from error
        fields["port"] = int(self.port or 0)
        return SqlConnectorResource(
            connector_name=self.name,
            dialect=self.dialect,
            options=options,
            limits=limits,
            **fields,
        )

    def _check_fields(self, where: str) -> None:
        spec = DIALECTS[self.dialect]
        given = [name for name in FIELDS if getattr(self, name)]
        missing = [name for name in spec.needs if name not in given]
        useless = [name for name in given if name not in (*spec.needs, *spec.takes)]
        problems = [f"lacks {', '.join(missing)}"] if missing else []
        problems += [f"takes no {', '.join(useless)}"] if useless else []
        if problems:
            needs = ", ".join(spec.needs)
            takes = ", ".join(spec.takes)
            raise ConfigError(
                f"{where}: connector {self.name!r} ({self.dialect}) {', and '.join(problems)}",
                hint=f"A {self.dialect} connector needs {needs}"
                + (f", and takes {takes}" if takes else ""),
            )
