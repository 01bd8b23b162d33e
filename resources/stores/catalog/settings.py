"""Where the catalog is: `WAYBILL_CATALOG_URL`, else a SQLite file in the home folder."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa

from resources.connectors.sql.config import SqlConfig
from resources.home import waybill_home
from resources.kernel.errors import ConfigError

URL_VARIABLE = "WAYBILL_CATALOG_URL"
PASSWORD_VARIABLE = "WAYBILL_CATALOG_PASSWORD"  # noqa: S105 - the name of a variable, not a password
LOCK_SECONDS = 60
_FORM = "postgresql://user@host:5432/database or sqlite:////path/to/file"


def catalog_config() -> SqlConfig:
    """How to connect to the catalog. The password may stand in the URL or in a variable of its own.

    Raises:
        ConfigError: a URL of another kind; its text is not repeated, since it may hold a password.
    """
    given = os.environ.get(URL_VARIABLE, "")
    if not given:
        return sqlite_config(waybill_home() / "catalog.sqlite")
    try:
        url = sa.make_url(given)
    except (sa.exc.ArgumentError, ValueError):
        raise ConfigError(f"{URL_VARIABLE} is not a database URL", hint=f"Write {_FORM}") from None
    kind = url.get_backend_name()
    if kind == "sqlite" and url.database:
        return sqlite_config(Path(url.database).expanduser().absolute())
    if kind != "postgresql":
        raise ConfigError(
            f"{URL_VARIABLE} names {kind}, which cannot hold the catalog", hint=f"Write {_FORM}"
        )
    options = {name: value for name, value in url.query.items() if isinstance(value, str)}
    return SqlConfig(
        dialect="postgresql",
        host=url.host,
        port=url.port,
        database=url.database,
        username=url.username,
        password=url.password or os.environ.get(PASSWORD_VARIABLE),
        options=options,
        lock_timeout_seconds=LOCK_SECONDS,
    )


def sqlite_config(path: Path) -> SqlConfig:
    """A catalog in the file at `path`."""
    return SqlConfig(dialect="sqlite", path=path, lock_timeout_seconds=LOCK_SECONDS)
