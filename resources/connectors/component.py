"""Connectors in YAML. Thin: fields in, one resource out."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import dagster as dg
from pydantic import BaseModel, ConfigDict

from resources.connectors.resource import (
    ConnectorResource,
    Dialect,
    FolderConnectorResource,
    S3ConnectorResource,
    SqlConnectorResource,
)
from resources.kernel.errors import ConfigError
from resources.kernel.keys import check_name
from resources.references import NamedComponent, declared, position

Holds = Literal["files", "tables"]

# Taken as written, templates unrendered: `{{ env.X }}` would put the value into the repository's snapshot.
# What stands there is judged in `build_defs`, where an error can name the place without printing the value.
Secret = Annotated[
    Any,
    dg.Resolver(lambda _context, value: value, model_field_type=Any, inject_before_resolve=False),
]


RESERVED = ("store", "io_manager", "handles")
"""Resource keys of the project itself."""


class ConnectorComponent(dg.Component, dg.Model, dg.Resolvable, NamedComponent):
    """What every connector's component has: a name, and a resource under that name."""

    name: str
    description: str = ""

    @classmethod
    def get_model_cls(cls) -> type[BaseModel] | None:
        """The schema of the YAML, unknown fields taken.

        Refusing them is left to `load`: the schema's own refusal would print the value, which may be a secret
        under a misspelt name (T27).
        """
        strict = super().get_model_cls()
        return strict and type(
            strict.__name__,
            (strict,),
            {"model_config": ConfigDict(extra="allow"), "__module__": strict.__module__},
        )

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """The component from its YAML.

        Raises:
            ConfigError: unknown fields, by name and place.
        """
        unknown = sorted((attributes and attributes.model_extra) or {})
        if attributes is not None and unknown:
            known = ", ".join(type(attributes).model_fields)
            raise ConfigError(
                f"{position(context, unknown[0])}: unknown field {', '.join(map(repr, unknown))}",
                hint=f"Known: {known}",
            )
        return super().load(attributes, context)

    @property
    def holds(self) -> Holds:
        """Whether datasources on this connector name paths or tables."""
        return "files"

    @property
    def kind(self) -> str:
        """The icon in the UI."""
        raise NotImplementedError

    def resource(self, where: str) -> ConnectorResource:
        """The Dagster resource; `where` is the place in YAML for error texts."""
        raise NotImplementedError

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One resource whose key is the connector's name."""
        where = position(context, "name")
        check_name("connector", self.name, where=where)
        declared(context, ConnectorComponent, noun="connector")
        if self.name in RESERVED:
            raise ConfigError(
                f"{where}: {self.name!r} is a name that the project itself uses",
                hint=f"Call the connector otherwise; reserved are {', '.join(RESERVED)}",
            )
        return dg.Definitions(resources={self.name: self.resource(where)})


class FolderConnectorComponent(ConnectorComponent):
    """A folder on this machine (or a mounted share) as a bucket of files."""

    root: str
    """The folder; a relative path starts at Waybill's home folder."""

    @property
    def kind(self) -> str:
        """A folder."""
        return "folder"

    def resource(self, where: str) -> ConnectorResource:  # noqa: ARG002 - a folder has no field to complain of
        """The folder's resource."""
        return FolderConnectorResource(connector_name=self.name, root=self.root)


class S3ConnectorComponent(ConnectorComponent):
    """An S3 bucket, or a store that speaks S3."""

    bucket: str
    prefix: str = ""
    endpoint_url: str = ""
    region: str = ""
    access_key: Secret = None
    """`{env: NAME}`; left out, the standard credential chain holds."""
    secret_key: Secret = None

    @property
    def kind(self) -> str:
        """S3."""
        return "s3"

    def resource(self, where: str) -> ConnectorResource:
        """The bucket's resource."""
        return S3ConnectorResource(
            connector_name=self.name,
            bucket=self.bucket,
            prefix=self.prefix,
            endpoint_url=self.endpoint_url,
            region=self.region,
            access_key=secret_value(self.access_key, "access_key", where),
            secret_key=secret_value(self.secret_key, "secret_key", where),
        )


class SqlConnectorComponent(ConnectorComponent):
    """An SQL database: SQLite or DuckDB in a file, PostgreSQL on a server."""

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

    @property
    def holds(self) -> Holds:
        """Tables."""
        return "tables"

    @property
    def kind(self) -> str:
        """The database's own icon."""
        return "postgres" if self.dialect == "postgresql" else self.dialect

    def resource(self, where: str) -> ConnectorResource:
        """The database's resource, after the fields were checked against the dialect."""
        self._check_fields(where)
        return SqlConnectorResource(
            connector_name=self.name,
            dialect=self.dialect,
            path=self.path,
            host=self.host,
            port=int(self.port or 0),
            database=self.database,
            username=self.username,
            password=secret_value(self.password, "password", where),
            db_schema=self.db_schema,
        )

    def _check_fields(self, where: str) -> None:
        in_file = self.dialect in ("sqlite", "duckdb")
        needed = ["path"] if in_file else ["host", "database"]
        useless = ["path"]
        if in_file:
            useless = ["host", "port", "database", "username", "password", "db_schema"]
        missing = [field for field in needed if not getattr(self, field)]
        given = [field for field in useless if getattr(self, field)]
        if missing or given:
            raise ConfigError(
                f"{where}: connector {self.name!r} ({self.dialect})"
                + (f" lacks {', '.join(missing)}" if missing else "")
                + (f" takes no {', '.join(given)}" if given else ""),
                hint=f"A {self.dialect} connector needs {', '.join(needed)}",
            )
        if not str(self.port or 0).isdecimal() or int(self.port or 0) > 65_535:
            raise ConfigError(
                f"{where}: connector {self.name!r}: port {str(self.port)[:20]!r} is not one",
                hint="A number up to 65535; leave it out for the database's usual one",
            )


def secret_value(given: object, field: str, where: str) -> str:
    """The `EnvVar` that `{env: NAME}` asks for; an empty text when nothing is given.

    Raises:
        ConfigError: a literal or a template. The value given is not repeated.
    """
    if given is None:
        return ""
    if isinstance(given, dict) and set(given) == {"env"} and isinstance(given["env"], str):
        name = given["env"]
        if name.replace("_", "").isalnum() and not name[0].isdigit():
            return dg.EnvVar(name)
    raise ConfigError(
        f"{where}: {field} must name an environment variable; a literal or a template is refused",
        hint=f"Write `{field}: {{env: NAME_OF_THE_VARIABLE}}` and set that variable where Waybill runs",
        field=field,
    )
