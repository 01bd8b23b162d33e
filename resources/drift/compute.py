"""One version of a table against another one: column by column, then as a whole."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from resources.comparison.columns import MatchedColumns, match_columns
from resources.drift.categories import (
    CategoryTotals,
    category_totals,
    changed_categories,
    measure_categories,
)
from resources.drift.counting import PairBlock, PairCounter
from resources.drift.judging import judge, judge_share, judge_table, points, worst
from resources.drift.ordered_columns import (
    Measured,
    PairTotals,
    lengths_of,
    measure_ordered,
    ordered_totals,
)
from resources.drift.pairs import DriftPair, pair_columns
from resources.drift.record import (
    BothSides,
    ColumnDrift,
    ComparedVersion,
    Drift,
    DriftMethod,
    DriftState,
    PTest,
    RetypedColumn,
    Subject,
    TypedColumn,
)
from resources.drift.session import OpenedSides, open_sides
from resources.drift.settings import LEAST_ROWS, DriftSettings
from resources.kernel.errors import NotFoundError
from resources.profiles.session import UnreadableError, readable
from resources.stores.tables import StoredTable

_IDENTIFIER = "it looks like an identifier: every value is another"
_FREE_TEXT = "free text: most of its values occur once"
_LONG_TEXT = "long texts: they are no categories"
_P_TESTS: dict[DriftMethod, PTest] = {"wasserstein": "ks", "ks": "ks"}


def compute_drift(
    reference: StoredTable,
    current: StoredTable,
    settings: DriftSettings,
    *,
    named: tuple[ComparedVersion, ComparedVersion],
    only: str = "",
) -> Drift:
    """How far a version is from another one.

    Args:
        reference: what is compared with.
        current: the version.
        settings: what is judged by.
        named: how the two are called.
        only: the name of a column: no other is looked at, and the verdict is about it.

    Raises:
        NotFoundError: not both sides have the only column.
        InputError: a column that is named is not there, or its method does not fit; or DuckDB cannot read the rows.
        IntegrityError: a file is damaged or missing (E53).
        GoneError: a version was collected meanwhile (E51).
        StorageError: neither memory nor temporary disk is enough.
    """
    started = time.monotonic()
    settings.check_names([*current.schema.names, *reference.schema.names])
    matched = match_columns(reference.schema, current.schema)
    pairs = [
        pair
        for pair in pair_columns(reference.schema, current.schema, matched)
        if (pair.name == only if only else pair.name not in settings.ignore)
    ]
    if only and not pairs:
        raise _not_in_both(only, matched)
    with open_sides(reference, current) as sides:
        found = _Work(sides, pairs, settings).columns()
    return _whole(named, settings, found, matched, time.monotonic() - started)


def _not_in_both(name: str, matched: MatchedColumns) -> NotFoundError:
    listed = ", ".join(pair.name for pair in matched.pairs[:30]) or "none"
    return NotFoundError(
        f"not both versions have a column {name[:100]!r}", hint=f"Both have {listed}"
    )


def _whole(
    named: tuple[ComparedVersion, ComparedVersion],
    settings: DriftSettings,
    columns: list[ColumnDrift],
    matched: MatchedColumns,
    seconds: float,
) -> Drift:
    """The verdict on the table, from those on its columns."""
    ignored = settings.ignore
    state, compared, drifted = judge_table(columns, settings.share)
    return Drift(
        reference=named[0],
        current=named[1],
        state=state,
        compared=compared,
        drifted=drifted,
        share=drifted / compared if compared else 0.0,
        share_threshold=settings.share,
        missing_threshold=settings.missing_points,
        least_rows=LEAST_ROWS,
        columns=tuple(columns),
        columns_added=tuple(TypedColumn(*c) for c in matched.added if c[0] not in ignored),
        columns_removed=tuple(TypedColumn(*c) for c in matched.removed if c[0] not in ignored),
        columns_retyped=tuple(RetypedColumn(*c) for c in matched.retyped if c[0] not in ignored),
        ignored=tuple(sorted(ignored)),
        seconds=round(seconds, 3),
    )


class _Work:
    """Two versions on the way to what is between them."""

    def __init__(self, sides: OpenedSides, pairs: list[DriftPair], settings: DriftSettings) -> None:
        self._sides, self._pairs, self._settings = sides, pairs, settings
        self._counter = PairCounter(sides, pairs)
        self._rows = BothSides(sides.reference.table.rows, sides.current.table.rows)

    def columns(self) -> list[ColumnDrift]:
        """What was found of each column, in the order of the current version."""
        bare = [pair for pair in self._pairs if pair.reason]
        texts = [pair for pair in self._pairs if not pair.reason and self._counter.is_long(pair)]
        apart = {pair.position for pair in (*bare, *texts)}
        counted = [pair for pair in self._pairs if pair.position not in apart]
        found = dict(self._bare(bare))
        found |= self._lengths((pair, _LONG_TEXT) for pair in texts)
        for block in self._counter.blocks(counted):
            found |= self._block(block)
        return [found[pair.position] for pair in self._pairs]

    def _block(self, block: PairBlock) -> dict[int, ColumnDrift]:
        try:
            with readable():
                self._counter.count(block)
                pairs = block.pairs
                return self._ordered(block) if pairs[0].is_ordered else self._categories(block)
        except UnreadableError as error:
            if len(block.pairs) > 1:
                singles = [self._block(PairBlock((pair,))) for pair in block.pairs]
                return {position: one for found in singles for position, one in found.items()}
            reason = f"DuckDB cannot read it: {error}"
            return dict(self._bare([replace(pair, reason=reason) for pair in block.pairs]))

    def _ordered(self, block: PairBlock) -> dict[int, ColumnDrift]:
        totals = ordered_totals(self._sides, block)
        wanted = {
            pair.position: totals[pair.position]
            for pair in block.pairs
            if _has_values(totals[pair.position])
            and not (totals[pair.position].is_identifier and not self._is_asked_for(pair))
        }
        measured = measure_ordered(self._sides, block, wanted)
        return {
            pair.position: self._told(
                pair,
                "times" if pair.shown.kind == "time" else "numbers",
                totals[pair.position],
                measured.get(pair.position),
            )
            for pair in block.pairs
        }

    def _categories(self, block: PairBlock) -> dict[int, ColumnDrift]:
        totals = category_totals(self._sides, block)
        found, free = {}, []
        for pair in block.pairs:
            one = totals[pair.position]
            is_text = pair.shown.kind == "text" and not self._is_asked_for(pair)
            if is_text and one.is_free_text and not one.is_identifier and _has_values(one):
                free.append(pair)
                continue
            is_told = _has_values(one) and not (is_text and one.is_identifier)
            measured = measure_categories(self._sides, pair, one) if is_told else None
            told = self._told(pair, "categories", one, measured)
            found[pair.position] = self._with_changes(told, pair, one) if is_told else told
        # Counting their lengths takes the place of what was counted.
        return found | self._lengths((pair, _FREE_TEXT) for pair in free)

    def _lengths(self, texts: Iterable[tuple[DriftPair, str]]) -> dict[int, ColumnDrift]:
        found = {}
        for pair, reason in texts:
            self._counter.count_lengths(pair)
            block = PairBlock((lengths_of(pair),))
            totals = ordered_totals(self._sides, block)
            has_any = _has_values(totals[pair.position])
            measured = measure_ordered(self._sides, block, totals) if has_any else {}
            told = self._told(pair, "lengths", totals[pair.position], measured.get(pair.position))
            found[pair.position] = replace(told, reason=told.reason or reason)
        return found

    def _bare(self, pairs: list[DriftPair]) -> Iterator[tuple[int, ColumnDrift]]:
        """Columns of which nothing is compared but how many values are missing."""
        missing = self._counter.count_missing(pairs)
        for pair in pairs:
            totals = PairTotals(missing[pair.position], BothSides(), BothSides(), 0)
            told = self._told(pair, "nothing", totals, None)
            yield pair.position, replace(told, reason=pair.reason)

    def _told(
        self,
        pair: DriftPair,
        subject: Subject,
        totals: PairTotals | CategoryTotals,
        measured: Measured | None,
    ) -> ColumnDrift:
        odd = totals.not_finite if isinstance(totals, PairTotals) else BothSides()
        limit = self._settings.missing_points
        gaps = [one for one in (totals.missing, odd) if one != BothSides()] or [BothSides()]
        changes = [points(one, self._rows) for one in gaps]
        plain = ColumnDrift(
            name=pair.name,
            type=str(pair.current.field.type),
            reference_type=str(pair.reference.field.type),
            subject=subject if measured else "nothing",
            state="not_compared",
            drifted=False,
            missing=totals.missing,
            not_finite=odd,
            missing_points=max((c for c in changes if c is not None), key=abs, default=None),
            missing_state=worst(judge_share(one, self._rows, limit) for one in gaps),
        )
        if measured is None:
            plain = replace(plain, reason=_why_not(totals), values_state=_unmeasured(totals))
        else:
            plain = self._judged(plain, subject, totals.values, measured)
        state = worst((plain.values_state, plain.missing_state))
        return replace(plain, state=state, drifted=state == "drifted")

    def _judged(
        self, plain: ColumnDrift, subject: Subject, values: BothSides, measured: Measured
    ) -> ColumnDrift:
        method, threshold = self._settings.method_of(plain.name, subject)
        value, chance = measured.values[method], measured.chances[method]
        test: PTest = _P_TESTS.get(method, "chi_square")
        state = judge(value, threshold, chance, values)
        is_number = state != "not_compared"
        return replace(
            plain,
            method=method,
            value=value if is_number else None,
            threshold=threshold,
            chance=chance if is_number else None,
            p_value=measured.p_values[test],
            p_test=test,
            values_state=state,
            bins=measured.bins,
            reason="" if is_number else "its values are too far apart for a distance",
        )

    def _with_changes(
        self, plain: ColumnDrift, pair: DriftPair, totals: CategoryTotals
    ) -> ColumnDrift:
        if not (totals.new or totals.vanished):
            return plain
        new, vanished = changed_categories(self._sides, pair)
        return replace(
            plain,
            new=new,
            more_new=totals.new - len(new),
            vanished=vanished,
            more_vanished=totals.vanished - len(vanished),
        )

    def _is_asked_for(self, pair: DriftPair) -> bool:
        """Whether the settings name the column: its values are compared then, whatever they look like."""
        return pair.name in self._settings.columns


def _has_values(totals: PairTotals | CategoryTotals) -> bool:
    return bool(totals.values.reference and totals.values.current)


def _unmeasured(totals: PairTotals | CategoryTotals) -> DriftState:
    """Values that one side has none of are too few; of an identifier none are wanted."""
    is_wanted = not (totals.is_identifier or totals.values == BothSides())
    return "too_few" if is_wanted else "not_compared"


def _why_not(totals: PairTotals | CategoryTotals) -> str:
    values = totals.values
    if totals.is_identifier:
        return _IDENTIFIER
    if not (values.reference or values.current):
        return "neither side has values"
    return "the reference has no values" if not values.reference else "the current version has none"
