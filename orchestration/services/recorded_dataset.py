"""What Dagster's instance says of one dataset: its state, its runs, its checks. Read from its files at each question.

Dagster's own calls open each file anew through an engine that they make for it, a dozen times for a page; here a page takes
a few short queries, and nothing is kept that could be out of date. Where only Dagster can tell, None is said:
records elsewhere, an asset whose history somebody has wiped, records of another release.
`test_recorded_dataset.py` compares with Dagster's own answers.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, TypeVar

from orchestration.services.dataset_detail import (
    CheckOutcome,
    CheckResult,
    RecordedCheck,
    RunOfDataset,
    moment_of,
    outcome_of,
    run_of_dataset,
)
from orchestration.services.dataset_list import DatasetEntry, DeclaredCheck, Tried
from orchestration.services.record_files import RecordFiles, in_parts, open_records
from orchestration.services.recorded_facts import facts_of_mapping
from orchestration.services.recorded_states import made_of, read_failure, time_of, tried_of
from resources.kernel.keys import Key

_ASSET = "select last_materialization, last_run_id, wipe_timestamp, asset_details from asset_keys where asset_key = ?"
_EVENTS = "select run_id from event_logs where dagster_event_type = ? and asset_key = ? order by id desc limit ?"
_PLANNED, _MADE = "ASSET_MATERIALIZATION_PLANNED", "ASSET_MATERIALIZATION"
_CHECKS = """select check_name, run_id, execution_status, evaluation_event, create_timestamp from asset_check_executions
where id in (select max(id) from asset_check_executions where asset_key = ? and check_name in ({marks}) group by check_name)"""
_RUNS = "select id, run_id, status, update_timestamp, create_timestamp, start_time, end_time, pipeline_name from runs"
_OBSERVED = """select asset_key, max(id), timestamp from event_logs
where dagster_event_type = 'ASSET_OBSERVATION' and asset_key in ({marks}) group by asset_key"""
_WIPED = """select asset_key from asset_keys
where asset_key in ({marks}) and (wipe_timestamp is not null or asset_details is not null)"""
R = TypeVar("R")


class _OnlyDagsterError(Exception):
    """Dagster knows something of the asset that its rows do not show."""


class RecordedDataset:
    """The records of an instance, for whoever looks at one dataset.

    Args:
        files: of the instance.
    """

    def __init__(self, files: RecordFiles) -> None:
        self._files = files

    def tried(self, key: Key) -> tuple[Tried | None] | None:
        """What became of the last try to make it, in brackets: it may never have been tried."""
        return self._answer(lambda: (self._tried(key),))

    def runs(self, entry: DatasetEntry, limit: int) -> list[RunOfDataset] | None:
        """The last runs that made it or were to make it, newest first."""
        return self._answer(lambda: self._runs(entry.key, limit))

    def checks(self, entry: DatasetEntry) -> list[CheckOutcome] | None:
        """Its checks, each with its newest result."""
        return self._answer(lambda: self._checks(entry.key, entry.checks))

    def made(self, key: Key) -> tuple[Tried | None] | None:
        """Its last run that ended well, in brackets: there may be none."""
        return self._answer(lambda: (self._asset(key)[0],))

    def observed(self, keys: Sequence[Key]) -> dict[Key, datetime] | None:
        """When each of these assets was observed last, of those that ever were."""
        return self._answer(lambda: self._observed(keys))

    def _answer(self, read: Callable[[], R]) -> R | None:
        if not self._files.are_all():
            return None
        try:
            return read()
        except (_OnlyDagsterError, sqlite3.Error, KeyError, TypeError, ValueError):
            return None

    def _observed(self, keys: Sequence[Key]) -> dict[Key, datetime]:
        found: dict[Key, datetime] = {}
        for marks, part in in_parts(json.dumps(key) for key in keys):
            if self._read(_WIPED.format(marks=marks), *part):
                raise _OnlyDagsterError
            for row in self._read(_OBSERVED.format(marks=marks), *part):
                if (at := time_of(row["timestamp"])) is not None:
                    found[tuple(json.loads(row["asset_key"]))] = at
        return found

    def _tried(self, key: Key) -> Tried | None:
        made, run_id = self._asset(key)
        if run_id is None or (made is not None and made.run_id == run_id):
            return made
        runs = {
            row["run_id"]: (row["status"], time_of(row["update_timestamp"]))
            for row in self._rows_of_runs([run_id])
        }
        return tried_of(made, run_id, runs, lambda failed: read_failure(self._files, failed, key))

    def _asset(self, key: Key) -> tuple[Tried | None, str | None]:
        """Its last materialization, and the run that was the last to try."""
        row = self._read(_ASSET, json.dumps(key))[:1]
        if not row:
            return None, None
        event, run_id, wiped_at, details = row[0]
        if wiped_at is not None or details is not None:
            raise _OnlyDagsterError
        return made_of(json.loads(event)) if event else None, run_id

    def _runs(self, key: Key, limit: int) -> list[RunOfDataset]:
        self._asset(key)
        planned = self._read(_EVENTS, _PLANNED, json.dumps(key), limit)
        found = self._rows_of_runs(dict.fromkeys(row["run_id"] for row in planned))
        if not found:
            return []
        made = {row["run_id"] for row in self._read(_EVENTS, _MADE, json.dumps(key), 4 * limit)}
        newest = sorted(found, key=lambda row: int(row["id"]), reverse=True)
        return [self._run(key, row, was_made=row["run_id"] in made) for row in newest]

    def _run(self, key: Key, row: sqlite3.Row, *, was_made: bool) -> RunOfDataset:
        status, run_id = row["status"], str(row["run_id"])
        created_at = time_of(row["create_timestamp"])
        if created_at is None:
            raise _OnlyDagsterError
        return run_of_dataset(
            run_id,
            status,
            row["pipeline_name"],
            (created_at, moment_of(row["start_time"]), moment_of(row["end_time"])),
            read_failure(self._files, run_id, key) if status == "FAILURE" else "",
            was_made=was_made,
        )

    def _checks(self, key: Key, declared: Sequence[DeclaredCheck]) -> list[CheckOutcome]:
        found: dict[str, sqlite3.Row] = {}
        for marks, names in in_parts(check.name for check in declared):
            rows = self._read(_CHECKS.format(marks=marks), json.dumps(key), *names)
            found |= {row["check_name"]: row for row in rows}
        waiting = [row["run_id"] for row in found.values() if row["execution_status"] == "PLANNED"]
        runs = {row["run_id"]: row["status"] for row in self._rows_of_runs(waiting)}
        records = {name: _recorded(row, runs) for name, row in found.items()}
        return [outcome_of(check, records.get(check.name)) for check in declared]

    def _rows_of_runs(self, run_ids: Collection[str]) -> list[sqlite3.Row]:
        found: list[sqlite3.Row] = []
        for marks, part in in_parts(run_ids):
            with closing(open_records(self._files.runs)) as connection:
                connection.row_factory = sqlite3.Row
                found += connection.execute(f"{_RUNS} where run_id in ({marks})", part).fetchall()
        return found

    def _read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        with closing(open_records(self._files.events)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query, values).fetchall()


def _recorded(row: sqlite3.Row, runs: Mapping[str, str]) -> RecordedCheck:
    at, run_id = time_of(row["create_timestamp"]), row["run_id"]
    if at is None:
        raise _OnlyDagsterError
    event = json.loads(row["evaluation_event"]) if row["evaluation_event"] else {}
    data = (event.get("dagster_event") or {}).get("event_specific_data") or {}
    result = _result(data) if "success" in data else None
    return RecordedCheck(row["execution_status"], run_id, at, runs.get(run_id, ""), result)


def _result(data: Mapping[str, Any]) -> CheckResult:
    facts = facts_of_mapping(data["metadata"])
    severity = data["severity"]["__enum__"].rpartition(".")[2]
    return CheckResult(bool(data["success"]), severity, data["description"] or "", facts)
