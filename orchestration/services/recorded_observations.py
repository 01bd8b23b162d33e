"""What data sources held when they were looked at last, read from Dagster's SQLite files without importing Dagster.

Only of an instance that keeps everything in its own folder, which `recorded_states.py` tells. Each source is looked up once, by
the index of its events; after that only events that are new are read.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.dataset_staleness import LastLook
from orchestration.services.record_files import RecordFiles, open_records
from resources.kernel.keys import Key, noun_of_key

_KIND = "ASSET_OBSERVATION"
_VERSION_TAG = "dagster/data_version"
_LAST = "select max(id) from event_logs"
_OF_ONE = f"""select event from event_logs where asset_key = ? and dagster_event_type = '{_KIND}'
order by id desc limit 1"""
_NEWS = f"""select asset_key, event from event_logs where dagster_event_type = '{_KIND}' and id > ?
order by id"""


def sources_of(entries: Sequence[DatasetEntry]) -> list[Key]:
    """The data sources that datasets are made from."""
    upstream = {tuple(name.split("/")) for entry in entries for name in entry.made_from}
    return sorted(key for key in upstream if noun_of_key(key) == "datasource")


class RecordedObservations:
    """The last look at each data source, at hand for whoever asks often. One thread at a time.

    Args:
        dagster_home: the folder of an instance that keeps its records there.
    """

    def __init__(self, dagster_home: Path) -> None:
        self._events = RecordFiles(dagster_home).events
        self._seen: dict[Key, LastLook] = {}
        self._looked_up: set[Key] = set()
        self._last = 0

    def look(self, sources: Collection[Key]) -> Mapping[Key, LastLook] | None:
        """What each of the sources held; None where only Dagster can tell."""
        if not self._events.exists():
            return None
        try:
            with closing(open_records(self._events)) as connection:
                self._read(connection, sources)
        except (sqlite3.Error, KeyError, TypeError, ValueError):
            return None  # another release of Dagster, or a file that is being made
        return {key: self._seen[key] for key in sources if key in self._seen}

    def _read(self, connection: sqlite3.Connection, sources: Collection[Key]) -> None:
        last = connection.execute(_LAST).fetchone()[0] or 0  # first: what comes now is news next
        if last < self._last:  # another file, such as one out of a backup
            self._seen, self._looked_up, self._last = {}, set(), 0
        if last > self._last and self._looked_up:
            for asset_key, event in connection.execute(_NEWS, (self._last,)):
                self._take(tuple(json.loads(asset_key)), event)
        for key in [key for key in sources if key not in self._looked_up]:
            row = connection.execute(_OF_ONE, (json.dumps(list(key)),)).fetchone()
            if row is not None:
                self._take(key, row[0])
            self._looked_up.add(key)
        self._last = last

    def _take(self, key: Key, event: str) -> None:
        seen = _seen_of(json.loads(event))
        if seen is not None:
            self._seen[key] = seen


def _seen_of(entry: dict[str, Any]) -> LastLook | None:
    """What an observation says; None of one that says no data version."""
    observed = entry["dagster_event"]["event_specific_data"]["asset_observation"]
    version = observed["tags"].get(_VERSION_TAG)
    at = datetime.fromtimestamp(entry["timestamp"], UTC)
    return None if version is None else LastLook(str(version), at)
