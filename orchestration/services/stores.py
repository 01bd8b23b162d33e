"""The store, opened without loading the project."""

from __future__ import annotations

from resources.stores.versions import VersionStore


def open_store(url: str) -> VersionStore:
    """Where datasets are kept, to look at versions, not at rows."""
    return VersionStore.open(url)
