"""Values of any range as shades of grey: slices of volumes, and images of more than eight bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def grey(values: ArrayLike) -> NDArray[np.uint8]:
    """Values of any range as 256 shades: what lies between the darkest and brightest hundredth is spread over them."""
    plain = np.nan_to_num(np.asarray(values, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = np.percentile(plain, (1, 99))
    if high <= low:
        low, high = float(plain.min()), float(plain.max())
    return spread(plain, float(low), float(high))


def spread(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint8]:
    """Values as 256 shades, `low` and less as black, `high` and more as white."""
    scaled = (values - low) / max(high - low, 1e-12)
    shades: NDArray[np.uint8] = (np.clip(scaled, 0, 1) * 255).astype(np.uint8)
    return shades
