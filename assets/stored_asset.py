"""From a record to its asset, for nouns whose run needs the store and nothing else (SqlTransform, Model, Prediction, Embedding).

Without `from __future__ import annotations`: Dagster reads the type of `context` from the live annotation.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import dagster as dg

from assets.boundary import RETRIES
from assets.noun import AssetRecord
from assets.single_op import OpParts, build_materialized
from resources.kernel.keys import NOUNS, Noun
from resources.stores.resource import StoreResource

Record = TypeVar("Record", bound=AssetRecord)


def build_stored_asset(
    spec: Record,
    execute: Callable[
        [dg.AssetExecutionContext, Record, StoreResource], dg.MaterializeResult[None]
    ],
    asset: dg.AssetSpec | None = None,
    checks: Sequence[dg.AssetCheckSpec] = (),
) -> dg.Definitions:
    """The asset of a declaration.

    Args:
        spec: the declaration.
        execute: what a run does with it.
        asset: what is shown of it, when not what the declaration says.
        checks: which of its checks the run itself reports.
    """
    made = asset or spec.asset_spec()
    noun: Noun = spec.key[0]  # type: ignore[assignment]  # `asset_key` made it
    parts = OpParts(
        frozenset({"store"}),
        retries=RETRIES,
        pool="/".join([NOUNS[noun], *spec.key[1:]]),
        checks=tuple(checks),
    )

    def _execute(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return execute(context, spec, context.resources.store)

    return dg.Definitions(assets=[build_materialized(made, _execute, parts)])
