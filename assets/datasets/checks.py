"""Checks of a dataset: one Dagster check for each expectation, all evaluated in one go.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import json
from collections.abc import Sequence

import dagster as dg

from assets.boundary import boundary
from assets.datasets.expectations import Expectation, Verdict
from assets.datasets.library import judge_by_library
from assets.datasets.native import judge_natively
from resources.kernel.errors import ConfigError
from resources.stores.resource import StoreResource
from resources.stores.tables import StoredTable


def check_names(expectations: Sequence[Expectation]) -> list[str]:
    """A name for each check, unique within the dataset: the expectation and what it looks at."""
    names: list[str] = []
    for expectation in expectations:
        base = "_".join([expectation.title, *expectation.columns])
        base = "".join(char if char.isalnum() or char == "_" else "_" for char in base)[:90]
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base}_{count}"
        names.append(name)
    return names


def in_words(expectation: Expectation) -> str:
    """What an expectation asks for, as a sentence: the library's name for it, then its arguments."""
    sentence = expectation.title.replace("_", " ").capitalize()
    given = [
        f"{name.replace('_', ' ')} {json.dumps(value, default=str, ensure_ascii=False)}"
        for name, value in expectation.arguments.items()
    ]
    return f"{sentence}: {', '.join(given)}" if given else sentence


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
                metadata={
                    "result": dg.MetadataValue.json(verdict.result),
                    "judged by": verdict.judged_by,
                    "dataset version": dg.MetadataValue.int(table.version.number),
                },
            )

    return [_checks]


def evaluate(expectations: Sequence[Expectation], table: StoredTable) -> list[Verdict]:
    """Evaluates expectations over a stored table, reading only the columns that they name.

    Raises:
        ConfigError: an unknown column, an expectation that the library does not know, or with wrong arguments.
    """
    _check_columns(expectations, table)
    found = judge_natively(expectations, table)
    left = [item for item, verdict in zip(expectations, found, strict=True) if verdict is None]
    by_library = iter(judge_by_library(left, table))
    return [verdict or next(by_library) for verdict in found]


def _check_columns(expectations: Sequence[Expectation], table: StoredTable) -> None:
    named = {name for item in expectations if not item.is_about_the_table for name in item.columns}
    unknown = sorted(named.difference(table.schema.names))
    if unknown:
        raise ConfigError(
            f"checks name unknown column{'s' if len(unknown) > 1 else ''} {', '.join(map(repr, unknown))}",
            hint=f"Columns: {', '.join(table.schema.names[:30])}",
        )
