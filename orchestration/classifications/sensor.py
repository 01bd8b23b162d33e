"""The sensor of a set that watches a place: files come in one at a time, in order of name, once each.

Which files are new says `watching/new_objects.py` (0 missed, 0 doubled). Here: one run at a time, so that each file is
applied to what the file before it left; and what a rejected file means for those after it.

A file stays where it is, whatever becomes of it: nothing in the watched place is moved, renamed or removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from assets.classifications.declaration import ClassificationSpec, WatchedFiles
from orchestration.classifications.jobs import ETAG_TAG, FILE_TAG, run_config, run_tags
from orchestration.watching.looking import look_for_new_objects
from orchestration.watching.new_objects import WatchPolicy
from orchestration.watching.object_ledger import ObjectsRequest
from orchestration.watching.object_sweep import digest_of, version_of
from resources.connectors.base import FileConnector
from resources.kernel.errors import NotFoundError
from resources.kernel.records import ObjectInfo

_REPLACED = "(replaced)"
_ENDED_BADLY = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def sensor_name(spec: ClassificationSpec) -> str:
    """Name of the sensor of a set."""
    return f"{spec.name}_files"


def build_sensor(spec: ClassificationSpec, job: Any) -> dg.SensorDefinition:
    """The sensor of a set that declares `files:`."""
    watched = spec.files
    assert watched is not None  # noqa: S101 - for the type checker: the caller looked
    name = sensor_name(spec)

    @dg.sensor(
        name=name,
        job=job,
        minimum_interval_seconds=watched.every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Takes new files at {watched.path} of connector {watched.connector} into {spec.name},"
        " one at a time, in order of name",
        required_resource_keys={watched.connector},
    )
    def _look(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        connector = getattr(context.resources, watched.connector).files()
        waiting = waits_for(context.instance, name, watched, connector)
        if waiting:
            return dg.SensorResult(skip_reason=waiting, cursor=context.cursor)
        return _next_file(context, spec, watched, connector)

    return _look


def _next_file(
    context: dg.SensorEvaluationContext,
    spec: ClassificationSpec,
    watched: WatchedFiles,
    connector: FileConnector,
) -> dg.SensorResult:
    given = watched.settle_seconds
    return look_for_new_objects(
        context,
        lambda after: _data_files(connector.list_objects(watched.path, after=after)),
        WatchPolicy(
            sensor=sensor_name(spec),
            scope=f"{watched.connector} {watched.path}",
            one_run_per="object",
            include_existing=watched.include_existing,
            settle_seconds=connector.settle_seconds if given is None else given,
            clock_doubt_seconds=connector.clock_doubt_seconds,
            max_requests=1,
        ),
        lambda wanted: _run_request(spec, watched, connector, wanted),
    )


_NO_DATA = re.compile(
    r"(?:.*/)?(?:[._][^/]*|(?:readme|licen[cs]e)[^/]*|thumbs\.db|[^/]*(?:~|\.(?:md|log|lock|tmp|part|partial|crdownload|swp|bak)))",
    re.IGNORECASE | re.DOTALL,
)


def _data_files(listed: Iterable[ObjectInfo]) -> Iterator[ObjectInfo]:
    """Without what lies beside data everywhere; any other file is taken, and rejected where it is none of a set."""
    return (item for item in listed if not _NO_DATA.fullmatch(item.key))


def _run_request(
    spec: ClassificationSpec,
    watched: WatchedFiles,
    connector: FileConnector,
    wanted: ObjectsRequest,
) -> dg.RunRequest:
    key = wanted.first_keys[0]
    etag = _etag_asked_for(connector, watched, wanted)
    author = f"connector {watched.connector}"
    order = {"object_key": key, "object_etag": etag, "author": author}
    return dg.RunRequest(
        run_key=wanted.run_key,
        run_config=run_config(spec, order),
        tags={**run_tags(spec.name, key, author), ETAG_TAG: etag[:250]},
    )


def _etag_asked_for(connector: FileConnector, watched: WatchedFiles, wanted: ObjectsRequest) -> str:
    """The etag of the version that was seen; a text that is none when another one is there by now.

    The run then leaves that one to the request of its own: it would come in twice, and perhaps out of order.
    """
    key = wanted.first_keys[0]
    for item in connector.list_objects(watched.path, after=key[:-1]):
        if item.key == key and digest_of(key, version_of(item)).hex() in wanted.run_key:
            return item.etag
        if item.key >= key:
            break
    return _REPLACED


def waits_for(
    instance: dg.DagsterInstance, sensor: str, watched: WatchedFiles, connector: FileConnector
) -> str:
    """Why no file may be taken now; empty when one may.

    A run that has not ended, or that Dagster is about to try again, comes first. With `on_error: wait` so does a
    rejected file, until it is replaced or removed.
    """
    runs = instance.get_runs(dg.RunsFilter(tags={"dagster/sensor_name": sensor}), limit=1)
    if not runs:
        return ""
    run = runs[0]
    file = run.tags.get(FILE_TAG, "")
    if run.status == dg.DagsterRunStatus.NOT_STARTED:
        return ""  # made and never submitted: it is asked for again under its key
    if not run.is_finished or _will_be_tried_again(run):
        return f"{file} is being taken by run {run.run_id}"
    if run.status in _ENDED_BADLY and watched.on_error == "wait":
        etag = _etag_of(connector, file)
        if etag and etag[:250] == run.tags.get(ETAG_TAG, ""):
            return (
                f"{file} was not taken (run {run.run_id}): waiting for it to be replaced or removed"
            )
    return ""


def _will_be_tried_again(run: dg.DagsterRun) -> bool:
    return (
        run.status == dg.DagsterRunStatus.FAILURE
        and run.tags.get("dagster/will_retry") == "true"
        and "dagster/auto_retry_run_id" not in run.tags
    )


def _etag_of(connector: FileConnector, key: str) -> str:
    """What the file is now; empty when it is gone: its run then says so."""
    try:
        return connector.stat(key).etag
    except NotFoundError:
        return ""
