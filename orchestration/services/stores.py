"""The store, opened without loading the project."""

from __future__ import annotations

from resources.kernel.errors import ConfigError
from resources.stores.tables import TableStore

Store = TableStore
"""What the command line calls it, which knows no stores."""


def open_store(url: str) -> TableStore:
    """Where datasets are kept.

    Raises:
        ConfigError: the project has no store.
    """
    if not url:
        raise ConfigError(
            "the code location has no resource 'store'",
            hint="Build its definitions with orchestration.definitions.build_defs",
        )
    return TableStore.open(url)
