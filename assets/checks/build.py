"""Checks of a table: one Dagster check for each expectation, all evaluated in one go; and the one for its columns.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.checks.examples import examples_of, observed, shortened
from assets.checks.expectations import Expectation, Verdict
from assets.checks.judging import evaluate
from assets.checks.names import check_names, in_words
from assets.checks.schema_change import in_words as change_in_words
from assets.checks.schema_change import recorded_change
from resources.kernel.records import StoredVersion
from resources.stores.resource import StoreResource

SCHEMA = "schema"
"""The check that tells whether columns changed."""


def with_checks(
    definitions: dg.Definitions, key: dg.AssetKey, expectations: Sequence[Expectation]
) -> dg.Definitions:
    """The definitions of a table, held to expectations."""
    checks = build_checks(key, expectations)
    return dg.Definitions(assets=definitions.assets, asset_checks=checks) if checks else definitions


def build_checks(
    key: dg.AssetKey, expectations: Sequence[Expectation]
) -> list[dg.AssetChecksDefinition]:
    """One check definition that evaluates all expectations in one go; none when there are none."""
    if not expectations:
        return []
    names = check_names(expectations)
    specs = [
        dg.AssetCheckSpec(name, asset=key, blocking=item.blocking, description=in_words(item))
        for name, item in zip(names, expectations, strict=True)
    ]

    @dg.multi_asset_check(name=f"check_{key.path[-1]}", specs=specs)
    def _checks(store: StoreResource):  # type: ignore[no-untyped-def]  # noqa: ANN202 - Dagster reads the annotation as an output type
        with boundary():
            table = store.tables().read(tuple(key.path))
            verdicts = evaluate(expectations, table)
        for name, expectation, verdict in zip(names, expectations, verdicts, strict=True):
            yield dg.AssetCheckResult(
                check_name=name,
                asset_key=key,
                passed=verdict.passed,
                severity=dg.AssetCheckSeverity.ERROR
                if expectation.blocking
                else dg.AssetCheckSeverity.WARN,
                description=verdict.error or None,
                metadata=_metadata(verdict, table.version.number),
            )

    return [_checks]


def _metadata(verdict: Verdict, version: int) -> dict[str, Any]:
    found = observed(verdict.result)
    examples = examples_of(verdict.result) if not verdict.passed else []
    return {
        **({"observed": found} if found else {}),
        **({"failing examples": _example_table(examples)} if examples else {}),
        "result": dg.MetadataValue.json(shortened(verdict.result)),
        "judged by": verdict.judged_by,
        "dataset version": dg.MetadataValue.int(version),
    }


def _example_table(examples: Sequence[Any]) -> dg.TableMetadataValue:
    columns = [dg.TableColumn("row", "int"), dg.TableColumn("value", "string")]
    return dg.MetadataValue.table(
        [dg.TableRecord({"row": one.row, "value": one.value}) for one in examples],
        schema=dg.TableSchema(columns=columns),
    )


def schema_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check of a table's columns, which its own step reports."""
    return dg.AssetCheckSpec(
        SCHEMA, asset=key, description="The columns are those of the version before"
    )


def schema_results(version: StoredVersion, policy: str) -> Iterator[dg.AssetCheckResult]:
    """What the check of a table's columns says of a version.

    Args:
        version: the newest.
        policy: `on_schema_change`.
    """
    change = recorded_change(version)
    yield dg.AssetCheckResult(
        check_name=SCHEMA,
        passed=not change or policy != "warn",
        severity=dg.AssetCheckSeverity.WARN,
        description=change_in_words(change) or None,
        metadata={
            "observed": change_in_words(change) or "no change",
            "added": dg.MetadataValue.json(list(change.added)),
            "removed": dg.MetadataValue.json(list(change.removed)),
            "retyped": dg.MetadataValue.json([list(retyped) for retyped in change.retyped]),
            "dataset version": dg.MetadataValue.int(version.number),
        },
    )
