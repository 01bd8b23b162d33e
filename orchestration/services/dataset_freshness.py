"""Whether a dataset is as new as its `refresh` promises, told as a check is: nothing runs for it. Imports no Dagster.

By a cron: whether it was made within the longest time between two of its ticks, and some more. On a change: whether
something that it is made from has changed since (`dataset_staleness.py`). Dagster's daemon evaluates the first too, as the asset's
freshness policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from orchestration.services.dataset_detail import CheckOutcome, Made
from orchestration.services.dataset_list import DatasetEntry

NAME = "freshness"
_ON_CHANGE = "on_change"


def with_freshness(
    checks: Sequence[CheckOutcome],
    entry: DatasetEntry,
    made: Made | None,
    stale: str,
    now: datetime,
) -> list[CheckOutcome]:
    """Checks, and whether the dataset is as new as it promises, where it promises something.

    Args:
        checks: those that ran.
        entry: the dataset.
        made: its last run that ended well.
        stale: why it is stale, if it is.
        now: of the question.
    """
    found = _freshness(entry, made, stale, now)
    return [*checks, found] if found else list(checks)


def _freshness(
    entry: DatasetEntry, made: Made | None, stale: str, now: datetime
) -> CheckOutcome | None:
    if entry.fresh_seconds:
        window = timedelta(seconds=entry.fresh_seconds)
        late = made is not None and now - made.at > window
        told = f"Made anew within {_span(window)} (refresh {entry.refresh})"
        return _outcome(told, made, f"made {_span(now - made.at)} ago" if made else "", late=late)
    if entry.refresh == _ON_CHANGE and entry.is_declared:
        told = "Made of what its inputs hold now (refresh on_change)"
        return _outcome(told, made, stale, late=bool(stale))
    return None


def _outcome(description: str, made: Made | None, observed: str, *, late: bool) -> CheckOutcome:
    state = "never run" if made is None else ("failed" if late else "passed")
    return CheckOutcome(
        NAME,
        description,
        blocking=False,
        outcome=state,
        severity="warning" if late else "",
        declared="warn",
        at=made.at if made else None,
        run_id=made.run_id if made else "",
        observed=observed,
    )


def _span(span: timedelta) -> str:
    """`2 d 3 h`, `25 min`: two units at most."""
    minutes = int(span.total_seconds() // 60)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{minutes} min"
