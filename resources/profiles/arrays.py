"""Arrow arrays as numpy sees them, without a copy where there is no null."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def as_numpy(values: pa.Array) -> npt.NDArray[Any]:
    """Integers or doubles without nulls."""
    return np.from_dlpack(values)


def as_doubles(values: pa.Array) -> npt.NDArray[np.float64]:
    """Numbers as doubles; NaN for a null."""
    if pa.types.is_duration(values.type):
        values = values.cast(pa.int64())
    doubles = pc.cast(values, pa.float64(), safe=False)
    found: npt.NDArray[np.float64] = as_numpy(pc.fill_null(doubles, float("nan")))
    return found
