"""Schemas as people read them: type names, and what changed between two versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from resources.kernel.errors import SchemaMismatchError


@dataclass(frozen=True)
class SchemaChange:
    """What differs between an older and a newer schema (E19-E21)."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()
    """(column, old type, new type)"""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retyped)

    def __str__(self) -> str:
        parts = [f"+{name}" for name in self.added] + [f"-{name}" for name in self.removed]
        parts += [f"{name}: {old} -> {new}" for name, old, new in self.retyped]
        return ", ".join(parts) or "no change"


def compare_schemas(old: pa.Schema, new: pa.Schema) -> SchemaChange:
    """What a reader of `old` meets in `new`; the order of columns does not count."""
    before = {field.name: _said_type(field) for field in old}
    after = {field.name: _said_type(field) for field in new}
    return SchemaChange(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        retyped=tuple(
            (name, kind, after[name])
            for name, kind in before.items()
            if name in after and after[name] != kind
        ),
    )


_NO_VALUES = {b"waybill.values": b"none"}


def without_values(field: pa.Field) -> pa.Field:
    """`field` with the mark that its column holds nulls alone, so that its type says nothing about the data."""
    return field.with_metadata((field.metadata or {}) | _NO_VALUES)


def has_no_values(field: pa.Field) -> bool:
    """Whether a stored version says that the column holds nulls alone: such a column fits any type of a target."""
    return (field.metadata or {}).items() >= _NO_VALUES.items()


def change_between(old: pa.Schema, new: pa.Schema) -> SchemaChange:
    """What differs, but for the types of columns that hold no value: such a column fits any type."""
    found = compare_schemas(old, new)
    retyped = tuple(
        change
        for change in found.retyped
        if not (has_no_values(old.field(change[0])) or has_no_values(new.field(change[0])))
    )
    return SchemaChange(found.added, found.removed, retyped)


SCHEMA_CHANGE = "schema_change"
"""Property of a stored version: how its columns differ from those of the version before; none where they do not."""


def change_properties(change: SchemaChange) -> dict[str, Any]:
    """What a version records of a change; nothing where there is none."""
    if not change:
        return {}
    return {
        SCHEMA_CHANGE: {
            "added": list(change.added),
            "removed": list(change.removed),
            "retyped": [list(retyped) for retyped in change.retyped],
        }
    }


_SEVERAL_KINDS = {b"waybill.kind": b"several kinds"}


def of_several_kinds(field: pa.Field) -> pa.Field:
    """`field` with the mark that its text stands for values of several kinds: texts beside numbers, say."""
    return field.with_metadata(_SEVERAL_KINDS)


def with_marks(field: pa.Field, source: pa.Field) -> pa.Field:
    """`field` with the marks of `source` that a stored version keeps."""
    is_marked = (source.metadata or {}).items() >= _SEVERAL_KINDS.items()
    return of_several_kinds(field) if is_marked else field


def _said_type(field: pa.Field) -> str:
    is_marked = (field.metadata or {}).items() >= _SEVERAL_KINDS.items()
    return f"{field.type} of several kinds" if is_marked else str(field.type)


def check_column_names(names: Sequence[str], *, where: str, hint: str = "") -> None:
    """Refuses names that would lose a column: empty ones and twins (E22). `hint` says how to name one.

    Raises:
        SchemaMismatchError: naming every bad column with its 1-based position.
    """
    empty = [str(i) for i, name in enumerate(names, 1) if not name.strip()]
    if empty:
        raise SchemaMismatchError(
            f"{where}: column {', '.join(empty[:10])} of {len(names)} has no name",
            hint=hint or "Name every column in the header, or give `column_names:`",
        )
    twins = [name for name, count in Counter(names).items() if count > 1]
    if twins:
        places = {t: [i for i, name in enumerate(names, 1) if name == t] for t in twins[:5]}
        listed = "; ".join(f"{name!r} at positions {where_}" for name, where_ in places.items())
        raise SchemaMismatchError(
            f"{where}: duplicate column names: {listed}",
            hint="Rename one of them at the source, give `column_names:`, or alias it in the query",
            columns=twins,
        )


def case_twins(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names that are one name where case does not count (E23)."""
    seen: dict[str, str] = {}
    pairs = []
    for name in names:
        folded = name.casefold()
        if folded in seen:
            pairs.append((seen[folded], name))
        seen.setdefault(folded, name)
    return pairs
