"""From a record to its asset, for nouns whose run needs the store and nothing else (SqlTransform, Model, Prediction, Embedding).

Without `from __future__ import annotations`: Dagster reads the type of `context` from the live annotation.
"""

from collections.abc import Callable
from typing import TypeVar

import dagster as dg

from assets.noun import AssetRecord, asset_definition
from resources.stores.resource import StoreResource

Record = TypeVar("Record", bound=AssetRecord)


def build_stored_asset(
    spec: Record,
    execute: Callable[
        [dg.AssetExecutionContext, Record, StoreResource], dg.MaterializeResult[None]
    ],
    asset: dg.AssetSpec | None = None,
) -> dg.Definitions:
    """The asset of a declaration.

    Args:
        spec: the declaration.
        execute: what a run does with it.
        asset: what is shown of it, when not what the declaration says.
    """

    @asset_definition(asset or spec.asset_spec())
    def _execute(
        context: dg.AssetExecutionContext, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        return execute(context, spec, store)

    return dg.Definitions(assets=[_execute])
