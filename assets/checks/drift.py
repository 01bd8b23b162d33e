"""`drift:` of a table: a check that its newest version is no further from a reference than is allowed.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.noun import page_of
from resources.drift.declared import PROPERTY, DeclaredDrift, encode_declared
from resources.drift.record import ComparedVersion, Drift
from resources.drift.reference import find_reference, named_version, parse_reference
from resources.drift.words import column_rows, in_words
from resources.kernel.errors import InputError, NotFoundError
from resources.kernel.keys import Key, asset_key
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore

DRIFT = "drift"
"""The name of the check."""


def build_drift_check(key: dg.AssetKey, spec: DeclaredDrift) -> dg.AssetChecksDefinition:
    """The check of a table, which runs after each of its materializations.

    Args:
        key: of the table.
        spec: what it is held to.
    """
    against = parse_reference(spec.against)
    other = against.name if against.kind == "dataset" else ""
    described = dg.AssetCheckSpec(
        DRIFT,
        asset=key,
        blocking=spec.blocking,
        description=f"No more of its columns than are allowed are distributed in another way than in {spec.against}",
        # So that a dataset that nothing makes is an error when the project loads, and one of the same run comes first.
        additional_deps=[dg.AssetKey(asset_key("datasets", other))] if other else [],
        metadata={PROPERTY: encode_declared(spec)},
    )

    @dg.multi_asset_check(name=f"drift_{'_'.join(key.path[1:])}", specs=[described])
    def _check(store: StoreResource):  # type: ignore[no-untyped-def]  # noqa: ANN202 - Dagster reads the annotation as an output type
        with boundary():
            yield check_drift(store.tables(), tuple(key.path), spec)

    return _check


def check_drift(tables: TableStore, key: Key, spec: DeclaredDrift) -> dg.AssetCheckResult:
    """What the newest version of a table says of the check.

    A reference that is not there, or settings that do not fit the columns, fail it with the reason.
    """
    from resources.drift.compute import compute_drift

    current = tables.read(key)
    named = named_version(current, key)
    try:
        found = find_reference(tables, key, named.version, parse_reference(spec.against))
        if found is None:
            return _result(key, spec, named, text=_nothing_before(named))
        reference, reference_named = found
        drift = compute_drift(reference, current, spec.settings, named=(reference_named, named))
    except (InputError, NotFoundError) as error:
        hint = f". {error.hint}" if error.hint else ""
        return _result(key, spec, named, text=f"{error.message}{hint}", passed=False)
    return _result(
        key,
        spec,
        named,
        text=in_words(drift),
        passed=drift.state != "drifted",
        more=_figures(drift),
    )


def _nothing_before(current: ComparedVersion) -> str:
    if current.version == 1:
        return "There is no version before it to compare with"
    return (
        f"No version before version {current.version} is kept, so there is nothing to compare it with. Keep two at least"
        " (`keep_versions`), or compare with a tag"
    )


def _result(
    key: Key,
    spec: DeclaredDrift,
    current: ComparedVersion,
    *,
    text: str,
    passed: bool = True,
    more: Mapping[str, Any] | None = None,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=DRIFT,
        asset_key=dg.AssetKey(key),
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR if spec.blocking else dg.AssetCheckSeverity.WARN,
        description=text,
        metadata={
            "observed": text,
            "against": spec.against,
            **(more or {}),
            "dataset version": dg.MetadataValue.int(current.version),
            "both distributions": dg.MetadataValue.url(f"{page_of(key)}?part=drift"),
        },
    )


def _figures(drift: Drift) -> dict[str, Any]:
    columns, rows = column_rows(drift)
    return {
        "reference": drift.reference.dataset,
        "reference version": dg.MetadataValue.int(drift.reference.version),
        "drifted columns": dg.MetadataValue.int(drift.drifted),
        "compared columns": dg.MetadataValue.int(drift.compared),
        "drifted share": dg.MetadataValue.float(round(drift.share, 4)),
        "columns": dg.MetadataValue.table(
            [dg.TableRecord(row) for row in rows],
            schema=dg.TableSchema(columns=[dg.TableColumn(name, kind) for name, kind in columns]),
        ),
    }
