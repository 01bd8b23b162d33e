"""`dataset.cell`: one value of a version, whole, however long a page shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from orchestration.services.rows.cells import json_values, with_hex
from orchestration.services.rows.conditions import check_column
from orchestration.services.rows.place import Datasets, version_of
from resources.kernel.errors import NotFoundError

Form = Literal["text", "bytes", "json", "null"]


@dataclass(frozen=True)
class Cell:
    """A value as a file would hold it."""

    dataset: str
    version: int
    row: int
    column: str
    type: str
    form: Form
    """What `data` is: text in UTF-8, the bytes themselves, JSON in UTF-8, or nothing at all."""
    data: bytes


def dataset_cell(datasets: Datasets, name: str, *, version: int, row: int, column: str) -> Cell:
    """One value, whole.

    Args:
        datasets: where they are looked up.
        name: of the dataset.
        version: of the dataset.
        row: number of the row in the version, from 1.
        column: its name, exactly.

    Raises:
        UnknownNameError: nothing makes the dataset.
        NotFoundError: no such version or row; `GoneError` when the version has been collected.
        InputError: no such column.
    """
    table = version_of(datasets, name, version)
    check_column(column, table.schema.names)
    if not 1 <= row <= table.rows:
        raise NotFoundError(
            f"version {version} of dataset {name!r} has no row {row:,}",
            hint=f"It has {table.rows:,} rows",
        )
    (value,) = json_values(table.rows_at([row - 1], [column])[column])
    form, data = _as_file(value)
    kind = str(table.schema.field(column).type)
    return Cell(name, version, row, column, kind, form, data)


def _as_file(value: object) -> tuple[Form, bytes]:
    if value is None:
        return "null", b""
    if isinstance(value, bytes):
        return "bytes", value
    if isinstance(value, str):
        return "text", value.encode()
    return "json", json.dumps(with_hex(value), ensure_ascii=False, indent=1).encode()
