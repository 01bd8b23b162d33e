"""A user with a shell on the server: may do everything, since the catalog is a file of theirs."""

from __future__ import annotations

import os
import pwd

from orchestration.services.access.actor import Actor
from orchestration.services.home import open_home
from resources.stores.catalog.database import CatalogDatabase


def own_name() -> str:
    """The name of the user whose process this is; the number, where it has no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def shell_actor() -> Actor:
    """Who types a command."""
    return Actor(own_name(), via="shell")


def open_access() -> CatalogDatabase:
    """The catalog with users, tokens and the audit log, that of `waybill up`.

    Raises:
        ConfigError: its address is wrong, or there is no project here.
        StorageError: the home folder cannot be used.
    """
    open_home()
    return CatalogDatabase.open()
