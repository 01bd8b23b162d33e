"""Expectations judged by Great Expectations itself, over the columns that they name.

The library costs 8 s of CPU to import, so it is imported when an expectation is left that `native.py` does not judge.
An expectation that raised is reported as an error of the check itself, never as bad data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from assets.checks.expectations import Expectation, Verdict
from resources.kernel.errors import ConfigError
from resources.stores.tables import StoredTable

JUDGE = "Great Expectations"


def judge_by_library(expectations: Sequence[Expectation], table: StoredTable) -> list[Verdict]:
    """Verdicts of the library, all from one reading of the table.

    An expectation that it does not know, or whose arguments it refuses, fails with that reason, and keeps no other from being judged.
    """
    if not expectations:
        return []
    batch = _batch(expectations, table)
    return [_judge(batch, item) for item in expectations]


def _judge(batch: Any, item: Expectation) -> Verdict:
    try:
        asked = _expectation(item)
    except ConfigError as error:
        return Verdict(passed=False, result={}, judged_by=JUDGE, error=str(error))
    return _verdict(batch.validate(asked).to_json_dict())


def _batch(expectations: Sequence[Expectation], table: StoredTable) -> Any:
    import great_expectations as gx

    named = {name for item in expectations for name in item.columns}
    whole = any(item.is_about_the_table for item in expectations)
    frame = table.to_pandas([name for name in table.schema.names if whole or name in named])
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return (
        context.data_sources.add_pandas("dataset")
        .add_dataframe_asset("table")
        .add_batch_definition_whole_dataframe("whole")
        .get_batch(batch_parameters={"dataframe": frame})
    )


def _expectation(item: Expectation) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    kind = _registered(item.kind) if item.is_custom else item.kind
    try:
        return ExpectationConfiguration(type=kind, kwargs=dict(item.arguments)).to_domain_obj()
    except Exception as error:  # the library raises whatever its validation meets
        raise ConfigError(
            f"checks: {item.kind} with {json.dumps(dict(item.arguments), default=str)[:200]}"
            f" is refused: {str(error).splitlines()[0][:160]}",
            hint="See the expectation gallery of Great Expectations for names and arguments",
        ) from error


def _registered(path: str) -> str:
    """The name under which the library registered a class of one's own when its module was imported."""
    from great_expectations.expectations.expectation import Expectation as Base

    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except Exception as error:  # a module of one's own raises anything
        raise ConfigError(
            f"checks: {path} cannot be imported: {type(error).__name__}: {str(error)[:160]}",
            hint=f"Try `python -c 'import {module}'`",
        ) from error
    is_one = isinstance(found, type) and issubclass(found, Base)
    kind: str = getattr(found, "expectation_type", "") if is_one else ""
    if not kind:  # a base class has none
        raise ConfigError(
            f"checks: {path} is no expectation that could be evaluated",
            hint="Derive it from a class of great_expectations.expectations, for instance ColumnMapExpectation",
        )
    return kind


def _verdict(answer: dict[str, Any]) -> Verdict:
    raised = _exception_message(answer.get("exception_info") or {})
    return Verdict(
        passed=bool(answer["success"]) and not raised,
        result=answer.get("result") or {},
        judged_by=JUDGE,
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
