"""Changes of metadata schemas: what one would mean for what is stored, and the change itself.

What the project's files declare is changed in them. Everything else is changed here, and lives in the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from orchestration.services.metadata_schemas.entries import DeclaredSchema
from orchestration.services.metadata_schemas.shown import (
    SchemaKey,
    SchemaRecords,
    ShownSchema,
    effective,
    in_words,
    show_schema,
)
from resources.collections.schema_changes import (
    AddEmbedding,
    AddEnum,
    AddEnumOptions,
    AddGeospatial,
    AddScalar,
    DeleteKey,
    RestoreKey,
    SchemaChange,
    changed,
)
from resources.kernel.errors import ConflictError, InputError

Operation = Literal[
    "add_scalar",
    "add_enum",
    "add_enum_options",
    "add_embedding",
    "add_geospatial",
    "delete_key",
    "restore_key",
]


@dataclass(frozen=True)
class WantedChange:
    """A change of one key."""

    operation: Operation
    key: str
    data_type: str = ""
    """Of `add_scalar`: boolean, datetime, number, uuid, varchar (string), text (long_string)."""
    values: tuple[str, ...] = ()
    """Of `add_enum` and `add_enum_options`."""
    size: int = 0
    """Of `add_embedding`: 1 to 4096."""
    hard: bool = False
    """Of `delete_key`: for good; the name is never used again."""


@dataclass(frozen=True)
class ChangePreview:
    """What a change would make of a key, and of what is stored under it. Nothing was changed."""

    change: str
    """In words."""
    revision: int
    """Of the schema that it was looked at with."""
    before: SchemaKey | None
    after: SchemaKey
    misfits: Mapping[str, int]
    """Stored values that do not fit the key as it is to become, by collection: they stay, and filters do not see them."""
    values: Mapping[str, int]
    """Stored values under the key, by collection. Of a deletion: those that are no longer checked or found by filters."""
    says: str
    """The same as a sentence."""


@dataclass(frozen=True)
class KeyMisfits:
    """Stored values that do not fit their key."""

    key: str
    type: str
    misfits: Mapping[str, int]
    """By collection."""


_MAKERS: Mapping[str, Callable[[WantedChange], SchemaChange]] = {
    "add_scalar": lambda wanted: AddScalar(wanted.key, wanted.data_type),
    "add_enum": lambda wanted: AddEnum(wanted.key, wanted.values),
    "add_enum_options": lambda wanted: AddEnumOptions(wanted.key, wanted.values),
    "add_embedding": lambda wanted: AddEmbedding(wanted.key, wanted.size),
    "add_geospatial": lambda wanted: AddGeospatial(wanted.key),
    "delete_key": lambda wanted: DeleteKey(wanted.key, wanted.hard),
    "restore_key": lambda wanted: RestoreKey(wanted.key),
}


def preview_change(records: SchemaRecords, name: str, wanted: WantedChange) -> ChangePreview:
    """What a change would mean; changes nothing.

    Raises:
        UnknownNameError: no such schema.
        ConflictError: the project's files declare the key.
        SchemaChangeError: a rule forbids it.
    """
    declared, change = records.find(name), _change(wanted)
    _check_not_declared(declared, wanted.key)
    stored = records.stored(name)
    schema, _ = effective(stored, declared)
    after = changed(schema, change).keys[wanted.key]
    exists = records.catalog.database.exists()
    is_used = exists and after.state == "active"
    misfits = records.catalog.misfits(name, after) if is_used else {}
    values = records.catalog.holding(name, wanted.key) if exists else {}
    own = {key.name: key for key in show_schema(records, name).keys}
    made = SchemaKey(after.name, after.kind, after.state, after.declared, after.options, after.size)
    return ChangePreview(
        change=in_words(change),
        revision=stored.revision,
        before=own.get(wanted.key),
        after=made,
        misfits=misfits,
        values=values,
        says=_says(made, sum(misfits.values()), sum(values.values())),
    )


def apply_change(
    records: SchemaRecords,
    name: str,
    wanted: WantedChange,
    actor: str,
    *,
    revision: int | None = None,
) -> ShownSchema:
    """Makes a change; collections follow it.

    Args:
        records: the schemas.
        name: of the schema.
        wanted: the change.
        actor: who makes it.
        revision: the one that it was decided upon; None: whichever there is.

    Raises:
        UnknownNameError: no such schema.
        ConflictError: the project's files declare the key, or somebody else changed the schema since.
        SchemaChangeError: a rule forbids it; nothing has changed then.
    """
    _check_not_declared(records.find(name), wanted.key)
    records.catalog.apply(name, _change(wanted), actor, revision=revision)
    return show_schema(records, name)


def verify_schema(records: SchemaRecords, name: str) -> list[KeyMisfits]:
    """The keys in use of which stored values do not fit, and how many; empty: all fit.

    Raises:
        UnknownNameError: no such schema.
    """
    schema, _ = effective(records.stored(name), records.find(name))
    if not records.catalog.database.exists():
        return []
    active = [key for key in schema.keys.values() if key.state == "active"]
    found = [
        KeyMisfits(key.name, key.kind, records.catalog.misfits(name, key))
        for key in sorted(active, key=lambda key: key.name)
    ]
    return [one for one in found if one.misfits]


def _change(wanted: WantedChange) -> SchemaChange:
    make = _MAKERS.get(wanted.operation)
    if make is None:
        raise InputError(
            f"there is no change {wanted.operation[:40]!r}", hint=f"One of {', '.join(_MAKERS)}"
        )
    return make(wanted)


def _check_not_declared(declared: DeclaredSchema, key: str) -> None:
    if any(one.name == key for one in declared.keys):
        raise ConflictError(
            f"the key {key!r} is declared in {declared.file}:{declared.line}",
            hint="Change it there: what a file declares holds again with the next import",
            file=declared.file,
            line=declared.line,
        )


def _says(after: SchemaKey, misfits: int, values: int) -> str:
    if after.state == "hard_deleted":
        return (
            f"{values:,} stored values are no longer checked or found by filters, and the name is never used again."
            " They stay in the metadata of their items."
        )
    if after.state == "deleted":
        return f"{values:,} stored values are no longer checked or found by filters until the key is restored."
    if misfits:
        return f"{misfits:,} of {values:,} stored values do not fit. They stay, and filters do not see them."
    return f"All {values:,} stored values fit." if values else "No value is stored under it."
