"""Runs as Dagster's storage has them, without what lists do not show.

Dagster's own reading makes an object of every part of a run, which is most of what a list of runs costs. Here its storage is
asked with its own query, and only what is needed is read of each row. A row that is written otherwise, such as one of an older
release, is read by Dagster; so is everything where the storage is of another kind. `test_recorded.py` compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import msgspec
import sqlalchemy as sa
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._serdes import deserialize_value

from orchestration.services.runs.find import location_of

_COLUMNS = ("id", "run_body", "status", "create_timestamp", "start_time", "end_time")


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as it is recorded.

    Args:
        number: grows with each.
        run_id: its id.
        job: name of its job.
        status: Dagster's word for what it does.
        tags: Dagster's own among them.
        targets: keys of the assets that were asked for, `datasets/orders`; empty: all of the job.
        location: the code location that it belongs to; empty of one that no code location knows.
        created_at: when it was asked for.
        started_at: when it began.
        ended_at: when it ended.
        given: its config, as JSON or as Dagster has read it.
    """

    number: int
    run_id: str
    job: str
    status: dg.DagsterRunStatus
    tags: Mapping[str, str]
    targets: tuple[str, ...]
    location: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    given: Any = field(compare=False, repr=False)

    @property
    def config(self) -> Any:
        """What it was told."""
        given = self.given
        return (msgspec.json.decode(given) if isinstance(given, bytes) else given) or {}


class _Key(msgspec.Struct, tag_field="__class__", tag="AssetKey"):
    path: tuple[str, ...]


class _Keys(msgspec.Struct, rename={"members": "__frozenset__"}):
    members: tuple[_Key, ...]


class _Place(msgspec.Struct):
    location_name: str


class _Repository(msgspec.Struct, rename={"place": "repository_location_origin"}):
    place: _Place


class _Origin(msgspec.Struct, rename={"repository": "external_repository_origin"}):
    repository: _Repository


class _Body(msgspec.Struct, tag_field="__class__", tag="PipelineRun"):
    """What is read of a run. No field may be missing: of older releases it would mean something else."""

    run_id: str
    pipeline_name: str
    tags: dict[str, str]
    run_config: msgspec.Raw
    asset_selection: _Keys | None
    external_pipeline_origin: _Origin | None


_BODY = msgspec.json.Decoder(_Body)


def read_runs(
    instance: dg.DagsterInstance,
    wanted: dg.RunsFilter,
    *,
    limit: int | None = None,
    cursor: str | None = None,
) -> list[RecordedRun]:
    """Runs, newest first, as `get_run_records` has them.

    Args:
        instance: where they are recorded.
        wanted: which.
        limit: most of them.
        cursor: id of the run behind which to begin.
    """
    storage = instance.run_storage
    if isinstance(storage, SqlRunStorage):
        query = storage._runs_query(wanted, cursor, limit, _COLUMNS)  # noqa: SLF001 - filters as Dagster has them
        try:
            return [_of_row(row) for row in storage.fetchall(query)]
        except sa.exc.DatabaseError:
            pass  # made by a release that had other columns
    return [recorded_of(run) for run in instance.get_run_records(wanted, limit, cursor=cursor)]


def recorded_of(record: dg.RunRecord) -> RecordedRun:
    """What Dagster has read."""
    times = record.create_timestamp.astimezone(UTC), record.start_time, record.end_time
    return _of_dagster(record.storage_id, record.dagster_run, *times)


def _of_row(row: Mapping[str, Any]) -> RecordedRun:
    status = dg.DagsterRunStatus(row["status"])  # what the body says of it may be of before
    created_at = row["create_timestamp"].replace(tzinfo=UTC)
    try:
        body = _BODY.decode(row["run_body"])
    except msgspec.DecodeError:
        run = deserialize_value(row["run_body"], dg.DagsterRun).with_status(status)
        return _of_dagster(row["id"], run, created_at, row["start_time"], row["end_time"])
    keys, origin = body.asset_selection, body.external_pipeline_origin
    return RecordedRun(
        number=row["id"],
        run_id=body.run_id,
        job=body.pipeline_name,
        status=status,
        tags=body.tags,
        targets=_sorted(key.path for key in keys.members) if keys else (),
        location=origin.repository.place.location_name if origin else "",
        created_at=created_at,
        started_at=_moment(row["start_time"]),
        ended_at=_moment(row["end_time"]),
        given=bytes(body.run_config),
    )


def _of_dagster(
    number: int,
    run: dg.DagsterRun,
    created_at: datetime,
    start: float | None,
    end: float | None,
) -> RecordedRun:
    return RecordedRun(
        number=number,
        run_id=run.run_id,
        job=run.job_name,
        status=run.status,
        tags=run.tags,
        targets=_sorted(key.path for key in run.asset_selection or ()),
        location=location_of(run),
        created_at=created_at,
        started_at=_moment(start),
        ended_at=_moment(end),
        given=run.run_config,
    )


def _sorted(paths: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted("/".join(path) for path in paths))


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
