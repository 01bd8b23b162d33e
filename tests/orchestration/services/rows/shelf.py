"""A project of some datasets that are there already, for tests that look at rows."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pyarrow as pa

from orchestration.location import Location
from resources.kernel.records import BatchStream
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore


class Shelf:
    """Datasets in a folder, and a location that declares them."""

    def __init__(self, folder: Path) -> None:
        self.url = str(folder / "store")
        self.store = TableStore.open(self.url)
        self._names: list[str] = []
        self._runs = 0

    def put(self, name: str, table: pa.Table, batch_rows: int = 65_536) -> None:
        """A new version of a dataset."""
        self._runs += 1
        batches = table.to_batches(max_chunksize=batch_rows)
        self.store.write_stream(
            ("datasets", name),
            lambda: BatchStream(table.schema, iter(batches)),
            run_id=f"run-{self._runs}",
        )
        if name not in self._names:
            self._names.append(name)

    @property
    def location(self) -> Location:
        specs = [dg.AssetSpec(["datasets", name]) for name in self._names]
        return Location(
            dg.Definitions(assets=specs, resources={"store": StoreResource(url=self.url)})
        )
