"""`on_schema_change`: what becomes of rows whose columns are not those of the version before.

The change is written into the version that brings it, so that whoever asks later is told the same. A column without a single value has
no type of its own: it fits any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pyarrow as pa

from resources.kernel.errors import SchemaMismatchError
from resources.kernel.records import StoredVersion
from resources.kernel.schema import SchemaChange, compare_schemas, has_no_values

Policy = Literal["accept", "warn", "fail"]

PROPERTY = "schema_change"
"""Of a version: what differs from the one before."""


def change_between(old: pa.Schema, new: pa.Schema) -> SchemaChange:
    """What differs, but for the types of columns that hold no value."""
    found = compare_schemas(old, new)
    retyped = tuple(
        change
        for change in found.retyped
        if not (has_no_values(old.field(change[0])) or has_no_values(new.field(change[0])))
    )
    return SchemaChange(found.added, found.removed, retyped)


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
    if not change:
        return {}
    if policy == "fail":
        raise SchemaMismatchError(
            f"dataset {name}: its columns would change: {in_words(change)};"
            f" kept version {kept.number} with {kept.rows or 0:,} rows",
            hint="If the change is right, set `on_schema_change: accept` (or `warn`) and run again",
            columns=[*change.added, *change.removed, *(column for column, _, _ in change.retyped)],
        )
    return {
        PROPERTY: {
            "added": list(change.added),
            "removed": list(change.removed),
            "retyped": [list(retyped) for retyped in change.retyped],
        }
    }


def recorded_change(version: StoredVersion) -> SchemaChange:
    """What a version says of itself."""
    kept = version.properties.get(PROPERTY)
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
