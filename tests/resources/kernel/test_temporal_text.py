"""Dates that Python does not know, and Arrow prints wrongly or not at all."""

from __future__ import annotations

import pyarrow as pa
import pytest

from resources.kernel.temporal_text import temporal_texts

LATE = 9223371331199999999


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (
            pa.array([0, None, 2932897, -2440588, 2145031948], pa.date32()),
            ["1970-01-01", None, "10000-01-01", "-4713-11-24", "5874868-01-01"],
        ),
        (
            pa.array([LATE, 0, None], pa.timestamp("us")),
            ["294247-01-01 23:59:59.999999", "1970-01-01 00:00:00.000000", None],
        ),
        (
            pa.array([LATE], pa.timestamp("us", "UTC")),
            ["294247-01-01 23:59:59.999999Z"],
        ),
        (
            pa.array([-(2**62)], pa.timestamp("us")),
            ["-144169-06-28 09:59:32.612096"],
        ),
        (pa.array([86_400_000 * 2932897], pa.date64()), ["10000-01-01"]),
        (pa.array([1], pa.time64("us")), ["00:00:00.000001"]),
        (pa.array([1], pa.timestamp("ns")), ["1970-01-01 00:00:00.000000001"]),
    ],
)
def test_every_moment_has_its_text(array, texts):
    assert temporal_texts(array) == texts
    assert temporal_texts(pa.chunked_array([array])) == texts
