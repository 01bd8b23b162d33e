"""Answers at a terminal: tables for people, JSON for programs. Values come from data and are shown as plain text.

Control characters never reach the terminal (T35): a file name or a cell may hold any.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

CELL_LIMIT = 40
PIPE_WIDTH = 160
WHOLE = 1_000_000
_SIZES = ("B", "KB", "MB", "GB", "TB")


def print_json(answer: object) -> None:
    """Any answer of a service as JSON: dataclasses as objects, times in ISO form, the rest as text."""
    typer.echo(json.dumps(_plain(answer), indent=2, ensure_ascii=False, default=str))


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, limit: int = CELL_LIMIT
) -> None:
    """A table; at a terminal what does not fit is left out and counted, and cells are cut at `limit` characters."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    console = make_console()
    if not console.is_terminal:
        limit = WHOLE  # a pipe has room
    cells = [[to_cell(value, limit) for value in row] for row in rows]
    shown = _fitting(header, cells, console.width) if console.is_terminal else len(header)
    if not console.is_terminal:
        console.width = _width(header, cells)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, name in enumerate(header[:shown]):
        numeric = any(_is_number(row[number]) for row in cells)
        table.add_column(Text(visible(name)), justify="right" if numeric else "left", no_wrap=True)
    for row in cells:
        table.add_row(*(Text(cell) for cell in row[:shown]))
    console.print(table)
    if shown < len(header):
        console.print(Text(f"… and {len(header) - shown} more columns; --json shows all"))


def to_verbatim(rows: Iterable[Sequence[object]]) -> list[list[str]]:
    """Cells of data as they are, not as people write numbers and times."""
    return [["null" if value is None else str(value) for value in row] for row in rows]


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Name and value, one a line; values that are empty are left out."""
    kept = [
        (name, to_cell(value, limit=400)) for name, value in facts if value not in (None, "", ())
    ]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        typer.echo(f"{name:<{width}}  {value}")


def make_console() -> Console:
    """Standard output; wider than a terminal where there is none, and without colour codes there."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, markup=False)


def to_cell(value: object, limit: int = CELL_LIMIT) -> str:
    """A value in one short line."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if value.tzinfo else str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, (list, tuple)):
        return ", ".join(to_cell(item, limit) for item in value)
    text = visible(str(value))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def to_names(names: Sequence[str], shown: int = 2) -> str:
    """The first names of a list, and how many more there are; all of them where the output is not a terminal."""
    if not sys.stdout.isatty():
        return ", ".join(names)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def visible(text: str) -> str:
    """`text` without anything a terminal would act on: escape sequences, line ends, direction marks."""
    return "".join(char if char.isprintable() else " " for char in text)


def to_size(size_bytes: int | None) -> str:
    """Bytes for people."""
    if size_bytes is None:
        return "-"
    size, unit = float(size_bytes), 0
    while size >= 1000 and unit < len(_SIZES) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_SIZES[unit]}" if unit == 0 else f"{size:.1f} {_SIZES[unit]}"


def _fitting(header: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> int:
    """How many columns fit, at least one."""
    used = 0
    for number, name in enumerate(header):
        used += max([len(name), *(len(row[number]) for row in cells)]) + 2
        if used > width and number > 0:
            return number
    return len(header)


def _width(header: Sequence[str], cells: Sequence[Sequence[str]]) -> int:
    """Room for every column."""
    longest = [max([len(h), *(len(row[n]) for row in cells)]) for n, h in enumerate(header)]
    return max(PIPE_WIDTH, sum(longest) + 4 * len(longest))


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "").lstrip("-").isdigit()


def _plain(answer: Any) -> Any:
    if dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        return {
            field.name: _plain(getattr(answer, field.name)) for field in dataclasses.fields(answer)
        }
    if isinstance(answer, dict):
        return {str(key): _plain(value) for key, value in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [_plain(item) for item in answer]
    return answer.isoformat() if isinstance(answer, datetime) else answer
