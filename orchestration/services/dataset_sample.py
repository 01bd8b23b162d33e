"""The first rows of a dataset. What reads them is imported where they are read, not where they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resources.kernel.errors import InputError
from resources.kernel.keys import Key

if TYPE_CHECKING:
    from resources.stores.tables import TableStore

SAMPLE_LIMIT = 10_000


@dataclass(frozen=True)
class Sample:
    """Some rows, each value as JSON can hold it: what JSON has no form for is text."""

    columns: tuple[str, ...]
    rows: list[list[Any]]


def sample_dataset(store: TableStore, key: Key, *, rows: int, version: int | None) -> Sample:
    """The first rows of a version, the newest unless a number is given.

    Raises:
        NotFoundError: no such version; `GoneError` when it has been collected.
        InputError: more rows than a sample may have.
    """
    from orchestration.services.json_rows import json_rows

    if not 0 < rows <= SAMPLE_LIMIT:
        raise InputError(f"a sample has 1 to {SAMPLE_LIMIT} rows, not {rows}")
    if version is not None:
        table = store.read(key, version).sample(rows)
    else:
        table = store.read_latest(key, lambda found: found.sample(rows))
    return Sample(tuple(table.column_names), json_rows(table))
