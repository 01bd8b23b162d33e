"""`on_schema_change`: what becomes of rows whose columns are not those of the version before.

The change is written into the version that brings it, so that whoever asks later is told the same. A column without a single value has
no type of its own: it fits any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pyarrow as pa

from resources.kernel.errors import IntegrityError, SchemaMismatchError
from resources.kernel.keys import Key
from resources.kernel.records import StoredVersion
from resources.kernel.schema import (
    SCHEMA_CHANGE,
    SchemaChange,
    change_between,
    change_properties,
)
from resources.stores.manifest import Manifest
from resources.stores.tables import TableStore

Policy = Literal["accept", "warn", "fail"]


def newest_readable(store: TableStore, key: Key) -> Manifest | None:
    """The version that a new one is held against; None where there is none, or its manifest is damaged."""
    try:
        return store.item(key).latest()
    except IntegrityError:
        return None


def accepted_change(
    store: TableStore, key: Key, schema: pa.Schema, policy: str, *, before: StoredVersion | None
) -> dict[str, Any]:
    """What a version that is about to be published records of its columns.

    Args:
        store: where the table is kept.
        key: of the table.
        schema: what was written.
        policy: `on_schema_change`.
        before: the newest version; None where there is none.

    Raises:
        SchemaMismatchError: they may not differ from those of the version before (E19 to E21).
    """
    if before is None:
        return {}
    change = change_between(store.read(key, before.number).schema, schema)
    return check_change(change, policy, name=key[-1], kept=before)


def check_change(
    change: SchemaChange, policy: str, *, name: str, kept: StoredVersion
) -> dict[str, Any]:
    """What a version records of a change that is taken; nothing where there is none.

    Args:
        change: between the version before and the rows that were read.
        policy: what is declared.
        name: of the dataset.
        kept: the version before, which stays the newest if this one is refused.

    Raises:
        SchemaMismatchError: `fail` is declared; each column is named (E19 to E21).
    """
    if change and policy == "fail":
        raise SchemaMismatchError(
            f"dataset {name}: its columns would change: {in_words(change)};"
            f" kept version {kept.number} with {kept.rows or 0:,} rows",
            hint="If the change is right, set `on_schema_change: accept` (or `warn`) and run again",
            columns=[*change.added, *change.removed, *(column for column, _, _ in change.retyped)],
        )
    return change_properties(change)


def recorded_change(version: StoredVersion) -> SchemaChange:
    """What a version says of itself."""
    kept = version.properties.get(SCHEMA_CHANGE)
    told: Mapping[str, Any] = kept if isinstance(kept, Mapping) else {}
    return SchemaChange(
        tuple(told.get("added", ())),
        tuple(told.get("removed", ())),
        tuple((column, old, new) for column, old, new in told.get("retyped", ())),
    )


_NAMED = 20


def in_words(change: SchemaChange) -> str:
    """`column 'price' is gone, column 'qty' was int64 and is string now`."""
    texts = [f"column {name!r} is gone" for name in change.removed]
    texts += [f"column {name!r} was {old} and is {new} now" for name, old, new in change.retyped]
    texts += [f"column {name!r} is new" for name in change.added]
    more = f", and {len(texts) - _NAMED:,} others" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more
