"""What the steps of an export say that did not arrive: which version was to go out, and what went wrong.

The events of a run are in a file of its own. It is read as JSON where the instance keeps its own files, and by Dagster
elsewhere; `test_steps.py` compares.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.services.exports.events import Begun, Place
from orchestration.services.failure_text import EVENT_TYPES, error_of
from orchestration.services.record_files import RecordFiles, open_records
from orchestration.services.recorded_facts import facts_of_entries
from orchestration.services.runs.failures import error_text, has_error

_SETTLED = timedelta(minutes=1)
"""After a run has ended, so long may a process of it still write down how a step ended."""
_KNOWN_MOST = 5_000
_OUTPUT = "STEP_OUTPUT"
_FAILED = "STEP_FAILURE"
_TYPES = (_OUTPUT, *EVENT_TYPES)
_EVENTS = f"""select event from event_logs where dagster_event_type in ({",".join("?" * len(_TYPES))})
order by id"""


@dataclass
class Steps:
    """What the steps of an export that did not arrive say.

    Attributes:
        pinned: which version was to go out, once that was settled.
        error: why one of its own steps failed.
        reason: why another step of the run failed, or the run itself.
    """

    pinned: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    reason: str = ""


_KNOWN: dict[Place, Steps] = {}


def kept_steps(instance: dg.DagsterInstance, begun: Begun, ended_at: datetime | None) -> Steps:
    """What the steps say; of a run that ended a while ago they are read once."""
    place = Place(begun.exporter, begun.run_id)
    if place in _KNOWN:
        return _KNOWN[place]
    found = read_steps(instance, begun)
    if ended_at is not None and datetime.now(UTC) - ended_at > _SETTLED:
        if len(_KNOWN) >= _KNOWN_MOST:
            _KNOWN.clear()
        _KNOWN[place] = found
    return found


def read_steps(instance: dg.DagsterInstance, begun: Begun) -> Steps:
    """What the steps say."""
    files = _files_of(instance.root_directory)
    if files.are_all():
        try:
            return steps_in_file(files.of_run(begun.run_id), begun.exporter)
        except (sqlite3.Error, KeyError, TypeError, ValueError):
            pass  # no file, one of another release, or metadata that only Dagster can read
    return steps_by_dagster(instance, begun)


def steps_in_file(file: Path, exporter: str) -> Steps:
    """The same of a run's own file.

    Raises:
        sqlite3.Error: there is none, or it is none of these.
        KeyError: metadata that only Dagster can read.
    """
    with closing(open_records(file)) as connection:
        rows = [json.loads(event) for (event,) in connection.execute(_EVENTS, _TYPES)]
    found, own = Steps(), _step_of(exporter)
    for event in [row["dagster_event"] for row in rows]:
        data, key = event.get("event_specific_data") or {}, event.get("step_key") or ""
        kind, is_own = event["event_type_value"], key.partition(".")[0] == own
        if kind == _OUTPUT:
            if is_own:
                found.pinned = facts_of_entries(data["metadata_entries"])
        elif kind == _FAILED or data.get("error"):
            _failed(found, error_of(event), key if kind == _FAILED else "", is_own=is_own)
    return found


def steps_by_dagster(instance: dg.DagsterInstance, begun: Begun) -> Steps:
    """The same as Dagster has it."""
    found, own = Steps(), _step_of(begun.exporter)
    kinds = {dg.DagsterEventType(name) for name in _TYPES}
    for event in _events(instance, begun.run_id, kinds):
        key, kind = event.step_key or "", event.event_type
        is_own = key.partition(".")[0] == own
        if kind is dg.DagsterEventType.STEP_OUTPUT:
            if is_own:
                metadata = event.step_output_data.metadata
                found.pinned = {name: value.value for name, value in metadata.items()}
        elif (is_step := kind is dg.DagsterEventType.STEP_FAILURE) or has_error(event):
            _failed(found, error_text(event), key if is_step else "", is_own=is_own)
    return found


def _events(
    instance: dg.DagsterInstance, run_id: str, kinds: set[dg.DagsterEventType]
) -> Iterable[dg.DagsterEvent]:
    told = (entry.dagster_event for entry in instance.all_logs(run_id, of_type=kinds))
    return [event for event in told if event is not None]


def _failed(found: Steps, text: str, step: str, *, is_own: bool) -> None:
    """A step that failed, or the run; of those that are not its own the first one counts."""
    if step and is_own:
        found.error = text
    else:
        found.reason = found.reason or (f"{step}: {text}" if step else text)


def _step_of(exporter: str) -> str:
    return dg.AssetKey(("exports", exporter)).to_python_identifier()


@lru_cache(maxsize=8)
def _files_of(folder: str) -> RecordFiles:
    return RecordFiles(Path(folder))
