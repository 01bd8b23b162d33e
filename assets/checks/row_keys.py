"""By what a failing row is told: its key. A number holds for one version alone; people look for `order_id=1004`.

The key is what the declaration names; else a column of which the profile of this very version says that it is an identifier and tells
every row apart. Where there is neither, or a column of it is gone, rows are told by their numbers. That a declared key tells rows apart
is not proven here: `expect_column_values_to_be_unique` does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from assets.checks.texts import cut
from resources.kernel.errors import IntegrityError
from resources.profiles.kept import read_column_facts
from resources.stores.tables import StoredTable, TableStore

RowKey = Mapping[str, Any]
"""The key of a row: values by column, as JSON has them."""


def key_columns(store: TableStore, table: StoredTable, declared: Sequence[str]) -> tuple[str, ...]:
    """The columns that rows of a version are told by; none where only their numbers are known.

    Args:
        store: where its profile is kept.
        table: the version.
        declared: `key` of the declaration.
    """
    if declared:
        return tuple(declared) if set(declared) <= set(table.schema.names) else ()
    key = tuple(table.name.split("/"))
    try:
        facts = read_column_facts(store, key, table.version.number)
    except IntegrityError:  # of the profile, which costs the checks nothing but this
        return ()
    found = (name for name, about in facts.items() if _tells_rows_apart(about, table.rows))
    return tuple(name for name in found if name in table.schema.names)[:1]


def _tells_rows_apart(about: Mapping[str, Any], rows: int) -> bool:
    is_named = "identifier" in str(about["warnings"]).split(",")
    return is_named and about["missing"] == 0 and about["distinct"] == rows


def keys_at(table: StoredTable, places: Sequence[int], columns: Sequence[str]) -> dict[int, RowKey]:
    """The keys of rows, in one reading of these columns.

    Args:
        table: a version.
        places: numbers of its rows, counted from 0.
        columns: of the key; none: no row has one.
    """
    wanted = sorted({place for place in places if 0 <= place < table.rows})
    if not wanted or not columns:
        return {}
    rows = table.rows_at(wanted, columns).to_pylist()
    return {
        place: {name: plain(value) for name, value in row.items()}
        for place, row in zip(wanted, rows, strict=True)
    }


def in_words(key: RowKey) -> str:
    """`order_id=1004`, `country=DE, day=2026-11-30`."""
    return ", ".join(f"{name}={_text(value)}" for name, value in key.items())


def plain(value: Any) -> Any:
    """A value as JSON has it: what is neither text, number nor truth as text; long texts are cut."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return cut(value.hex() if isinstance(value, bytes) else str(value))


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
