"""What Dagster's instance says of assets, read from its files without importing Dagster; `recorded_dataset.py` has more of one.

`test_recorded_states.py` compares with Dagster's own answers.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.services.dataset_list import (
    FAILED,
    READY,
    Tried,
    state_of_run,
)
from orchestration.services.failure_text import EVENT_TYPES, failure_text, step_of
from orchestration.services.record_files import RecordFiles, in_parts, open_records, times_of
from resources.kernel.keys import Key

_ASSETS = """select asset_key, last_materialization_timestamp, last_run_id, wipe_timestamp from asset_keys
where wipe_timestamp is null or last_materialization_timestamp > wipe_timestamp"""
_RUN_ID = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class _Asset:
    """An asset as its row says."""

    row: tuple[Any, ...]
    """Changes with everything that happens to the asset."""
    made: Tried | None
    """Its last materialization."""


class RecordedStates:
    """The records of an instance, at hand for callers that ask often.

    When no file of the instance has changed an answer reads none; else two short queries, and the records of those
    assets and runs that are new. One thread at a time.

    Args:
        dagster_home: the instance's folder.
    """

    def __init__(self, dagster_home: Path) -> None:
        self._files = RecordFiles(dagster_home)
        self._seen: tuple[Any, ...] = ()
        self._assets: dict[Key, _Asset] = {}
        self._ended: dict[str, tuple[str, datetime | None]] = {}
        self._errors: dict[tuple[str, Key], str] = {}
        self._states: dict[Key, Tried] = {}

    def look(self) -> Mapping[Key, Tried] | None:
        """What became of the last try to make each asset; None where only Dagster can tell."""
        if not self._files.are_all():
            return None
        seen, is_settled = times_of((self._files.events, self._files.runs))
        if seen == self._seen:
            return self._states
        try:
            self._states = self._read()
        except (sqlite3.Error, KeyError, TypeError, ValueError):
            return None  # another release of Dagster, or a file that is being made
        self._seen = seen if is_settled else ()
        return self._states

    def _read(self) -> dict[Key, Tried]:
        with closing(open_records(self._files.events)) as connection:
            self._assets = self._read_assets(connection)
        named = {a.row[2] for a in self._assets.values() if a.row[2]}
        self._ended = {run_id: facts for run_id, facts in self._ended.items() if run_id in named}
        self._errors = {known: text for known, text in self._errors.items() if known[0] in named}
        runs = {**self._ended, **self._read_runs(named - set(self._ended))}
        return {
            key: tried
            for key, asset in self._assets.items()
            if (tried := self._tried(key, asset, runs)) is not None
        }

    def _read_assets(self, connection: sqlite3.Connection) -> dict[Key, _Asset]:
        rows = {row[0]: row for row in connection.execute(_ASSETS)}
        known = {a.row[0]: a for a in self._assets.values()}
        new = [k for k, row in rows.items() if k not in known or known[k].row != row]
        made: dict[str, Tried | None] = {}
        for marks, part in in_parts(new):
            query = f"select asset_key, last_materialization from asset_keys where asset_key in ({marks})"
            for asset_key, event in connection.execute(query, part):
                made[asset_key] = made_of(json.loads(event)) if event else None
        return {
            tuple(json.loads(k)): known[k] if k not in made else _Asset(row, made[k])
            for k, row in rows.items()
            if k in made or k in known
        }

    def _read_runs(self, run_ids: Collection[str]) -> dict[str, tuple[str, datetime | None]]:
        """Status and time of runs; those that have ended are not asked for again."""
        if not run_ids:
            return {}
        found: dict[str, tuple[str, datetime | None]] = {}
        with closing(open_records(self._files.runs)) as connection:
            for marks, part in in_parts(sorted(run_ids)):
                query = (
                    f"select run_id, status, update_timestamp from runs where run_id in ({marks})"
                )
                for run_id, status, at in connection.execute(query, part):
                    found[run_id] = status, time_of(at)
        ended = ("SUCCESS", "FAILURE", "CANCELED")
        self._ended.update({r: facts for r, facts in found.items() if facts[0] in ended})
        return found

    def _tried(
        self, key: Key, asset: _Asset, runs: Mapping[str, tuple[str, datetime | None]]
    ) -> Tried | None:
        return tried_of(asset.made, asset.row[2], runs, lambda run_id: self._error(run_id, key))

    def _error(self, run_id: str, key: Key) -> str:
        known = (run_id, key)
        if known not in self._errors:
            self._errors[known] = read_failure(self._files, run_id, key)
        return self._errors[known]


def recorded_states(dagster_home: Path, keys: Collection[Key]) -> dict[Key, Tried] | None:
    """What became of the last try to make each asset; None where only Dagster can tell."""
    found = RecordedStates(dagster_home).look()
    return None if found is None else {key: found[key] for key in keys if key in found}


def tried_of(
    made: Tried | None,
    run_id: str | None,
    runs: Mapping[str, tuple[str, datetime | None]],
    why: Callable[[str], str],
) -> Tried | None:
    """What became of the last try to make an asset.

    Args:
        made: its last materialization.
        run_id: the run that was the last to try.
        runs: status of that run, and when it was last heard of, unless it is gone.
        why: says why a run failed.
    """
    if (made is not None and run_id in (None, made.run_id)) or run_id is None or run_id not in runs:
        return made
    status, at = runs[run_id]
    state = state_of_run(status, was_made=made is not None)
    return Tried(state, run_id, at, why(run_id) if state == FAILED else "")


def read_failure(files: RecordFiles, run_id: str, key: Key) -> str:
    """Why a run did not make an asset; empty when its events tell nothing, or have gone."""
    if not _RUN_ID.fullmatch(run_id) or not files.of_run(run_id).exists():
        return ""
    query = f"select event from event_logs where dagster_event_type in ({','.join('?' * len(EVENT_TYPES))}) order by id"
    try:
        with closing(open_records(files.of_run(run_id))) as connection:
            events = [json.loads(event) for (event,) in connection.execute(query, EVENT_TYPES)]
        return failure_text(events, step_of(key))
    except (sqlite3.Error, KeyError, TypeError, ValueError):
        return ""


def made_of(event: dict[str, Any]) -> Tried:
    """A materialization, as Dagster's SQLite has it."""
    entry = event.get("event_log_entry", event)
    return Tried(READY, str(entry["run_id"]), datetime.fromtimestamp(entry["timestamp"], UTC))


def time_of(text: str | None) -> datetime | None:
    """A moment as Dagster's SQLite has it: UTC, without saying so."""
    return None if not text else datetime.fromisoformat(text).replace(tzinfo=UTC)
