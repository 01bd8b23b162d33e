"""Tables as text: one table, its columns told by what stands between them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import chain

from resources.documents.parsers.gathering import Gathered
from resources.documents.parsers.plain import read_text
from resources.sandbox.ranged_file import RangedFile

_SAMPLE = 64 * 1024
_DELIMITERS = ",;\t|"
_LONGEST_CELL = 10_000_000


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads a table."""
    text = read_text(file, gathered)
    csv.field_size_limit(_LONGEST_CELL)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text[:_SAMPLE]))
    first = next(rows, [])
    gathered.table(chain([first], rows), header=_is_header(first))


def _delimiter(sample: str) -> str:
    """What stands equally often in most lines; a comma if nothing does."""
    lines = [line for line in sample.splitlines() if line.strip()][:50]

    def evenness(mark: str) -> tuple[int, int]:
        counts = [len(row) for row in csv.reader(lines, delimiter=mark)]
        usual = max(counts, key=counts.count, default=1)
        return (counts.count(usual) if usual > 1 else 0, usual)

    best = max(_DELIMITERS, key=evenness)
    return best if evenness(best)[0] else ","


def _is_header(row: Sequence[str]) -> bool:
    """Whether the first row names the columns: texts without a number, all different."""
    first = [cell.strip() for cell in row]
    return bool(first) and len({*first}) == len(first) and not any(map(_is_number, first))


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", ".") or "0")
    except ValueError:
        return False
    return True
