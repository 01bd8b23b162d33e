"""What Dagster's instance says of assets, read from its SQLite files without importing Dagster.

Only of an instance that keeps everything in its own folder; of any other nothing is said, and Dagster is asked.
`test_recorded_states.py` compares with Dagster's own answers.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

from orchestration.services.dataset_list import MADE, state_of_run
from resources.kernel.keys import Key

_ELSEWHERE = ("storage", "run_storage", "event_log_storage", "local_artifact_storage")
_ASSETS = """select asset_key, last_materialization, last_run_id from asset_keys
where wipe_timestamp is null or last_materialization_timestamp > wipe_timestamp"""


def recorded_states(dagster_home: Path, keys: Collection[Key]) -> dict[Key, str] | None:
    """What became of the last try to make each asset; None where only Dagster can tell."""
    if not _keeps_its_own(dagster_home / "dagster.yaml"):
        return None
    events, runs = dagster_home / "history/runs/index.db", dagster_home / "history/runs.db"
    if not events.exists() or not runs.exists():
        return None  # opened for the first time: Dagster makes the files, or says what is wrong
    try:
        return _read(events, runs, set(keys))
    except (sqlite3.Error, KeyError, TypeError, ValueError):
        return None  # another release of Dagster, or a file that is being made


def _keeps_its_own(settings: Path) -> bool:
    """Whether the instance's records are in its own folder, and nothing is wrong with its settings."""
    try:
        given = yaml.safe_load(settings.read_text(encoding="utf-8")) if settings.exists() else {}
    except (OSError, ValueError, yaml.YAMLError):
        return False
    return isinstance(given, dict) and not any(name in given for name in _ELSEWHERE)


def _read(events: Path, runs: Path, keys: set[Key]) -> dict[Key, str]:
    states: dict[Key, str] = {}
    waiting: dict[Key, tuple[str, bool]] = {}
    for asset, made, run_id in _rows(events, _ASSETS):
        key = tuple(json.loads(asset))
        if key not in keys:
            continue
        made_by = _run_of(json.loads(made)) if made else None
        if made_by is not None and run_id in (None, made_by):
            states[key] = MADE
        elif run_id is not None:
            waiting[key] = (run_id, made_by is not None)
    statuses = dict(_rows(runs, "select run_id, status from runs")) if waiting else {}
    for key, (run_id, was_made) in waiting.items():
        if run_id in statuses:
            states[key] = state_of_run(statuses[run_id], was_made=was_made)
        elif was_made:
            states[key] = MADE
    return states


def _run_of(event: dict[str, Any]) -> str:
    entry = event.get("event_log_entry", event)
    return str(entry["run_id"])


def _rows(file: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(query).fetchall()
