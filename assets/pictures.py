"""Pictures for the UI: a matplotlib figure as Markdown with the PNG inside.

Dagster shows them behind a "Show Markdown" click and stores each event twice, so every picture is kept under
100 KB. No pyplot: it holds global state, and runs may draw side by side.
"""

from __future__ import annotations

import base64
import io
from typing import Any

MARKDOWN_LIMIT = 100_000  # bytes
_RESOLUTIONS = (120, 90, 65, 45, 30)  # dots an inch, first that fits


def new_figure(width: float = 6.4, height: float = 4.2) -> tuple[Any, Any]:
    """A figure and its only axes.

    Args:
        width: inches.
        height: inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def to_markdown(figure: Any, title: str) -> str:
    """`![title](data:image/png;base64,...)`, at the best resolution that stays under the limit."""
    label = "".join(char for char in title if char.isalnum() or char in " -_")
    text = ""
    for resolution in _RESOLUTIONS:
        encoded = base64.b64encode(_png(figure, resolution)).decode()
        text = f"![{label}](data:image/png;base64,{encoded})"
        if len(text) < MARKDOWN_LIMIT:
            break
    return text


def plain_text(text: object, limit: int = 30) -> str:
    """Any text as a label: cut, on one line, and no formula (`$` would start one)."""
    line = " ".join(str(text).split()).replace("$", r"\$")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _png(figure: Any, resolution: int) -> bytes:
    import warnings

    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # a label in a script that the font lacks is drawn as boxes; a layout may not fit a tiny figure
        warnings.simplefilter("ignore")
        figure.savefig(buffer, format="png", dpi=resolution, metadata={"Software": None})
    return buffer.getvalue()
