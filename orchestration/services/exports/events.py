"""What Dagster's log of events says of exporters: which deliveries were begun, and which arrived.

Asked of the log's own index, in one query for all exporters: Dagster's calls take one asset at a time. `test_events.py` compares
with those.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple

import dagster as dg
import sqlalchemy as sa
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._serdes import deserialize_value

from orchestration.services.recorded_facts import facts_of_entries
from resources.kernel.errors import ConfigError
from resources.kernel.keys import asset_key

_LOG = SqlEventLogStorageTable.c
_PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value
_NAMES = 4_096
"""Of exporters, known in both spellings."""
_ARRIVED = (
    dg.DagsterEventType.ASSET_MATERIALIZATION.value,
    dg.DagsterEventType.ASSET_OBSERVATION.value,
)


@dataclass(frozen=True)
class Begun:
    """A run that was to deliver.

    Args:
        number: grows with each; the place in the list.
        exporter: its name.
        run_id: of the run.
        at: when it was asked for.
    """

    number: int
    exporter: str
    run_id: str
    at: datetime


class Place(NamedTuple):
    """Which delivery."""

    exporter: str
    run_id: str


def begun_deliveries(
    instance: dg.DagsterInstance,
    exporters: Collection[str],
    *,
    before: int | None = None,
    limit: int,
) -> list[Begun]:
    """Deliveries of these exporters, newest first.

    Args:
        instance: where they are recorded.
        exporters: names.
        before: only those with a smaller number.
        limit: most of them.
    """
    wanted = [
        _LOG.dagster_event_type == _PLANNED,
        _LOG.asset_key.in_([_text(name) for name in exporters]),
    ]
    if before is not None:
        wanted.append(_LOG.id < before)
    query = (
        sa.select(_LOG.id, _LOG.asset_key, _LOG.run_id, _LOG.timestamp)
        .where(*wanted)
        .order_by(_LOG.id.desc())
        .limit(limit)
    )
    return [_begun(row) for row in _rows(instance, query)]


def newest_deliveries(instance: dg.DagsterInstance, exporters: Collection[str]) -> dict[str, Begun]:
    """The newest delivery of each exporter that ever began one."""
    newest = (
        sa.select(sa.func.max(_LOG.id))
        .where(
            _LOG.dagster_event_type == _PLANNED,
            _LOG.asset_key.in_([_text(name) for name in exporters]),
        )
        .group_by(_LOG.asset_key)
    )
    query = sa.select(_LOG.id, _LOG.asset_key, _LOG.run_id, _LOG.timestamp).where(
        _LOG.id.in_(newest)
    )
    return {found.exporter: found for found in map(_begun, _rows(instance, query))}


def arrived(
    instance: dg.DagsterInstance, begun: Collection[Begun]
) -> dict[Place, Callable[[], Mapping[str, Any]]]:
    """What each of these deliveries said of itself when it had arrived, to be asked for; nothing of those that did not."""
    found: dict[Place, Callable[[], Mapping[str, Any]]] = {}
    for key, run_id, text in _arrivals(instance, begun, _LOG.event):
        found[Place(_name(key), run_id)] = partial(_facts, text)
    return found


def arrived_at_all(instance: dg.DagsterInstance, begun: Collection[Begun]) -> set[Place]:
    """Which of these deliveries arrived."""
    return {Place(_name(key), run_id) for key, run_id in _arrivals(instance, begun)}


def _arrivals(
    instance: dg.DagsterInstance, begun: Collection[Begun], *more: sa.Column[Any]
) -> Sequence[Any]:
    if not begun:
        return []
    query = sa.select(_LOG.asset_key, _LOG.run_id, *more).where(
        _LOG.dagster_event_type.in_(_ARRIVED),
        _LOG.asset_key.in_({_text(one.exporter) for one in begun}),
        _LOG.run_id.in_({one.run_id for one in begun}),
        _LOG.id > min(one.number for one in begun),
    )
    return _rows(instance, query)


def _facts(text: str) -> Mapping[str, Any]:
    data = json.loads(text)["dagster_event"]["event_specific_data"]
    said = data.get("materialization") or data.get("asset_observation") or {}
    try:
        return facts_of_entries(said["metadata_entries"])
    except KeyError:
        return _facts_by_dagster(deserialize_value(text, EventLogEntry))


def _facts_by_dagster(entry: EventLogEntry) -> Mapping[str, Any]:
    event = entry.dagster_event
    data: Any = event.event_specific_data if event else None
    said = getattr(data, "materialization", None) or getattr(data, "asset_observation", None)
    return {} if said is None else {name: value.value for name, value in said.metadata.items()}


def _rows(instance: dg.DagsterInstance, query: Any) -> Sequence[Any]:
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise ConfigError(
            f"Dagster keeps its events in {type(storage).__name__}, where exports cannot be listed",
            hint="Keep them in SQLite or PostgreSQL",
        )
    with storage.index_connection() as connection:
        return connection.execute(query).all()


def _begun(row: Any) -> Begun:
    return Begun(row.id, _name(row.asset_key), row.run_id, row.timestamp.replace(tzinfo=UTC))


@lru_cache(maxsize=_NAMES)
def _text(exporter: str) -> str:
    """The asset's key as the log has it."""
    return dg.AssetKey(asset_key("exports", exporter)).to_string()


@lru_cache(maxsize=_NAMES)
def _name(text: str) -> str:
    return str(json.loads(text)[-1])
