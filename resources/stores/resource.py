"""The dataset store as a Dagster resource, under the key `store`."""

from __future__ import annotations

from resources.fixed import FixedResource
from resources.home import store_url
from resources.stores.media.store import MediaStore
from resources.stores.tables import TableStore


class StoreResource(FixedResource):
    """Part of Waybill, not a connector: where datasets, models and embeddings are kept.

    Credentials of a remote store come from its library's standard chain, so none is part of a configuration.
    """

    url: str = ""
    """Any fsspec URL or a local folder; `WAYBILL_STORE`, else the home folder's `store`, when empty."""

    def tables(self) -> TableStore:
        """The store of tables."""
        return TableStore.open(self.url or store_url())

    def media(self) -> MediaStore:
        """The files that versions refer to, kept by their content."""
        return MediaStore.open(self.url or store_url())
