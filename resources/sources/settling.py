"""Which files of a listing are complete: those that have been unchanged for a while.

A folder and a file server show a file from its first byte on, and cannot say when its writer is done. Object stores
publish whole objects, and so need none of this. Here: the look at times and etags, the pause between two looks. Not
here: for whom it counts (`FileSource.at_rest`), and the sensors' own memory of files (`orchestration/pipelines`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from resources.kernel.records import ObjectInfo

SETTLE_TAG = "waybill/settle"
"""Tag of a run that a sensor started: `<connector> <seconds>`, when its pipeline says how long files settle."""

MOST_PAUSE_SECONDS = 30.0
"""The longest pause between two looks. What cannot settle within it is left to the next import."""


@dataclass(frozen=True)
class Settled:
    """A listing taken apart."""

    whole: tuple[ObjectInfo, ...]
    unsettled: tuple[ObjectInfo, ...] = ()
    """Those that may still be written to."""


def wait_until_settled(
    look: Callable[[], Sequence[ObjectInfo]],
    *,
    settle_seconds: float,
    clock_doubt_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Settled:
    """The files that have been left alone for `settle_seconds`; waits for those that will have been soon.

    Args:
        look: lists what is there now, in order of key.
        settle_seconds: how long a file must have kept its etag.
        clock_doubt_seconds: how far times may be off this machine's clock. Where there is doubt, a file that may be
            young is whole when it stays the same from one look to the next.
        sleep: waits.
    """
    first = look()
    if settle_seconds <= 0:
        return Settled(tuple(first))
    missing = {item.key: settle_seconds - _age(item, clock_doubt_seconds) for item in first}
    young = [seconds for seconds in missing.values() if seconds > 0]
    if not young:
        return Settled(tuple(first))
    if clock_doubt_seconds:
        pause = min(settle_seconds, MOST_PAUSE_SECONDS)
    else:
        pause = max((seconds for seconds in young if seconds <= MOST_PAUSE_SECONDS), default=0.0)
    sleep(pause)
    before = {item.key: item.etag for item in first}
    whole: list[ObjectInfo] = []
    unsettled: list[ObjectInfo] = []
    for item in look():
        is_same = before.get(item.key) == item.etag
        is_changed = item.key in before and not is_same  # by a writer that keeps old times, too
        is_old = not is_changed and _age(item, clock_doubt_seconds) >= settle_seconds
        is_whole = is_old or (is_same and (bool(clock_doubt_seconds) or missing[item.key] <= pause))
        (whole if is_whole else unsettled).append(item)
    return Settled(tuple(whole), tuple(unsettled))


def _age(item: ObjectInfo, doubt: float) -> float:
    """Seconds for which a file has surely not been written to; a time to come counts as now."""
    return max(0.0, (datetime.now(UTC) - item.modified_at).total_seconds() - doubt)
