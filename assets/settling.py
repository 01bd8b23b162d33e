"""How long a run waits for files to settle: one launched by hand takes what is there now; a schedule's or a sensor's waits."""

from __future__ import annotations

from collections.abc import Mapping

from resources.sources.settling import SETTLE_TAG
from resources.sources.spec import SourceSpec

_NOT_BY_HAND = frozenset(
    {"dagster/schedule_name", "dagster/sensor_name", "dagster/from_automation_condition"}
)


def settle_seconds(spec: SourceSpec, tags: Mapping[str, str]) -> float | None:
    """How long a file of a source must have been left alone to be taken by a run with these tags.

    By hand: not at all. Else what the data source says, then the pipeline whose sensor started the run, if it watches
    the same connector; None leaves it to the connector.
    """
    if not _NOT_BY_HAND & tags.keys():
        return 0
    if spec.settle_seconds is not None:
        return spec.settle_seconds
    connector, _, seconds = tags.get(SETTLE_TAG, "").partition(" ")
    if connector == spec.connector and seconds.isascii() and seconds.isdecimal():
        return int(seconds)
    return None
