"""Correlations of numbers: Pearson's by sums over batches, Spearman's by ranks. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from resources.profiles.record import ColumnProfile

Floats = npt.NDArray[np.float64]

_MOST_MASKS = 20
_FEWEST_ROWS = 2
_CACHED_CELLS = 65_536
"""What the processor's cache holds beside its products."""
_FEWEST_CACHED = 1_024


class PearsonSums:
    """Sums of products of columns, from which correlations follow: each pair in the rows where both have a value.

    Values are taken from their mean and divided by their deviation, so that the sums lose nothing.

    Args:
        profiles: of the columns.
    """

    def __init__(self, profiles: Sequence[ColumnProfile]) -> None:
        self._means = np.array([profile.mean or 0.0 for profile in profiles])
        self._scales = np.array([_scale_of(profile) for profile in profiles])
        self._incomplete = [place for place, p in enumerate(profiles) if _has_gaps(p)]
        # Column 0 of the masks is of ones: for all that have no gaps.
        self._mask_of = np.zeros(len(profiles), np.int64)
        self._mask_of[self._incomplete] = np.arange(1, len(self._incomplete) + 1)
        size, masks = len(profiles), len(self._incomplete) + 1
        self._rows = np.zeros((masks, masks))
        self._sums = np.zeros((size, masks))
        self._squares = np.zeros((size, masks))
        self._products = np.zeros((size, size))

    def take(self, numbers: Floats) -> None:
        """Adds a batch; NaN where there is no value."""
        step = max(_CACHED_CELLS // max(numbers.shape[1], 1), _FEWEST_CACHED)
        for start in range(0, len(numbers), step):
            self._add(numbers[start : start + step])

    def correlations(self) -> tuple[Floats, Floats]:
        """Pearson's correlation of each pair, NaN where one of the two does not vary, and the rows it is of."""
        rows = self._rows[np.ix_(self._mask_of, self._mask_of)]
        sums, squares = self._sums[:, self._mask_of], self._squares[:, self._mask_of]
        with np.errstate(divide="ignore", invalid="ignore"):
            covariance = self._products - sums * sums.T / rows
            variance = squares - sums**2 / rows
            # What rounding leaves of a constant is no variance.
            variance[variance <= 1e-12 * np.maximum(squares, 1e-300)] = np.nan
            return np.clip(covariance / np.sqrt(variance * variance.T), -1, 1), rows

    def _add(self, numbers: Floats) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = (numbers - self._means) / self._scales
        present = np.isfinite(scaled)
        masks = np.ones((len(numbers), len(self._rows)))
        if self._incomplete:
            masks[:, 1:] = present[:, self._incomplete]
            scaled[~present] = 0.0
        self._rows += masks.T @ masks
        self._sums += scaled.T @ masks
        self._squares += (scaled * scaled).T @ masks
        self._products += scaled.T @ scaled


def spearman(numbers: Floats) -> tuple[tuple[Floats, Floats], bool]:
    """Spearman's correlation of each pair, the rows it is of; and whether columns were ranked among their own values alone.

    Ranks of a pair are those within the rows where both have a value, as long as there are few different sets of such rows.
    """
    size = numbers.shape[1]
    present = np.isfinite(numbers)
    groups: dict[bytes, list[int]] = {}
    for place in range(size):
        groups.setdefault(np.packbits(present[:, place]).tobytes(), []).append(place)
    if len(groups) > _MOST_MASKS:
        return _own_ranks(numbers, present), True
    values, rows = np.full((size, size), np.nan), np.zeros((size, size))
    together = list(groups.values())
    for number, one in enumerate(together):
        for other in together[number:]:
            both = present[:, one[0]] & present[:, other[0]]
            found = _ranked(numbers[both][:, one], numbers[both][:, other])
            values[np.ix_(one, other)], values[np.ix_(other, one)] = found, found.T
            rows[np.ix_(one, other)] = rows[np.ix_(other, one)] = both.sum()
    return (values, rows), False


def ranks(values: Floats) -> Floats:
    """Ranks from 1 on; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    found: Floats = (ends - (counts - 1) / 2)[places]
    return found


def _ranked(one: Floats, other: Floats) -> Floats:
    if len(one) < _FEWEST_ROWS:
        return np.full((one.shape[1], other.shape[1]), np.nan)
    a, b = _standard(one), _standard(other)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(a.T @ b, -1, 1)


def _standard(values: Floats) -> Floats:
    """Ranks of each column about their mean, of length 1; NaN of one that does not vary."""
    ranked = np.column_stack([ranks(values[:, place]) for place in range(values.shape[1])])
    ranked -= ranked.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = ranked / np.sqrt((ranked**2).sum(axis=0))
    return found


def _own_ranks(numbers: Floats, present: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    ranked = np.full_like(numbers, np.nan)
    for place in range(numbers.shape[1]):
        here = present[:, place]
        ranked[here, place] = ranks(numbers[here, place])
    sums = PearsonSums([_ranked_profile(ranked[:, place]) for place in range(ranked.shape[1])])
    sums.take(ranked)
    return sums.correlations()


def _ranked_profile(ranked: Floats) -> ColumnProfile:
    here = ranked[np.isfinite(ranked)]
    mean, std = (float(here.mean()), float(here.std())) if len(here) else (0.0, 1.0)
    return ColumnProfile(
        "", 0, "double", "number", missing=len(ranked) - len(here), mean=mean, std=std or 1.0
    )


def _scale_of(profile: ColumnProfile) -> float:
    """The deviation, or how far the values reach where doubles cannot hold that."""
    if profile.std:
        return profile.std
    return max(abs(float(profile.lowest or 0)), abs(float(profile.highest or 0))) or 1.0


def _has_gaps(profile: ColumnProfile) -> bool:
    return bool(profile.missing or profile.nans or profile.infinities)
