"""How far a category goes together with another, or with numbers: Cramer's V and the correlation ratio. Arrays in, figures out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = tuple[npt.NDArray[np.int64], int]
"""A category in each row, counted from 0, -1 for none; and how many there are."""


def cramers_v(one: Codes, other: Codes) -> tuple[float, int]:
    """Cramer's V without correction, and the rows it is of; NaN where one of the two does not vary."""
    (a, size_a), (b, size_b) = one, other
    both = (a >= 0) & (b >= 0)
    flat = np.bincount(a[both] * size_b + b[both], minlength=size_a * size_b)
    table = flat.reshape(size_a, size_b).astype(np.float64)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    rows, degrees = table.sum(), min(table.shape, default=0) - 1
    if degrees < 1:
        return float("nan"), int(rows)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / rows
    chi_square = float(((table - expected) ** 2 / expected).sum())
    return float(np.sqrt(min(chi_square / (rows * degrees), 1.0))), int(rows)


def correlation_ratio(category: Codes, numbers: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """For each column of numbers how much of its variation lies between the categories (eta), and the rows it is of.

    The square root of the sum of squares between categories over that of all; NaN where the numbers do not vary.
    """
    codes, size = category
    known = codes >= 0
    found = [_ratio(codes[known], size, column) for column in numbers[known].T]
    values = np.array([value for value, _ in found])
    return values, np.array([rows for _, rows in found], np.int64)


def _ratio(codes: npt.NDArray[np.int64], size: int, column: Floats) -> tuple[float, int]:
    present = np.isfinite(column)
    here, values = codes[present], column[present]
    rows = len(values)
    if rows < 2:
        return float("nan"), rows
    with np.errstate(over="ignore", invalid="ignore"):
        away = values - values.mean()
        whole = float((away * away).sum())
    if not np.isfinite(whole) or whole <= 0:
        return float("nan"), rows
    counts, sums = (
        np.bincount(here, minlength=size),
        np.bincount(here, weights=away, minlength=size),
    )
    filled = counts > 0
    between = float((sums[filled] ** 2 / counts[filled]).sum())
    return float(np.sqrt(min(between / whole, 1.0))), rows
