"""How far two distributions are apart: counts and areas in, numbers out.

Each measure comes with what chance alone may make of it: two samples of the same distribution are farther apart about once in a thousand
times. What is below that is no drift, however low the threshold: small samples differ always, and a table has many columns.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
"""Rows in each bin, or of each category."""

EMPTY_SHARE = 0.0001
"""What PSI takes for the share of a bin that one side has no value in: its logarithm has none of zero."""
_LEVEL = 0.001
"""How often chance may go beyond what is told of it."""
_KS_LEVEL = 1.95
"""Of the Kolmogorov-Smirnov test at this level."""
_NORMAL_LEVEL = 3.29
"""The same of the normal distribution."""
_SPARSE_ENTROPY = 2 * math.log(2)
"""How much more than the chi-square distribution says categories of a row or two add to the divergence: one that only one side has adds
ln 2 of its share, whichever side that is."""
_SPARSE_STABILITY = 2.0
"""The same of PSI, which takes a fixed share for what a side has not; found by drawing samples of 2 to 1,000 categories."""
_BEYOND_AVERAGE = 3.0
"""How many times the average of the Wasserstein distance; for the same level, by samples of normal, even and long-tailed distributions."""
_MEAN_ABSOLUTE = math.sqrt(2 / math.pi)
"""Of a standard normal distribution."""


def population_stability(reference: Counts, current: Counts) -> float:
    """PSI: the sum of (q - p) ln(q / p) over bins, p and q the shares of either side."""
    p, q = (np.where(side > 0, side / side.sum(), EMPTY_SHARE) for side in (reference, current))
    return float(((q - p) * np.log(q / p)).sum())


def population_stability_chance(bins: int, reference: int, current: int) -> float:
    """For so many bins and rows of either side."""
    return _SPARSE_STABILITY * _beyond(bins) * _thinness(reference, current)


def jensen_shannon(reference: Counts, current: Counts) -> float:
    """The Jensen-Shannon distance with natural logarithms, from 0 to 0.83: as scipy's `jensenshannon`."""
    p, q = reference / reference.sum(), current / current.sum()
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return math.sqrt(max(divergence, 0.0))


def jensen_shannon_chance(categories: int, reference: int, current: int) -> float:
    """For so many categories and rows of either side."""
    divergence = _beyond(categories) * _thinness(reference, current) / 8
    return math.sqrt(_SPARSE_ENTROPY * divergence)


def chi_square(reference: Counts, current: Counts) -> tuple[float, float]:
    """Cramer's V of the table of both sides, and the p-value of its chi-square test, without correction for continuity."""
    from scipy.special import chdtrc

    table = np.stack([reference, current]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    degrees = table.shape[1] - 1
    if degrees < 1:
        return 0.0, 1.0
    rows = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    statistic = float(((table - expected) ** 2 / expected).sum())
    return math.sqrt(statistic / rows), float(chdtrc(degrees, statistic))


def chi_square_chance(categories: int, reference: int, current: int) -> float:
    """For so many categories and rows of either side."""
    return math.sqrt(_beyond(categories) / (reference + current))


def kolmogorov_smirnov_p(distance: float, reference: int, current: int) -> float:
    """The p-value of the greatest distance of two cumulative distributions, by its limit for many rows."""
    from scipy.special import kolmogorov

    return float(kolmogorov(distance / math.sqrt(_thinness(reference, current))))


def kolmogorov_smirnov_chance(reference: int, current: int) -> float:
    """For so many rows of either side."""
    return _KS_LEVEL * math.sqrt(_thinness(reference, current))


def wasserstein_chance(spread: float, reference: int, current: int) -> float:
    """For so many rows of either side.

    Args:
        spread: the area under sqrt(F (1 - F)), F the cumulative distribution of both sides together, in the unit of the distance.
        reference: rows.
        current: rows.
    """
    return _BEYOND_AVERAGE * _MEAN_ABSOLUTE * spread * math.sqrt(_thinness(reference, current))


def share_chance(part: float, reference: int, current: int) -> float:
    """How far a share may be apart by chance, from 0 to 1: a normal distribution at this level.

    Args:
        part: the share of both sides together.
        reference: rows.
        current: rows.
    """
    return _NORMAL_LEVEL * math.sqrt(part * (1 - part) * _thinness(reference, current))


def _beyond(categories: int) -> float:
    """What the chi-square statistic of so many categories goes beyond once in a thousand times."""
    from scipy.special import chdtri

    return float(chdtri(categories - 1, _LEVEL)) if categories > 1 else 0.0


def _thinness(reference: int, current: int) -> float:
    return 1 / reference + 1 / current


def _relative_entropy(p: npt.NDArray[np.float64], q: npt.NDArray[np.float64]) -> float:
    held = p > 0
    return float((p[held] * np.log(p[held] / q[held])).sum())
