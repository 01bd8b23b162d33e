"""One look of a sensor at a place of a connector: what is new there, as the answer that Dagster gets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg

from orchestration.watching.new_objects import ListAfter, WatchPolicy, find_new_objects
from orchestration.watching.object_ledger import ObjectsRequest
from orchestration.watching.submitted import was_submitted
from resources.connectors.base import FileConnector
from resources.home import waybill_home
from resources.kernel.errors import NotFoundError
from resources.sources.objects import select_objects


def look_for_new_objects(
    context: dg.SensorEvaluationContext,
    listed: ListAfter,
    policy: WatchPolicy,
    request: Callable[[ObjectsRequest], dg.RunRequest],
) -> dg.SensorResult:
    """Asks for the runs of what is new.

    Args:
        context: of the sensor.
        listed: lists the place.
        policy: of the sensor, by whose name its ledger and its runs are found.
        request: makes one of what is new a run.
    """
    sensor = policy.sensor
    try:
        tick = find_new_objects(
            listed,
            policy,
            ledger=waybill_home() / "sensors" / f"{sensor}.sqlite",
            cursor=context.cursor,
            has_run=lambda run_key: was_submitted(context.instance, sensor, run_key),
            now=datetime.now(UTC),
        )
        context.log.info(tick.summary)
        requests = [request(one) for one in tick.requests]
    except NotFoundError as error:  # a folder that is not there yet holds nothing new
        return dg.SensorResult(skip_reason=str(error), cursor=context.cursor)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else tick.summary,
        cursor=tick.cursor,
    )


def files_at(connector: FileConnector, path: str) -> ListAfter:
    """Lists a path as data sources do. Of a folder every file counts: which of them can be read is for the run to say."""
    return lambda after: select_objects(connector, path, is_readable=lambda _key: True, after=after)


def tags_of(wanted: ObjectsRequest) -> dict[str, str]:
    """What a run of new objects shows of them."""
    return {
        "waybill/new_objects": str(wanted.objects),
        "waybill/first_object": wanted.first_keys[0][:250] if wanted.first_keys else "",
    }
