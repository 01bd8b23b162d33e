"""The classification files of J6: a key and five values a row, as CSV and as JSON lines. Deterministic.

About 87 bytes a row as CSV: 600,000 rows come to 50 MB, what a set takes by default. Two editions of the same keys
differ in every row.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from benchmarks.task import Task

COLUMNS = ("Label", "Brand", "Code", "Category", "Note")
_RECIPE = 1  # raise it when the rows change
_BRANDS = ("Cedar", "Oak & Ash", "Orme, frères", 'The "Elm"', "Düne", "Pinewood")


def classification_file(task: Task, ending: Literal["csv", "json"], edition: int = 1) -> Path:
    """The file, made beside the other data unless it is there."""
    name = f"classification-{_RECIPE}-{task.rows}-{edition}.{ending}"
    path = Path(task.csv).parent / name
    if not path.exists():
        scratch = path.with_name(f".{name}.part")
        with scratch.open("w", encoding="utf-8", newline="") as file:
            if ending == "csv":
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(["Key", *COLUMNS])
                writer.writerows(_rows(task.rows, edition))
            else:
                for key, *values in _rows(task.rows, edition):
                    data = dict(zip(COLUMNS, values, strict=True))
                    line = {"key": key, "data": data}
                    file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        scratch.rename(path)
    return path


def _rows(count: int, edition: int) -> Iterator[tuple[str, ...]]:
    for number in range(count):
        mixed = (number * 2_654_435_761 + edition * 97) % 2**32
        yield (
            f"sku-{number:08d}",
            f"label {mixed % 1_000_003:07d} x",
            _BRANDS[mixed % len(_BRANDS)],
            f"{mixed:012d}",
            f"category {mixed // 64 % 50}",
            f"a longer note {mixed // 4096 % 100_000:05d}" if mixed % 8 else "",
        )
