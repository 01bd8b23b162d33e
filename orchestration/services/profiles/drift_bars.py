"""The bins that two distributions share, each with its label and the rows of either side, as charts and tables show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestration.services.hidden_characters import spelled
from orchestration.services.profiles.wording import figure, moment
from resources.drift.record import BothSides, ColumnDrift, SharedBins


@dataclass(frozen=True)
class SharedBar:
    """One bin.

    Args:
        label: which values it counts.
        reference: rows of the reference.
        current: rows of the current version.
        is_rest: whether it stands for all that have no bin of their own.
    """

    label: str
    reference: int
    current: int
    is_rest: bool = False


def shared_bars(column: ColumnDrift) -> tuple[SharedBar, ...]:
    """The bins of a column, in order; none where its values were not compared."""
    bins = column.bins
    if bins is None:
        return ()
    return tuple(_labelled(bins) if bins.kind == "bars" else _binned(column, bins))


def _labelled(bins: SharedBins) -> Iterator[SharedBar]:
    for label, reference, current in zip(bins.labels, bins.reference, bins.current, strict=True):
        yield SharedBar(spelled(label) or "(empty)", reference, current)
    yield from _rest("all others", bins.others)


def _binned(column: ColumnDrift, bins: SharedBins) -> Iterator[SharedBar]:
    edges = bins.edges
    texts = [moment(e, bins.unit) if bins.kind == "time" else figure(e) for e in edges]
    yield from _rest(f"below {texts[0]}", bins.below)
    is_whole = "int" in column.type or column.subject == "lengths"
    for place, (reference, current) in enumerate(zip(bins.reference, bins.current, strict=True)):
        low, high = edges[place], edges[place + 1]
        is_one = is_whole and isinstance(low, int) and high == low + 1
        is_one = is_one or texts[place] == texts[place + 1]
        label = texts[place] if is_one else f"{texts[place]} to {texts[place + 1]}"
        yield SharedBar(label, reference, current)
    yield from _rest(f"above {texts[-1]}", bins.above)


def _rest(label: str, rows: BothSides) -> Iterator[SharedBar]:
    if rows != BothSides():
        yield SharedBar(label, rows.reference, rows.current, is_rest=True)
