"""What a materialized table tells the UI: the same figures whoever made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from resources.kernel.keys import Key
from resources.stores.tables import StoredTable
from resources.stores.ui_metadata import column_schema, origin_texts, table_metadata

Lineage = Mapping[str, Sequence[tuple[Key, str]]]
"""Column -> the (asset key, column) pairs that it is made of."""


def table_result(
    table: StoredTable, extra: Mapping[str, Any], *, lead: Mapping[str, Any] | None = None
) -> dg.MaterializeResult[None]:
    """The result of an asset that published `table`; its data version is the version's number.

    Args:
        table: what was published.
        extra: what its kind of asset adds.
        lead: what the page of the asset should begin with.
    """
    return dg.MaterializeResult(
        metadata={**(lead or {}), **table_metadata(table), **extra},
        data_version=dg.DataVersion(str(table.version.number)),
    )


def lineage_property(lineage: Lineage) -> dict[str, list[list[str]]]:
    """Where each column comes from, as a version's manifest records it: noun, name and column."""
    return {
        column: [[*key, origin] for key, origin in origins] for column, origins in lineage.items()
    }


def lineage_metadata(table: StoredTable) -> dict[str, Any]:
    """What the manifest records of it: for Dagster, and as descriptions of columns, which its open-source UI shows."""
    properties: Mapping[str, Any] = table.version.properties
    recorded: dict[str, list[list[str]]] = properties["lineage"]
    named = {
        column: [(key[-1], origin) for *key, origin in origins]
        for column, origins in recorded.items()
    }
    return {
        "dagster/column_lineage": dg.TableColumnLineage(
            deps_by_column={
                column: [
                    dg.TableColumnDep(asset_key=dg.AssetKey(key), column_name=origin)
                    for *key, origin in origins
                ]
                for column, origins in recorded.items()
            }
        ),
        "dagster/column_schema": column_schema(table.schema, origin_texts(named)),
    }
