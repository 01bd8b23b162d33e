"""What can be judged of a database's declaration without a driver and without a connection.

Every mistake is named by its attribute, so that the loader can point at the line in YAML. No value that may hold a secret
is repeated (T23, T27).
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Mapping

from resources.connectors.sql.config import DRIVER_NAME, is_secret_option
from resources.connectors.sql.dialects import DIALECTS, Dialect, DialectSpec
from resources.connectors.sql.names import check_table_name
from resources.connectors.sql.writing.modes import name_limit
from resources.kernel.errors import ConfigError, UnknownNameError, WaybillError

_NEVER_URLS = ("host", "database", "username", "account", "service_name", "db_schema", "driver")
_WITH_PORT = re.compile(r"[^:]+:\d*")


def check_place(dialect: Dialect, given: Mapping[str, object]) -> None:
    """Looks at the fields that say where a database is.

    Args:
        dialect: the kind of database.
        given: its fields by name, those that are not given empty.

    Raises:
        ConfigError: a whole URL, which may hold a password; a host, port, driver or file that can be none. The fact
            `attribute` names the field.
    """
    for name in _NEVER_URLS:
        value = str(given.get(name) or "")
        is_endpoint = name == "host" and dialect == "bigquery"
        has_user = "@" in value and name in ("host", "driver")
        if has_user or ("://" in value and not is_endpoint):
            raise _wrong(name, "holds a URL, which may hold a password", _APART)
    _check_driver(str(given.get("driver") or ""))
    _check_host(str(given.get("host") or ""), DIALECTS[dialect])
    port = given.get("port") or 0
    if isinstance(port, bool) or not str(port).isdecimal() or int(str(port)) > 65_535:
        raise ConfigError(
            f"port {str(port)[:20]!r} is not one"
            if isinstance(port, (str, int))
            else "port is not one",
            hint="A number up to 65535; leave it out for the database's usual one",
            attribute="port",
        )
    if str(given.get("path") or "").strip() == ":memory:":
        raise _wrong("path", "names no file: a database in memory would be empty", "Name a file")


_APART = "Host, port, database, user and password have fields of their own"


def _wrong(name: str, reason: str, hint: str) -> ConfigError:
    return ConfigError(f"{name} {reason}", hint=hint, attribute=name)


def _check_driver(driver: str) -> None:
    if driver and not DRIVER_NAME.fullmatch(driver):
        raise _wrong(
            "driver",
            "is not the name of a driver",
            "Write SQLAlchemy's name as `cockroachdb+psycopg` or `trino`. " + _APART,
        )


def _check_host(host: str, spec: DialectSpec) -> None:
    if not host or "://" in host:
        return
    if host.startswith("/") and spec.icon in ("postgres", "sql"):
        return  # the folder of a server's socket
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    else:
        return
    if _WITH_PORT.fullmatch(host):
        raise _wrong("host", f"{host[:80]!r} holds a port", "Give it apart: `port:`")
    try:
        host.rstrip(".").encode("idna")
        wrong = any(sign.isspace() or sign in "/:[]" for sign in host)
    except UnicodeError:
        wrong = True
    if wrong:
        raise _wrong(
            "host", f"{host[:80]!r} is no name of a host", "Write `db.example.com`, or an address"
        )


def check_options(dialect: Dialect, options: object) -> dict[str, str]:
    """The driver's options as it takes them: texts; `true` and numbers may be given as such.

    Raises:
        ConfigError: one that holds a secret, whose value is not repeated, or a list or mapping.
        UnknownNameError: an option that there is not, or a word that its option does not know.
    """
    spec = DIALECTS[dialect]
    if not isinstance(options, Mapping):
        raise ConfigError("options have names", hint="Write `options: {NAME: VALUE}`")
    found: dict[str, str] = {}
    for name, value in options.items():
        if is_secret_option(str(name)):
            raise ConfigError(
                f"the option {name!r} holds a secret; a literal or a template is refused",
                hint="Use `password: {env: NAME}` or `key_password: {env: NAME}`",
            )
        if spec.options is not None and name not in spec.options:
            raise UnknownNameError(f"option of {spec.title}", name, spec.options)
        found[name] = _option_text(name, value)
        if name in spec.choices and found[name] not in spec.choices[name]:
            raise UnknownNameError(name, found[name], spec.choices[name])
    return found


def _option_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) or (isinstance(value, (int, float)) and math.isfinite(value)):
        return str(value)
    raise ConfigError(f"the option {name!r} is not a text, a number, true or false")


def check_limits(dialect: Dialect, limits: Mapping[str, int | None]) -> dict[str, int]:
    """The time limits that are given.

    Raises:
        ConfigError: one that means nothing for this database, or is less than 1. `attribute` names it.
    """
    spec = DIALECTS[dialect]
    found: dict[str, int] = {}
    for name, value in limits.items():
        if value is None:
            continue
        if name not in spec.limits:
            raise ConfigError(
                f"{name} means nothing for {spec.title}",
                hint=f"It takes {', '.join(spec.limits)}",
                attribute=name,
            )
        if value < 1:
            raise ConfigError(f"{name} must be at least 1, not {value}", attribute=name)
        found[name] = value
    return found


def refused_table(dialect: Dialect, driver: str, table: str) -> str:
    """Why no exporter can write a table of this name there; empty when one can (T16, E38)."""
    try:
        check_table_name(table, name_limit(dialect, driver))
    except WaybillError as error:
        return str(error)
    return ""
