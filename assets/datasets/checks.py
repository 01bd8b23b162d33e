"""Checks of a dataset: Great Expectations, run over the columns that they name.

The library costs 8 s of CPU to import, so it is imported when a check runs. An expectation that raised is reported
as an error of the check itself, never as bad data.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.datasets.expectations import KNOWN
from resources.kernel.errors import ConfigError
from resources.stores.tables import StoredTable

_SEVERITY = "severity"
_SEVERITIES = {"error": True, "warn": False}


@dataclass(frozen=True)
class Expectation:
    """One expectation: its name in the library, its arguments, whether bad data stops what depends on it."""

    kind: str
    arguments: Mapping[str, Any]
    blocking: bool = True

    @property
    def columns(self) -> list[str]:
        """The columns that it names."""
        named = [self.arguments.get(name) for name in ("column", "column_A", "column_B")]
        listed = [*self.arguments.get("column_list", ()), *self.arguments.get("column_set", ())]
        return [name for name in [*named, *listed] if isinstance(name, str)]

    @property
    def is_about_the_table(self) -> bool:
        """Whether it needs every column: it asks for the table's shape, or selects rows by other columns."""
        return (
            self.kind.startswith("expect_table_")
            or self.kind == "expect_column_to_exist"
            or "row_condition" in self.arguments
            or not self.columns
        )


@dataclass(frozen=True)
class Verdict:
    """What one expectation found."""

    passed: bool
    result: dict[str, Any]
    error: str = ""
    """Why the expectation could not be evaluated; empty when it was."""


def parse_expectations(given: Sequence[Mapping[str, Any]]) -> list[Expectation]:
    """Expectations from `checks:` entries such as `{expect_...: {column: x, severity: warn}}`.

    Raises:
        ConfigError: an entry of another shape.
    """
    parsed = []
    for number, entry in enumerate(given):
        if len(entry) != 1 or not isinstance(next(iter(entry.values())), dict):
            raise ConfigError(
                f"checks: {json.dumps(entry, default=str)[:120]} is not `name: {{arguments}}`",
                hint="For instance `- expect_column_values_to_not_be_null: {column: carrier}`",
                check=number,
            )
        (kind, arguments), *_ = entry.items()
        severity = arguments.get(_SEVERITY, "error")
        if not kind.startswith("expect_") or severity not in _SEVERITIES:
            raise ConfigError(
                f"checks: {kind!r} with severity {severity!r} is not an expectation",
                hint="Names start with `expect_`; severity is `error` or `warn`",
                check=number,
            )
        if kind not in KNOWN:
            near = get_close_matches(kind, KNOWN, n=1)
            raise ConfigError(
                f"checks: unknown expectation {kind!r}",
                hint=(f"Did you mean {near[0]!r}? " if near else "")
                + "The gallery of Great Expectations lists all",
                check=number,
            )
        rest = {name: value for name, value in arguments.items() if name != _SEVERITY}
        parsed.append(Expectation(kind, rest, blocking=_SEVERITIES[severity]))
    return parsed


def check_names(expectations: Sequence[Expectation]) -> list[str]:
    """A name for each check, unique within the dataset: the expectation and what it looks at."""
    names: list[str] = []
    for expectation in expectations:
        base = "_".join([expectation.kind, *expectation.columns])
        base = "".join(char if char.isalnum() or char == "_" else "_" for char in base)[:90]
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base}_{count}"
        names.append(name)
    return names


def in_words(expectation: Expectation) -> str:
    """What an expectation asks for, as a sentence: the library's name for it, then its arguments."""
    sentence = expectation.kind.replace("_", " ").capitalize()
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

    @dg.multi_asset_check(
        name=f"check_{key.path[-1]}", specs=specs, required_resource_keys={"store"}
    )
    def _checks(context: dg.AssetCheckExecutionContext):  # type: ignore[no-untyped-def]  # noqa: ANN202 - Dagster reads the annotation as an output type
        with boundary():
            table = context.resources.store.tables().read(tuple(key.path))
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
                    "dataset version": dg.MetadataValue.int(table.version.number),
                },
            )

    return [_checks]


def evaluate(expectations: Sequence[Expectation], table: StoredTable) -> list[Verdict]:
    """Evaluates expectations over a stored table, reading only the columns that they name.

    Raises:
        ConfigError: an expectation that the library does not know, or with wrong arguments.
    """
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    named = {name for item in expectations if not item.is_about_the_table for name in item.columns}
    unknown = sorted(named.difference(table.schema.names))
    if unknown:
        raise ConfigError(
            f"checks name unknown column{'s' if len(unknown) > 1 else ''} {', '.join(map(repr, unknown))}",
            hint=f"Columns: {', '.join(table.schema.names[:30])}",
        )
    whole = any(item.is_about_the_table for item in expectations)
    needed = [name for name in table.schema.names if whole or name in named]
    frame = table.to_pandas(columns=needed)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    batch = (
        context.data_sources.add_pandas("dataset")
        .add_dataframe_asset("table")
        .add_batch_definition_whole_dataframe("whole")
        .get_batch(batch_parameters={"dataframe": frame})
    )
    verdicts = []
    for item in expectations:
        try:
            expectation = ExpectationConfiguration(
                type=item.kind, kwargs=dict(item.arguments)
            ).to_domain_obj()
        except Exception as error:  # the library raises whatever its validation meets
            raise ConfigError(
                f"checks: {item.kind} with {json.dumps(dict(item.arguments), default=str)[:200]}"
                f" is refused: {str(error).splitlines()[0][:160]}",
                hint="See the expectation gallery of Great Expectations for names and arguments",
            ) from error
        verdicts.append(_verdict(batch.validate(expectation).to_json_dict()))
    return verdicts


def _verdict(answer: dict[str, Any]) -> Verdict:
    raised = _exception_message(answer.get("exception_info") or {})
    return Verdict(
        passed=bool(answer["success"]) and not raised,
        result=answer.get("result") or {},
        error=f"the expectation could not be evaluated: {raised}" if raised else "",
    )


def _exception_message(info: dict[str, Any]) -> str:
    """The first exception's message; the library nests one report a metric or gives one flat."""
    if info.get("raised_exception"):
        return str(info.get("exception_message"))[:300]
    nested = [item for item in info.values() if isinstance(item, dict)]
    return next(
        (
            str(item.get("exception_message"))[:300]
            for item in nested
            if item.get("raised_exception")
        ),
        "",
    )
