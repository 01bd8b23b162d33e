"""The picture of an embedding, for every type of label."""

from __future__ import annotations

import base64
import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from assets.embeddings.scatter import MAX_POINTS, draw_scatter
from assets.pictures import MARKDOWN_LIMIT

ROWS = 400
RNG = np.random.default_rng(0)
LABELS = {
    "no label": None,
    "text": pa.array(RNG.choice(["_hidden", "$x$", "名前", "<b>"], ROWS)),
    "many values": pa.array([f"v{n % 40}" for n in range(ROWS)]),
    "long names": pa.array([f"{'long ' * 30}{n % 40}" for n in range(ROWS)]),
    "dictionary": pa.array(["a", None] * (ROWS // 2)).dictionary_encode(),
    "booleans": pa.array([True, None] * (ROWS // 2)),
    "numbers": pa.array(RNG.normal(size=ROWS), mask=RNG.random(ROWS) < 0.1),
    "infinite": pa.array([float("inf"), float("nan"), 1.0, None] * (ROWS // 4)),
    "integers": pa.array(range(ROWS)),
    "nulls": pa.nulls(ROWS),
    "null numbers": pa.nulls(ROWS, pa.float64()),
    "null dates": pa.nulls(ROWS, pa.date32()),
    "dates": pa.array([dt.date(2024, 1, 1 + n % 28) for n in range(ROWS)]),
    "one date": pa.array([dt.date(2024, 1, 1)] * ROWS),
    "timestamps": pa.array([dt.datetime(2024, 1, 1, n % 24, tzinfo=dt.UTC) for n in range(ROWS)]),
    "times": pa.array([dt.time(n % 24) for n in range(ROWS)]),
    "durations": pa.array([dt.timedelta(seconds=n) for n in range(ROWS)]),
    "lists": pa.array([[n % 3] for n in range(ROWS)]),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
def test_any_label_gives_a_small_picture(labels):
    points = {
        "x": pa.array(RNG.normal(size=ROWS), "f4"),
        "y": pa.array(RNG.normal(size=ROWS), "f4"),
    }
    if labels is not None:
        points["l<a>b$el"] = labels
    text = draw_scatter(
        pa.table(points), label=None if labels is None else "l<a>b$el", title="a](b"
    )
    head, _, rest = text.partition("](data:image/png;base64,")
    assert head == "![ab"
    assert base64.b64decode(rest.removesuffix(")")).startswith(b"\x89PNG")
    assert len(text) < MARKDOWN_LIMIT


def test_as_many_points_as_are_ever_drawn_still_give_a_small_picture():
    noise = RNG.normal(size=(3, MAX_POINTS))
    points = pa.table({"x": noise[0], "y": noise[1], "c": noise[2]})
    assert len(draw_scatter(points, label="c", title="t")) < MARKDOWN_LIMIT


def test_no_points_give_an_empty_picture():
    points = pa.table({"x": pa.array([], "f4"), "y": pa.array([], "f4"), "c": pa.array([], "f8")})
    assert draw_scatter(points, label="c", title="t").startswith("![t](data:image/png")
