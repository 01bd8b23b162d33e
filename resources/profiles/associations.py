"""How far columns go together: one pass over the rows, batch by batch, for Pearson; a stated sample for what needs ranks or categories.

Pearson's correlation is of all rows. Spearman's, Cramer's V and the correlation ratio are of all rows of a short table, of a seeded
sample of a long one. A pair is measured in the rows where both columns have a value; infinite ones and NaN are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from resources.profiles.arrays import as_doubles, as_numpy
from resources.profiles.correlation import PearsonSums, spearman
from resources.profiles.kinds import CountedColumn
from resources.profiles.mixed import Codes, correlation_ratio, cramers_v
from resources.profiles.record import ASSOCIATED_COLUMNS, Association, ColumnProfile, Note
from resources.profiles.session import Session

Floats = npt.NDArray[np.float64]

SAMPLE_ROWS = 100_000
SAMPLE_CELLS = 10_000_000
SEED = 13
MOST_CATEGORIES = 100
"""Texts of more different values are no categories."""
LONGEST_CATEGORY = 1_000
"""Nor are texts of which one is longer, in characters."""
_BATCH_CELLS = 2_000_000
_BATCH_ROWS = 65_536
_DIGITS = 9


@dataclass(frozen=True)
class Chosen:
    """The columns that are measured."""

    numbers: tuple[CountedColumn, ...]
    categories: tuple[CountedColumn, ...]
    left_out: tuple[CountedColumn, ...]
    """More than the budget allows."""

    @property
    def names(self) -> list[str]:
        """Of all of them."""
        return [column.name for column in (*self.numbers, *self.categories)]


def choose(columns: Sequence[CountedColumn], profiles: Sequence[ColumnProfile]) -> Chosen:
    """Numbers that vary, booleans, and texts of few values: the first so many of the table."""
    fit = [
        c for c in columns if _is_number(profiles[c.position]) or _is_category(profiles[c.position])
    ]
    taken, left_out = fit[:ASSOCIATED_COLUMNS], fit[ASSOCIATED_COLUMNS:]
    return Chosen(
        tuple(column for column in taken if column.kind == "number"),
        tuple(column for column in taken if column.kind != "number"),
        tuple(left_out),
    )


def associate(
    session: Session, columns: Sequence[CountedColumn], profiles: Sequence[ColumnProfile]
) -> tuple[tuple[Association, ...], tuple[Note, ...]]:
    """All pairs within the budget, in the order of the table, and what is to be said of them."""
    chosen = choose(columns, profiles)
    notes = [_left_out_note(chosen)] if chosen.left_out else []
    if len(chosen.names) < 2:
        return (), tuple(notes)
    sample = _Sample(session.table.rows, len(chosen.names))
    sums = PearsonSums([profiles[column.position] for column in chosen.numbers])
    for batch in _batches(session, chosen.names):
        numbers = _numbers(batch, len(chosen.numbers))
        sums.take(numbers)
        sample.take(batch, numbers)
    if sample.is_partial:
        notes.append(sample.note())
    ranked, is_own = spearman(sample.numbers())
    if is_own:
        notes.append(Note("associations", _OWN_RANKS))
    positions = {column.name: column.position for column in columns}
    found = [
        *_pairs(chosen.numbers, "pearson", sums.correlations()),
        *_pairs(chosen.numbers, "spearman", ranked),
        *_mixed(chosen, sample),
    ]
    found.sort(key=lambda one: (positions[one.a], positions[one.b]))
    return tuple(found), tuple(notes)


_OWN_RANKS = (
    "Spearman's correlation ranks each column among its own values, not anew for each pair:"
    " cells are missing in too many ways"
)


class _Sample:
    """Rows picked at random, the same ones each time; all of a short table."""

    def __init__(self, rows: int, columns: int) -> None:
        self._rows = rows
        self._size = min(rows, SAMPLE_ROWS, max(SAMPLE_CELLS // max(columns, 1), 1))
        self._seen = 0
        self._numbers: list[Floats] = []
        self._categories: list[list[pa.Array]] = []
        chosen = np.random.default_rng(SEED).choice(rows, self._size, replace=False)
        self._wanted = np.sort(chosen)

    @property
    def is_partial(self) -> bool:
        """Whether there are rows that are not in it."""
        return self._size < self._rows

    def take(self, batch: pa.RecordBatch, numbers: Floats) -> None:
        """Keeps what is wanted of a batch."""
        low, high = np.searchsorted(self._wanted, [self._seen, self._seen + batch.num_rows])
        here = self._wanted[low:high] - self._seen
        self._seen += batch.num_rows
        self._numbers.append(numbers[here])
        picked = pa.array(here.tolist(), pa.int64())
        kept = [
            batch.column(place).take(picked) for place in range(numbers.shape[1], batch.num_columns)
        ]
        self._categories.append(kept)

    def numbers(self) -> Floats:
        """A row a row, a column a column; NaN where there is no finite value."""
        return np.concatenate(self._numbers) if self._numbers else np.empty((0, 0))

    def categories(self) -> Iterator[Codes]:
        """Columns as numbers from 0 on; -1 for none."""
        for arrays in zip(*self._categories, strict=True):
            encoded = pa.chunked_array(arrays).combine_chunks().dictionary_encode()
            codes = as_numpy(encoded.indices.fill_null(-1))
            yield codes.astype(np.int64), len(encoded.dictionary)

    def note(self) -> Note:
        """What is to be said of it."""
        return Note(
            "associations",
            "Spearman's correlation, Cramer's V and the correlation ratio are of a random sample of"
            f" {self._size:,} of {self._rows:,} rows; Pearson's is of all",
            sample_rows=self._size,
            seed=SEED,
        )


def _is_number(profile: ColumnProfile) -> bool:
    return profile.kind == "number" and profile.lowest != profile.highest


def _is_category(profile: ColumnProfile) -> bool:
    is_short = profile.lengths is None or profile.lengths.most <= LONGEST_CATEGORY
    is_kind = profile.kind in ("boolean", "text")
    return is_kind and is_short and 2 <= (profile.distinct or 0) <= MOST_CATEGORIES


def _left_out_note(chosen: Chosen) -> Note:
    return Note(
        "associations",
        f"Associations are of the first {ASSOCIATED_COLUMNS} columns that have any;"
        f" {len(chosen.left_out):,} are left out",
        tuple(column.name for column in chosen.left_out),
    )


def _batches(session: Session, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    rows = min(max(_BATCH_CELLS // len(names), 1), _BATCH_ROWS)
    for path in session.paths:
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16)
        for batch in file.iter_batches(rows, columns=list(names)):
            yield batch.select(list(names))


def _numbers(batch: pa.RecordBatch, count: int) -> Floats:
    matrix = np.empty((batch.num_rows, count))
    for place in range(count):
        matrix[:, place] = as_doubles(batch.column(place))
    matrix[~np.isfinite(matrix)] = np.nan
    return matrix


def _pairs(
    columns: Sequence[CountedColumn], method: Any, found: tuple[Floats, Floats]
) -> Iterator[Association]:
    values, rows = found
    for a in range(len(columns)):
        for b in range(a + 1, len(columns)):
            if np.isfinite(values[a, b]):
                yield _association(columns[a], columns[b], method, values[a, b], rows[a, b])


def _mixed(chosen: Chosen, sample: _Sample) -> Iterator[Association]:
    numbers = sample.numbers()
    coded = (
        list(zip(chosen.categories, sample.categories(), strict=True)) if chosen.categories else []
    )
    for place, (column, codes) in enumerate(coded):
        for other, others in coded[place + 1 :]:
            value, rows = cramers_v(codes, others)
            if np.isfinite(value):
                yield _association(column, other, "cramers_v", value, rows)
        values, counts = correlation_ratio(codes, numbers)
        for number, value, rows in zip(chosen.numbers, values, counts, strict=True):
            if np.isfinite(value):
                a, b = sorted((column, number), key=lambda one: one.position)
                yield _association(a, b, "correlation_ratio", value, rows)


def _association(
    a: CountedColumn, b: CountedColumn, method: Any, value: float, rows: float
) -> Association:
    return Association(a.name, b.name, method, round(float(value), _DIGITS), int(rows))
