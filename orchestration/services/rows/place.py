"""Where datasets are looked up: in the project, or, while its code does not load, by what the store keeps."""

from __future__ import annotations

from typing import Protocol

import dagster as dg

from resources.kernel.errors import UnknownNameError
from resources.kernel.keys import asset_key, is_table_name
from resources.stores.tables import StoredTable, TableStore


class Datasets(Protocol):
    """What `orchestration.location.Location` knows of datasets."""

    def dataset(self, name: str) -> dg.AssetSpec:
        """What makes a dataset."""

    def store(self) -> TableStore:
        """Where datasets are kept."""


class KeptDatasets:
    """Datasets of a store, whatever makes them.

    Args:
        store: where they are kept.
    """

    def __init__(self, store: TableStore) -> None:
        self._store = store

    def dataset(self, name: str) -> dg.AssetSpec:
        """A dataset of this name.

        Raises:
            UnknownNameError: nothing can be called so.
        """
        if not is_table_name(name):
            raise UnknownNameError("dataset", name, ())
        return dg.AssetSpec(asset_key("datasets", name))

    def store(self) -> TableStore:
        """Where they are kept."""
        return self._store


def version_of(datasets: Datasets, name: str, version: int | None) -> StoredTable:
    """A version of a dataset, the newest unless a number is given.

    Raises:
        UnknownNameError: nothing makes it.
        NotFoundError: no such version; `GoneError` when it has been collected.
    """
    return datasets.store().read(tuple(datasets.dataset(name).key.path), version)
