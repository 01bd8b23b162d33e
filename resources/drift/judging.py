"""What is drift, and what may be chance: the size of the effect decides, and no p-value does.

Of a million rows every difference is significant, of a hundred hardly one is. So a difference is drift when it is above its threshold *and*
above what chance alone may make of it with as many rows as there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from resources.drift.measures import share_chance
from resources.drift.record import BothSides, ColumnDrift, DriftState
from resources.drift.settings import LEAST_ROWS


def judge(value: float, threshold: float, chance: float, values: BothSides) -> DriftState:
    """What a measure says.

    Args:
        value: how far the sides are apart.
        threshold: above it there is drift.
        chance: what chance may make of it.
        values: how many each side has.
    """
    if min(values.reference, values.current) < LEAST_ROWS:
        return "too_few"
    if not math.isfinite(value):
        return "not_compared"
    if value <= threshold:
        return "stable"
    return "drifted" if value > chance else "too_few"


def points(part: BothSides, rows: BothSides) -> float | None:
    """By how many percentage points a share has changed; None where a side has no rows."""
    if not (rows.reference and rows.current):
        return None
    return 100 * (part.current / rows.current - part.reference / rows.reference)


def judge_share(part: BothSides, rows: BothSides, threshold: float) -> DriftState:
    """What the change of a share says.

    Args:
        part: rows that count.
        rows: all rows.
        threshold: percentage points.
    """
    changed = points(part, rows)
    if changed is None:
        return "too_few"
    whole = (part.reference + part.current) / (rows.reference + rows.current)
    chance = 100 * share_chance(whole, rows.reference, rows.current)
    return judge(abs(changed), threshold, chance, rows)


def worst(states: Iterable[DriftState]) -> DriftState:
    """Of several things the one that counts."""
    found = set(states)
    return next((one for one in _ORDER if one in found), "not_compared")


_ORDER: tuple[DriftState, ...] = ("drifted", "too_few", "stable", "not_compared")


def judge_table(columns: Iterable[ColumnDrift], share: float | None) -> tuple[DriftState, int, int]:
    """What the columns say together; how many were judged, and how many of those have drifted.

    Args:
        columns: all that were compared.
        share: which part of them may drift; None: none may.
    """
    states = [column.state for column in columns]
    judged = sum(state in ("drifted", "stable") for state in states)
    drifted = states.count("drifted")
    if not judged:
        return ("too_few" if "too_few" in states else "not_compared"), 0, 0
    is_drift = drifted > 0 if share is None else drifted > share * judged
    return ("drifted" if is_drift else "stable"), judged, drifted
