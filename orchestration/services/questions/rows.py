"""Questions about what is in a dataset, answered also while the project's code does not load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from orchestration.services.asking.question import Desk, Question, Streamed
from orchestration.services.rows.cell import Form, dataset_cell
from orchestration.services.rows.facets import Facets, dataset_facets
from orchestration.services.rows.page import SECONDS, RowsPage, RowsWanted, dataset_rows
from orchestration.services.rows.place import Datasets, KeptDatasets
from resources.kernel.errors import ConfigError

_GRACE_SECONDS = 15.0
"""The search itself ends first, and says more."""


@dataclass(frozen=True)
class CellHead:
    """What the bytes of a cell are."""

    dataset: str
    version: int
    row: int
    column: str
    type: str
    form: Form
    size_bytes: int
    file_name: str
    """Under which it may be saved."""


def _rows(desk: Desk, name: str, wanted: Mapping[str, Any]) -> RowsPage:
    return dataset_rows(_datasets(desk), name, msgspec.convert(wanted, RowsWanted))


def _facets(desk: Desk, name: str, column: str, wanted: Mapping[str, Any], top: int) -> Facets:
    found = msgspec.convert(wanted, RowsWanted)
    return dataset_facets(_datasets(desk), name, column, found, top=top)


def _cell(desk: Desk, name: str, version: int, row: int, column: str) -> Streamed[CellHead]:
    found = dataset_cell(_datasets(desk), name, version=version, row=row, column=column)
    ending = {"bytes": "bin", "json": "json"}.get(found.form, "txt")
    head = CellHead(
        dataset=name,
        version=version,
        row=row,
        column=column,
        type=found.type,
        form=found.form,
        size_bytes=len(found.data),
        file_name=f"{name}-v{version}-{row}-{column}.{ending}",
    )
    return Streamed(head, [found.data])


def _datasets(desk: Desk) -> Datasets:
    try:
        return desk.location
    except ConfigError:
        return KeptDatasets(desk.store)


FIND = Question("rows.find", _rows, RowsPage, seconds=2 * SECONDS + _GRACE_SECONDS)
FACETS = Question("rows.facets", _facets, Facets, seconds=2 * SECONDS + _GRACE_SECONDS)
CELL = Question("rows.cell", _cell, Streamed[CellHead])
QUESTIONS = (FIND, FACETS, CELL)
