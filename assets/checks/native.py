"""Common expectations judged without Great Expectations, whose import costs 8 s of CPU; the verdict is the library's.

Equality is by construction where it can be: a rule applies the pandas operations that the library would apply, to
batches or to the very column that it would get, and only for arguments that it takes unchanged. Whatever is not
certain has no verdict here, but `None`: another expectation, argument, column type, or a value that a float
cannot hold. `library.py` judges it then. `test_native.py` compares both on random tables.

Memory holds one batch of the columns that an expectation names; of a column of numbers all of it where a figure or an order is asked for
(8 bytes a row); of values that come more than once what DuckDB may have, which spills.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from assets.checks.arguments import takes
from assets.checks.column_rules import MAPS, MapRule, is_plain
from assets.checks.expectations import Expectation, Verdict
from assets.checks.figures import FIGURE_TAKES, FIGURES, SHARE_PRESENT, judge_figure
from assets.checks.groups import (
    GROUPED,
    TOGETHER,
    TOGETHER_TAKES,
    are_alike,
    is_grouped_exactly,
    judge_grouped,
    judge_unique_together,
    open_groups,
)
from assets.checks.patterns import Patterns, SlowPatternError
from assets.checks.report import Answer
from assets.checks.row_rules import ROW_RULES, RowRule, considered
from assets.checks.table_rules import TABLE_RULES
from assets.checks.tally import Tally
from resources.stores.frames import to_pandas
from resources.stores.tables import StoredTable

NATIVE = frozenset({*TABLE_RULES, *MAPS, *FIGURES, SHARE_PRESENT, *GROUPED, *ROW_RULES, TOGETHER})
"""Expectations that are judged here, for columns of most types and usual arguments."""
JUDGE = "Waybill, with the verdict of Great Expectations"


def judge_natively(
    expectations: Sequence[Expectation], table: StoredTable, patterns: Patterns | None = None
) -> list[Verdict | None]:
    """A verdict for each expectation; None where the library has to judge."""
    found: list[Verdict | None] = [_judge_table(item, table) for item in expectations]
    with patterns or Patterns() as looking:
        for column, places in _by_column(expectations, table).items():
            mine = [expectations[place] for place in places]
            answers = _ColumnJudge(table, column, looking).judge(mine)
            for place, verdict in zip(places, answers, strict=True):
                found[place] = found[place] or verdict
    for place, item in enumerate(expectations):
        if found[place] is None:
            found[place] = _verdict(_judge_rows(item, table))
    return found


def _verdict(answer: Answer | None) -> Verdict | None:
    return None if answer is None else Verdict(*answer, judged_by=JUDGE)


def _judge_table(item: Expectation, table: StoredTable) -> Verdict | None:
    if item.kind not in TABLE_RULES:
        return None
    judge, arguments = TABLE_RULES[item.kind]
    return _verdict(judge(item.arguments, table)) if takes(item.arguments, arguments) else None


def _by_column(
    expectations: Sequence[Expectation], table: StoredTable
) -> Mapping[str, Sequence[int]]:
    """Places of the expectations about one column that is there, by its name."""
    found: dict[str, list[int]] = {}
    names = set(table.schema.names)
    for place, item in enumerate(expectations):
        column = item.arguments.get("column")
        if isinstance(column, str) and column in names and item.kind not in TABLE_RULES:
            found.setdefault(column, []).append(place)
    return found


class _ColumnJudge:
    """Judges what is asked about one column, reading it as few times as that takes."""

    def __init__(self, table: StoredTable, column: str, patterns: Patterns) -> None:
        self._table, self._column, self._patterns = table, column, patterns
        self._type: pa.DataType = table.schema.field(column).type

    def judge(self, expectations: Sequence[Expectation]) -> list[Verdict | None]:
        """A verdict for each, or None."""
        found: list[Verdict | None] = [None] * len(expectations)
        steps: dict[Any, list[int]] = {}
        for place, item in enumerate(expectations):
            steps.setdefault(self._way(item), []).append(place)
        for way, places in steps.items():
            if way is None:
                continue
            answers = way([expectations[place] for place in places])
            for place, verdict in zip(places, answers, strict=True):
                found[place] = verdict
        return found

    def _way(self, item: Expectation) -> Any:
        """Which of the methods below judges it; None for the library."""
        if self._is_grouped(item):
            return self._in_groups
        if item.kind == SHARE_PRESENT:
            return self._by_presence if takes(item.arguments, FIGURE_TAKES) else None
        rule = MAPS.get(item.kind) or FIGURES.get(item.kind)
        if rule is not None and takes(item.arguments, rule.arguments) and rule.is_for(self._type):
            is_streamed = isinstance(rule, MapRule) and not rule.needs_all
            return self._in_batches if is_streamed else self._as_a_whole
        return None

    def _is_grouped(self, item: Expectation) -> bool:
        if item.kind not in GROUPED or not is_grouped_exactly(self._type):
            return False
        return takes(item.arguments, GROUPED[item.kind]) and are_alike(
            self._type, item.arguments.get("value_set", ())
        )

    def _in_batches(self, expectations: Sequence[Expectation]) -> list[Verdict | None]:
        judged = [_Streamed(item, MAPS[item.kind], self._type) for item in expectations]
        for series in _batches(self._table, self._column):
            present = series[series.notnull()]
            for one in judged:
                one.add(series, present, self._patterns)
        return [one.verdict() for one in judged]

    def _by_presence(self, expectations: Sequence[Expectation]) -> list[Verdict | None]:
        present = sum(int(series.notnull().sum()) for series in _batches(self._table, self._column))
        share = present / self._table.rows if self._table.rows else 0
        return [_verdict(judge_figure(share, item.arguments)) for item in expectations]

    def _as_a_whole(self, expectations: Sequence[Expectation]) -> list[Verdict | None]:
        series = self._table.to_pandas([self._column])[self._column]
        present = series[series.notnull()]
        with np.errstate(all="ignore"):  # the mean of infinities is none, and no reason to warn
            return [self._of_whole(item, series, present) for item in expectations]

    def _of_whole(
        self, item: Expectation, series: pd.Series[Any], present: pd.Series[Any]
    ) -> Verdict | None:
        if item.kind in FIGURES:
            return _verdict(judge_figure(FIGURES[item.kind].compute(series), item.arguments))
        one = _Streamed(item, MAPS[item.kind], self._type)
        one.add(series, present, self._patterns)
        return one.verdict()

    def _in_groups(self, expectations: Sequence[Expectation]) -> list[Verdict | None]:
        with open_groups(self._table, [self._column]) as groups:
            return [
                _verdict(judge_grouped(groups, item.kind, item.arguments)) for item in expectations
            ]


class _Streamed:
    """One expectation about each value, while a column passes by."""

    def __init__(self, item: Expectation, rule: MapRule, kind: pa.DataType) -> None:
        self._given, self._rule, self._type = item.arguments, rule, kind
        self._tally = Tally(rule.counts_missing)
        self._is_certain = True
        self._error = ""

    def add(self, series: pd.Series[Any], present: pd.Series[Any], patterns: Patterns) -> None:
        """Takes a batch."""
        if not self._is_certain or self._error:
            return
        values = series if self._rule.counts_missing else present
        try:
            meets = self._rule.meets(values, self._given, patterns)
        except SlowPatternError as error:
            self._error = error.message
            return
        if (
            meets is None or meets.hasnans
        ):  # pandas' own types do not say whether a missing value meets
            self._is_certain = False
            return
        self._tally.add(len(series), values, meets)

    def verdict(self) -> Verdict | None:
        """What came of it."""
        if self._error:
            return Verdict(passed=False, result={}, judged_by=JUDGE, error=self._error)
        is_shown = is_plain(self._type) or not self._rule.shows_values
        if not self._is_certain or (self._tally.unexpected and not is_shown):
            return None
        return _verdict(self._tally.answer(self._given.get("mostly", 1)))


def _batches(table: StoredTable, *columns: str) -> Iterator[Any]:
    """A column as series, several as frames: each batch as it would be in the whole table, its places as index."""
    names = list(dict.fromkeys(columns))
    nullable = [name for name in names if _has_gaps(table, name)]
    place = 0
    stream = table.batches(names)
    try:
        for batch in chain(stream, _no_rows(table, stream.schema)):
            frame = to_pandas(pa.Table.from_batches([batch]), gaps_elsewhere=nullable)
            frame.index = pd.RangeIndex(place, place + len(frame))
            place += len(frame)
            yield frame[columns[0]] if len(columns) == 1 else frame[list(columns)]
    finally:
        stream.close()


def _no_rows(table: StoredTable, schema: pa.Schema) -> list[pa.RecordBatch]:
    """A batch without rows of a table without rows: what is asked of it may be wrong all the same."""
    return [] if table.rows else [pa.RecordBatch.from_pylist([], schema)]


def _has_gaps(table: StoredTable, column: str) -> bool:
    """Whether pandas would give the column a type of its own for missing values."""
    kind = table.schema.field(column).type
    if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        return False
    stream = table.batches([column])
    try:
        return any(batch.column(0).null_count for batch in stream)
    finally:
        stream.close()


def _judge_rows(item: Expectation, table: StoredTable) -> Answer | None:
    """Of an expectation about several columns."""
    columns = item.columns
    if len(set(columns)) != len(columns) or not set(columns) <= set(table.schema.names):
        return None
    if len(columns) < 2:
        return None
    kinds = [table.schema.field(name).type for name in columns]
    if item.kind == TOGETHER and takes(item.arguments, TOGETHER_TAKES):
        if not all(map(is_grouped_exactly, kinds)):
            return None
        with open_groups(table, columns) as groups:
            return judge_unique_together(groups, columns, item.arguments.get("mostly", 1))
    rule = ROW_RULES.get(item.kind)
    if rule is None or not takes(item.arguments, rule.arguments) or not rule.is_for(kinds):
        return None
    return _judge_each_row(rule, item.arguments, table, columns)


def _judge_each_row(
    rule: RowRule, given: Mapping[str, Any], table: StoredTable, columns: Sequence[str]
) -> Answer | None:
    tally = Tally()
    for frame in _batches(table, *columns):
        rows = considered(rule, frame, given)
        meets = None if rows is None else rule.meets(rows, given)
        if rows is None or meets is None or meets.hasnans:
            return None
        tally.add(len(frame), rows, meets)
    if rule.is_of_a_pair:
        tally = replace(tally, first=[(n, tuple(row.values())) for n, row in tally.first])
    return tally.answer(given.get("mostly", 1))
