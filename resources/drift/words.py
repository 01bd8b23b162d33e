"""What a comparison of distributions found, as people are told it: a sentence, the order of columns, a short table. Plain text."""

from __future__ import annotations

from resources.drift.record import (
    BothSides,
    ColumnDrift,
    Drift,
    DriftMethod,
    DriftState,
    PTest,
    Subject,
)

_MOST_ROWS = 100
"""Of the table; every event is stored twice."""
_NAMED = 5
_ORDER: tuple[DriftState, ...] = ("drifted", "too_few", "stable", "not_compared")
METHODS: dict[DriftMethod, str] = {
    "wasserstein": "Wasserstein distance",
    "psi": "PSI",
    "ks": "Kolmogorov-Smirnov distance",
    "jensen_shannon": "Jensen-Shannon distance",
    "chi_square": "Cramér's V",
}
TESTS: dict[PTest, str] = {"ks": "Kolmogorov-Smirnov test", "chi_square": "chi-square test"}
SUBJECTS: dict[Subject, str] = {
    "numbers": "numbers",
    "times": "dates and times",
    "categories": "categories",
    "lengths": "lengths of texts",
    "nothing": "missing values alone",
}
STATES: dict[DriftState, str] = {
    "drifted": "drifted",
    "too_few": "too few rows to tell",
    "stable": "no drift",
    "not_compared": "not compared",
}
"""What each state is called."""


def in_words(drift: Drift) -> str:
    """`2 of 19 columns have drifted from version 4: delay (Wasserstein distance 0.31 above 0.1); carrier (...)`."""
    than = called(drift)
    if drift.state == "too_few":
        return f"Too few rows to tell drift from {than}: {drift.least_rows} values of a column are the least"
    if drift.state == "not_compared":
        return f"No column can be compared with {than}"
    if not drift.drifted:
        return f"None of {drift.compared:,} columns has drifted from {than}"
    moved = sorted((column for column in drift.columns if column.drifted), key=rank)
    listed = "; ".join(f"{column.name} ({_why(column)})" for column in moved[:_NAMED])
    more = f" and {len(moved) - _NAMED:,} more" if len(moved) > _NAMED else ""
    have = "has" if drift.drifted == 1 else "have"
    allowed = (
        ""
        if drift.share_threshold is None
        else f", a share of {drift.share_threshold:g} is allowed"
    )
    return f"{drift.drifted:,} of {drift.compared:,} columns {have} drifted from {than}{allowed}: {listed}{more}"


def called(drift: Drift) -> str:
    """The reference: `version 4`, `version 4 (train-2026-11)`, `version 2 of flights`."""
    reference = drift.reference
    tag = f" ({reference.tag})" if reference.tag else ""
    of = "" if reference.dataset == drift.current.dataset else f" of {reference.dataset}"
    return f"version {reference.version}{of}{tag}"


def _why(column: ColumnDrift) -> str:
    parts = []
    if column.values_state == "drifted" and column.method is not None:
        parts.append(f"{METHODS[column.method]} {column.value:.3g} above {column.threshold:g}")
    if column.missing_state == "drifted":
        what = "missing" if column.not_finite == BothSides() else "missing or not finite"
        parts.append(f"{what} {column.missing_points:+.1f} points")
    return ", ".join(parts)


def column_rows(
    drift: Drift,
) -> tuple[list[tuple[str, str]], list[dict[str, str | int | float]]]:
    """Columns of a table (name, type), and its rows: drifted columns first, the furthest from their threshold before others."""
    header = [(name, "string") for name in ("column", "state", "method", "value", "threshold")]
    header += [
        ("missing points", "string"),
        ("new", "int"),
        ("vanished", "int"),
        ("reason", "string"),
    ]
    ranked = sorted(drift.columns, key=rank)[:_MOST_ROWS]
    return header, [_row(column) for column in ranked]


def rank(column: ColumnDrift) -> tuple[int, float]:
    """The order in which columns are told: drifted ones first, then by how far they are from their threshold."""
    over = 0.0
    if column.value is not None and column.threshold:
        over = column.value / column.threshold
    return _ORDER.index(column.state), -over


def _row(column: ColumnDrift) -> dict[str, str | int | float]:
    return {
        "column": column.name,
        "state": STATES[column.state],
        "method": column.method or "",
        "value": "" if column.value is None else f"{column.value:.4g}",
        "threshold": "" if column.threshold is None else f"{column.threshold:g}",
        "missing points": "" if column.missing_points is None else f"{column.missing_points:+.2f}",
        "new": len(column.new) + column.more_new,
        "vanished": len(column.vanished) + column.more_vanished,
        "reason": column.reason,
    }
