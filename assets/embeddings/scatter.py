"""The picture of an embedding: each row a point in the plane, coloured by a label."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assets.features.plan import kind_of
from assets.pictures import new_figure, plain_text, to_markdown

MAX_POINTS = 4_000
MAX_COLORS = 10  # values beyond the most frequent ones share grey
GREY = "#bbbbbb"


def draw_scatter(points: pa.Table, *, label: str | None, title: str) -> str:
    """A scatter as Markdown.

    Args:
        points: columns `x`, `y` and the label's; draw a sample of at most `MAX_POINTS` rows.
        label: column to colour by: a scale for numbers and dates, a colour a value for the rest.
        title: what the picture is called.
    """
    figure, axes = new_figure(6.4, 4.8)
    x, y = (np.asarray(points.column(name).to_numpy(), dtype=np.float64) for name in "xy")
    if label is None:
        axes.scatter(x, y, s=5, alpha=0.5, linewidths=0, color="#4c72b0")
    elif kind_of(points.column(label).type) in ("number", "date", "timestamp", "time"):
        _draw_scale(figure, axes, x, y, points.column(label), label)
    else:
        _draw_values(axes, x, y, points.column(label), label)
    axes.set_xlabel("x")
    axes.set_ylabel("y")
    return to_markdown(figure, title)


def _draw_scale(
    figure: Any,
    axes: Any,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    labels: pa.ChunkedArray,
    name: str,
) -> None:
    numbers, ticks = _as_numbers(labels)
    known = np.isfinite(numbers)
    axes.scatter(x[~known], y[~known], s=5, alpha=0.5, linewidths=0, color=GREY)
    drawn = axes.scatter(
        x[known], y[known], c=numbers[known], s=5, alpha=0.6, linewidths=0, cmap="viridis"
    )
    bar = figure.colorbar(drawn, ax=axes, label=plain_text(name))
    bar.solids.set(alpha=1)
    if ticks and known.any():
        places = np.unique([numbers[known].min(), numbers[known].max()])
        bar.set_ticks(places, labels=[ticks[place] for place in places])


def _as_numbers(labels: pa.ChunkedArray) -> tuple[npt.NDArray[np.float64], dict[float, str]]:
    """Numbers to colour by; for dates and times also the text of each."""
    kind = labels.type
    if kind_of(kind) == "number" and not pa.types.is_duration(kind):
        plain = labels.cast(kind.value_type) if pa.types.is_dictionary(kind) else labels
        return _floats(plain), {}
    whole = labels.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    numbers = _floats(whole)
    texts = labels.cast(pa.string()).to_pylist()
    return numbers, {float(n): str(t) for n, t in zip(numbers, texts, strict=True) if t is not None}


def _floats(values: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    numbers = values.cast(pa.float64(), safe=False)
    return np.asarray(pc.fill_null(numbers, np.nan).to_numpy(), dtype=np.float64)


def _draw_values(
    axes: Any,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    labels: pa.ChunkedArray,
    name: str,
) -> None:
    texts = np.array([plain_text(value) for value in labels.to_pylist()], dtype=object)
    values, counts = np.unique(texts, return_counts=True)
    frequent = [values[place] for place in np.argsort(-counts, kind="stable")[:MAX_COLORS]]
    rest = ~np.isin(texts, frequent)
    if rest.any():
        axes.scatter(x[rest], y[rest], s=5, alpha=0.5, linewidths=0, color=GREY, label="other")
    for number, value in enumerate(sorted(frequent)):
        chosen = texts == value
        axes.scatter(
            x[chosen], y[chosen], s=5, alpha=0.6, linewidths=0, color=f"C{number}", label=value
        )
    # a leading underscore would hide an entry
    handles, names = axes.get_legend_handles_labels()
    shown = [f" {text}" if text.startswith("_") else text for text in names]
    legend = axes.legend(
        handles, shown, title=plain_text(name), fontsize=7, title_fontsize=8,
        loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2.5,
    )  # fmt: skip
    for handle in legend.legend_handles:
        handle.set_alpha(1)
