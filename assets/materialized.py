"""What a materialized table tells the UI: the same figures whoever made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from resources.stores.tables import StoredTable
from resources.stores.ui_metadata import table_metadata


def table_result(table: StoredTable, extra: Mapping[str, Any]) -> dg.MaterializeResult[None]:
    """The result of an asset that published `table`; its data version is the version's number."""
    return dg.MaterializeResult(
        metadata={**table_metadata(table), **extra},
        data_version=dg.DataVersion(str(table.version.number)),
    )
