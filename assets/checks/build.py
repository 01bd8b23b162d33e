"""Checks of a table: one Dagster check for each expectation, all evaluated in one go; and the one for its columns.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.checks.examples import ROW_KEYS, Example, examples_of, observed, places_of, shortened
from assets.checks.expectations import Expectation, Verdict
from assets.checks.judging import evaluate
from assets.checks.names import check_names, in_words
from assets.checks.row_keys import RowKey, key_columns, keys_at
from assets.checks.row_keys import in_words as key_in_words
from assets.checks.schema_change import in_words as change_in_words
from assets.checks.schema_change import recorded_change
from resources.kernel.records import StoredVersion
from resources.stores.resource import StoreResource
from resources.stores.tables import StoredTable, TableStore

SCHEMA = "schema"
"""The check that tells whether columns changed."""


def with_checks(
    definitions: dg.Definitions,
    key: dg.AssetKey,
    expectations: Sequence[Expectation],
    row_key: Sequence[str] = (),
) -> dg.Definitions:
    """The definitions of a table, held to expectations; see `build_checks`."""
    checks = build_checks(key, expectations, row_key)
    return dg.Definitions(assets=definitions.assets, asset_checks=checks) if checks else definitions


def build_checks(
    key: dg.AssetKey, expectations: Sequence[Expectation], row_key: Sequence[str] = ()
) -> list[dg.AssetChecksDefinition]:
    """Checks of a table, as few steps as may be; none when there are none.

    Args:
        key: of the table.
        expectations: what it is held to.
        row_key: columns that failing rows are told by.

    A step has 50 checks at most: Dagster copies all checks of a step for each of them whenever it loads, so that 3,000 in one
    would take minutes. Those about one column stay together, and read it once.
    """
    named = sorted(
        zip(check_names(expectations), expectations, strict=True), key=lambda pair: pair[1].columns
    )
    parts = [named[start : start + _OF_A_STEP] for start in range(0, len(named), _OF_A_STEP)]
    return [
        _step(key, part, f"check_{key.path[-1]}" + (f"_Part{number}" if number else ""), row_key)
        for number, part in enumerate(parts)
    ]


_OF_A_STEP = 50


def _step(
    key: dg.AssetKey,
    named: Sequence[tuple[str, Expectation]],
    title: str,
    row_key: Sequence[str],
) -> dg.AssetChecksDefinition:
    """One step that evaluates some expectations in one go."""
    specs = [
        dg.AssetCheckSpec(name, asset=key, blocking=item.blocking, description=in_words(item))
        for name, item in named
    ]

    @dg.multi_asset_check(name=title, specs=specs)
    def _checks(store: StoreResource):  # type: ignore[no-untyped-def]  # noqa: ANN202 - Dagster reads the annotation as an output type
        with boundary():
            tables = store.tables()
            table = tables.read(tuple(key.path))
            verdicts = evaluate([item for _, item in named], table)
            keys = _failing_keys(tables, table, verdicts, row_key)
        for (name, expectation), verdict in zip(named, verdicts, strict=True):
            yield dg.AssetCheckResult(
                check_name=name,
                asset_key=key,
                passed=verdict.passed,
                severity=dg.AssetCheckSeverity.ERROR
                if expectation.blocking
                else dg.AssetCheckSeverity.WARN,
                description=verdict.error or None,
                metadata=_metadata(verdict, table.version.number, keys),
            )

    return _checks


def _failing_keys(
    store: TableStore, table: StoredTable, verdicts: Sequence[Verdict], row_key: Sequence[str]
) -> dict[int, RowKey]:
    """The keys of all rows that are told, read at once."""
    failed = [verdict.result for verdict in verdicts if not verdict.passed]
    places = [place for result in failed for place in places_of(result) if place is not None]
    return keys_at(table, places, key_columns(store, table, row_key)) if places else {}


def _metadata(verdict: Verdict, version: int, keys: Mapping[int, RowKey]) -> dict[str, Any]:
    found = observed(verdict.result)
    examples = examples_of(verdict.result, keys) if not verdict.passed else []
    row_keys = [dict(one.key) for one in examples] if any(one.key for one in examples) else []
    report = shortened(verdict.result) | ({ROW_KEYS: row_keys} if row_keys else {})
    return {
        **({"observed": found} if found else {}),
        **({"failing examples": _example_table(examples)} if examples else {}),
        "result": dg.MetadataValue.json(report),
        "judged by": verdict.judged_by,
        "dataset version": dg.MetadataValue.int(version),
    }


def _example_table(examples: Sequence[Example]) -> dg.TableMetadataValue:
    keyed = any(one.key for one in examples)
    columns = [dg.TableColumn("row", "int"), dg.TableColumn("value", "string")]
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    **({"key": key_in_words(one.key)} if keyed else {}),
                    "row": one.row,
                    "value": one.value,
                }
            )
            for one in examples
        ],
        schema=dg.TableSchema(
            columns=[*([dg.TableColumn("key", "string")] if keyed else []), *columns]
        ),
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
