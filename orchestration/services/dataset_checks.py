"""Checks of one dataset as lists show them: what is declared, each with its newest record. Evaluates none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.checks.examples import ROW_KEYS
from assets.checks.row_keys import in_words
from orchestration.services.dataset_list import DatasetEntry, DeclaredCheck

_EXAMPLES = 20


@dataclass(frozen=True)
class CheckOutcome:
    """A check and its newest result."""

    name: str
    description: str
    blocking: bool
    """Whether bad data stops what depends on the dataset."""
    outcome: str
    """`passed`, `failed`, `failed to run`, `skipped`, `running`, or `never run`."""
    severity: str = ""
    """`error` or `warning`, of a check that failed."""
    declared: str = ""
    """The severity that is declared: `error` stops what depends on the dataset, `warn` does not."""
    reason: str = ""
    """Why it could not be evaluated."""
    at: datetime | None = None
    run_id: str = ""
    version: int | None = None
    """The version that was looked at."""
    observed: str = ""
    """What was found in place of what was expected."""
    examples: tuple[str, ...] = ()
    """Values that fail it, as Dagster recorded them; at most 20."""
    example_rows: tuple[int, ...] = ()
    """The rows that these values are of, counted from 1; empty where values are told without rows."""
    example_keys: tuple[dict[str, Any], ...] = ()
    """The keys of these rows, values by column; empty where rows have none."""
    failing: int | None = None
    """How many values fail it."""

    @property
    def failing_rows(self) -> tuple[FailingRow, ...]:
        """The examples, each with what its row is told by."""
        return tuple(
            FailingRow(
                value,
                self.example_rows[place] if place < len(self.example_rows) else None,
                in_words(self.example_keys[place]) if place < len(self.example_keys) else "",
            )
            for place, value in enumerate(self.examples)
        )


@dataclass(frozen=True)
class FailingRow:
    """A value that fails a check.

    Args:
        value: as text.
        row: its number, from 1; None where values are told without rows.
        key: `order_id=1004`; empty where its row has none.
    """

    value: str
    row: int | None
    key: str

    @property
    def name(self) -> str:
        """What the row is called: by its key, else by its number; empty where neither is known."""
        return self.key or (f"row {self.row:,}" if self.row else "")


@dataclass(frozen=True)
class LastMade:
    """When a dataset was made last, or found to be unchanged."""

    at: datetime
    run_id: str


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Args:
        passed: whether nothing is wrong.
        severity: `ERROR` or `WARN`.
        reason: why it could not be evaluated.
        facts: what it recorded, plain values by label.
    """

    passed: bool
    severity: str
    reason: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class RecordedCheck:
    """The newest record of a check.

    Args:
        status: as Dagster calls it.
        run_id: of its run.
        at: when it was planned.
        run_status: of a check without a result, what its run is doing; empty when that is gone.
        result: what it found, once it has.
    """

    status: str
    run_id: str
    at: datetime
    run_status: str = ""
    result: CheckResult | None = None


def list_checks(entry: DatasetEntry, instance: dg.DagsterInstance) -> list[CheckOutcome]:
    """The checks that the dataset is held to, in the order of the declaration, each with its newest result."""
    keys = [dg.AssetCheckKey(dg.AssetKey(entry.key), check.name) for check in entry.checks]
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys) if keys else {}
    return [
        outcome_of(check, _recorded(found[key], instance) if key in found else None)
        for key, check in zip(keys, entry.checks, strict=True)
    ]


def last_made(entry: DatasetEntry, instance: dg.DagsterInstance) -> LastMade | None:
    """The last run that made it or found it unchanged."""
    event = instance.get_latest_materialization_event(dg.AssetKey(entry.key))
    return LastMade(datetime.fromtimestamp(event.timestamp, UTC), event.run_id) if event else None


def _recorded(record: Any, instance: dg.DagsterInstance) -> RecordedCheck:
    status, event = record.status.value, record.event
    run = None if status in _OUTCOMES else instance.get_run_by_id(record.run_id)
    data: Any = event.dagster_event.event_specific_data if event and event.dagster_event else None
    return RecordedCheck(
        status,
        record.run_id,
        datetime.fromtimestamp(record.create_timestamp, UTC),
        run.status.value if run else "",
        _result(data) if hasattr(data, "passed") else None,
    )


def _result(data: Any) -> CheckResult:
    facts = {label: value.value for label, value in data.metadata.items()}
    return CheckResult(data.passed, data.severity.value, data.description or "", facts)


_OUTCOMES = {"SUCCEEDED": "passed", "FAILED": "failed"}
_ENDED = {"FAILURE": "failed to run", "SUCCESS": "skipped", "CANCELED": "skipped", "": "skipped"}
"""A check that is planned is running for as long as its run is."""


def outcome_of(check: DeclaredCheck, record: RecordedCheck | None) -> CheckOutcome:
    """A check with its newest record."""
    if record is None:
        return CheckOutcome(
            check.name, check.description, check.blocking, "never run", declared=_declared(check)
        )
    found = CheckOutcome(
        check.name,
        check.description,
        check.blocking,
        _OUTCOMES.get(record.status) or _ENDED.get(record.run_status, "running"),
        declared=_declared(check),
        at=record.at,
        run_id=record.run_id,
    )
    return found if record.result is None else _with_result(found, record.result)


def _declared(check: DeclaredCheck) -> str:
    return "error" if check.blocking else "warn"


def _with_result(found: CheckOutcome, told: CheckResult) -> CheckOutcome:
    given = told.facts.get("result")
    result: Mapping[str, Any] = given if isinstance(given, dict) else {}
    observed = told.facts.get("observed") or result.get("observed_value")
    return replace(
        found,
        severity="" if told.passed else ("error" if told.severity == "ERROR" else "warning"),
        reason=told.reason,
        version=told.facts.get("dataset version"),
        observed="" if observed is None else str(observed),
        examples=tuple(
            "null" if value is None else str(value)
            for value in result.get("partial_unexpected_list", ())[:_EXAMPLES]
        ),
        example_rows=tuple(
            place + 1 for place in result.get("partial_unexpected_index_list", ())[:_EXAMPLES]
        ),
        example_keys=tuple(result.get(ROW_KEYS, ())[:_EXAMPLES]),
        failing=result.get("unexpected_count"),
    )
