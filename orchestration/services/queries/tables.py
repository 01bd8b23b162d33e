"""The tables that a query may name, and their columns, from what is declared and kept. Reads manifests, no rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.services.dataset_list import DatasetEntry
from resources.kernel.errors import WaybillError
from resources.stores.versions import VersionStore

SHOWN = 30
"""Tables whose columns are shown without being asked for."""


@dataclass(frozen=True)
class QueryTable:
    """A dataset as a table of queries."""

    name: str
    columns: tuple[tuple[str, str], ...]
    """(name, type) as far as they were looked up."""
    is_looked_up: bool
    """Whether its columns were; False where there are many tables and this one was not asked for."""


def query_tables(
    entries: Sequence[DatasetEntry], store: VersionStore, asked: str = ""
) -> list[QueryTable]:
    """The tables of a project, in order of name.

    Args:
        entries: its datasets.
        store: where they are kept.
        asked: the one whose columns are wanted in any case.
    """
    looked_up = {entry.name for entry in entries[:SHOWN]} if len(entries) <= SHOWN else {asked}
    return [
        QueryTable(
            entry.name,
            _columns(entry, store) if entry.name in looked_up else (),
            entry.name in looked_up,
        )
        for entry in entries
    ]


def _columns(entry: DatasetEntry, store: VersionStore) -> tuple[tuple[str, str], ...]:
    try:
        newest = store.item(entry.key).latest()
    except WaybillError:
        return ()  # its own page says what is wrong with it
    return newest.schema if newest else ()
