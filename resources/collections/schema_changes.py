"""Changes of a metadata schema, and the rules that they keep.

A change makes a new schema of an old one. Stored values that contradict it are no obstacle: they stay, filters do not see
them, and the answer says how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args

import msgspec
from msgspec.structs import replace

from resources.collections.metadata_schema import (
    ALIASES,
    EMBEDDING_LIMIT,
    ENUM_LIMIT,
    VARCHAR_LIMIT,
    MetadataKey,
    MetadataSchema,
    ScalarKind,
)
from resources.collections.metadata_values import unkept_text
from resources.collections.rules import SchemaRule
from resources.kernel.errors import InputError

SCALARS: tuple[ScalarKind, ...] = get_args(ScalarKind)
KEY_LIMIT = 300
"""Characters of a key."""
RESERVED_KEYS = frozenset({"keyframes"})
_PUNCTUATION = frozenset("-_ .")


class SchemaChangeError(InputError):
    """A change that a rule forbids.

    Args:
        rule: its id.
        key: the key that it is about.
        reason: what is wrong.
        hint: what to do.
    """

    def __init__(self, rule: SchemaRule, key: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"metadata key {key!r}: {reason}", hint=hint, rule=rule, key=key)


class AddScalar(msgspec.Struct, frozen=True, tag="add_scalar"):
    """A key with plain values; a key that has plain values already gets this type."""

    key: str
    data_type: str


class AddEnum(msgspec.Struct, frozen=True, tag="add_enum"):
    """A key with one of some texts."""

    key: str
    values: tuple[str, ...]


class AddEnumOptions(msgspec.Struct, frozen=True, tag="add_enum_options"):
    """More texts for an enum."""

    key: str
    values: tuple[str, ...]


class AddEmbedding(msgspec.Struct, frozen=True, tag="add_embedding"):
    """A key with vectors of one size."""

    key: str
    size: int


class AddGeospatial(msgspec.Struct, frozen=True, tag="add_geospatial"):
    """A key with latitude and longitude."""

    key: str


class DeleteKey(msgspec.Struct, frozen=True, tag="delete_key"):
    """Takes a key out; hard: for good, its name is never used again."""

    key: str
    hard: bool = False


class RestoreKey(msgspec.Struct, frozen=True, tag="restore_key"):
    """Brings a deleted key back as it was."""

    key: str


SchemaChange = (
    AddScalar | AddEnum | AddEnumOptions | AddEmbedding | AddGeospatial | DeleteKey | RestoreKey
)


def changed(schema: MetadataSchema, change: SchemaChange) -> MetadataSchema:
    """The schema after a change.

    Raises:
        SchemaChangeError: a rule forbids it.
    """
    key = _CHANGES[type(change)](schema, change)
    return MetadataSchema(schema.name, {**schema.keys, key.name: key})


def changes_to(schema: MetadataSchema, declared: Sequence[MetadataKey]) -> Iterator[SchemaChange]:
    """What makes a schema one that has these keys: what a project's files declare holds.

    A key that they no longer declare is deleted so that it can be restored, a deleted one that is declared again comes back.
    Keys that were made otherwise stay.
    """
    names = {key.name for key in declared}
    for name, known in schema.keys.items():
        if known.declared and known.state == "active" and name not in names:
            yield DeleteKey(name)
    for key in declared:
        old = schema.keys.get(key.name)
        if old is not None and old.state == "deleted":
            yield RestoreKey(key.name)
        if old is None or old.state == "hard_deleted" or not _is_same(old, key):
            yield from _towards(old, key)


def with_declared(schema: MetadataSchema, declared: Sequence[MetadataKey]) -> MetadataSchema:
    """The schema once it has what a project's files declare.

    Raises:
        SchemaChangeError: a rule forbids it.
    """
    for change in list(changes_to(schema, declared)):
        schema = changed(schema, change)
    return marked(schema, declared)


def marked(schema: MetadataSchema, declared: Sequence[MetadataKey]) -> MetadataSchema:
    """The schema, each key knowing whether a project's files declare it."""
    names = {key.name for key in declared}
    keys = {name: replace(key, declared=name in names) for name, key in schema.keys.items()}
    return MetadataSchema(schema.name, keys)


def _towards(old: MetadataKey | None, key: MetadataKey) -> Iterator[SchemaChange]:
    if key.kind == "enum":
        added = tuple(value for value in key.options if not old or value not in old.options)
        is_enum = old is not None and old.kind == "enum" and set(old.options) <= set(key.options)
        yield AddEnumOptions(key.name, added) if is_enum else AddEnum(key.name, key.options)
    elif key.kind == "embedding":
        yield AddEmbedding(key.name, key.size)
    elif key.kind == "geospatial":
        yield AddGeospatial(key.name)
    else:
        yield AddScalar(key.name, key.kind)


def _is_same(old: MetadataKey, key: MetadataKey) -> bool:
    same_options = set(old.options) == set(key.options)
    return old.kind == key.kind and old.size == key.size and same_options


def _scalar(schema: MetadataSchema, change: AddScalar) -> MetadataKey:
    kind = ALIASES.get(change.data_type, change.data_type)
    if kind not in SCALARS:
        raise SchemaChangeError(
            "schema_type_unknown",
            change.key,
            f"there is no type {change.data_type!r}",
            hint=f"Types: {', '.join(SCALARS)}; string is varchar, long_string is text",
        )
    old = schema.keys.get(change.key)
    if old is not None and old.state == "active" and old.kind in SCALARS:
        return replace(old, kind=kind)
    _check_new(schema, change.key)
    return MetadataKey(change.key, kind)


def _enum(schema: MetadataSchema, change: AddEnum) -> MetadataKey:
    _check_new(schema, change.key)
    return MetadataKey(change.key, "enum", _options(change.key, change.values))


def _enum_options(schema: MetadataSchema, change: AddEnumOptions) -> MetadataKey:
    key = _known(schema, change.key)
    _check_active(key)
    if key.kind != "enum":
        raise SchemaChangeError("schema_not_enum", key.name, f"it is no enum but a {key.kind}")
    if not change.values:
        raise _no_options(key.name)
    return replace(key, options=_options(key.name, (*key.options, *change.values)))


def _embedding(schema: MetadataSchema, change: AddEmbedding) -> MetadataKey:
    _check_new(schema, change.key)
    if not 1 <= change.size <= EMBEDDING_LIMIT:
        raise SchemaChangeError(
            "embedding_size_range",
            change.key,
            f"a vector of {change.size:,} numbers",
            hint=f"1 to {EMBEDDING_LIMIT:,} numbers",
        )
    return MetadataKey(change.key, "embedding", size=change.size)


def _geospatial(schema: MetadataSchema, change: AddGeospatial) -> MetadataKey:
    _check_new(schema, change.key)
    return MetadataKey(change.key, "geospatial")


def _delete(schema: MetadataSchema, change: DeleteKey) -> MetadataKey:
    key = _known(schema, change.key)
    if not change.hard:
        _check_active(key)
        return replace(key, state="deleted")
    if key.state == "hard_deleted":
        raise _gone(key.name)
    return replace(key, state="hard_deleted")


def _restore(schema: MetadataSchema, change: RestoreKey) -> MetadataKey:
    key = _known(schema, change.key)
    if key.state == "active":
        raise SchemaChangeError("schema_key_not_deleted", key.name, "it is not deleted")
    if key.state == "hard_deleted":
        raise _gone(key.name)
    return replace(key, state="active")


_CHANGES: Mapping[type[Any], Callable[[MetadataSchema, Any], MetadataKey]] = {
    AddScalar: _scalar,
    AddEnum: _enum,
    AddEnumOptions: _enum_options,
    AddEmbedding: _embedding,
    AddGeospatial: _geospatial,
    DeleteKey: _delete,
    RestoreKey: _restore,
}


def _check_new(schema: MetadataSchema, name: str) -> None:
    reason = _name_problem(name)
    if reason:
        raise SchemaChangeError(
            "schema_key_invalid",
            name[:80],
            reason,
            hint="Letters and digits, and between them - _ . and spaces, such as camera.lux",
        )
    key = schema.keys.get(name)
    if key is None:
        return
    _check_active(key)
    raise SchemaChangeError(
        "schema_key_exists",
        name,
        f"it is declared as {key.kind}",
        hint="Delete it first, or take another name",
    )


def _name_problem(name: str) -> str:
    if name.startswith("$") or name in RESERVED_KEYS:
        return "the name is reserved"
    if len(name) > KEY_LIMIT:
        return f"the name has {len(name):,} characters, {KEY_LIMIT} are allowed"
    if not any(character.isalnum() for character in name):
        return "the name has neither a letter nor a digit"
    odd = next((c for c in name if not c.isalnum() and c not in _PUNCTUATION), "")
    return f"the name holds {odd!r}" if odd else ""


def _known(schema: MetadataSchema, name: str) -> MetadataKey:
    key = schema.keys.get(name)
    if key is not None:
        return key
    names = ", ".join(sorted(schema.keys)[:20])
    raise SchemaChangeError(
        "schema_key_missing",
        name[:80],
        "it is not declared",
        hint=f"Declared: {names}" if names else "No key is declared",
    )


def _check_active(key: MetadataKey) -> None:
    if key.state == "hard_deleted":
        raise _gone(key.name)
    if key.state == "deleted":
        raise SchemaChangeError(
            "schema_key_deleted", key.name, "it is deleted", hint="Restore it first"
        )


def _gone(name: str) -> SchemaChangeError:
    return SchemaChangeError(
        "schema_key_hard_deleted",
        name,
        "it was deleted for good, and its name is never used again",
        hint="Take another name",
    )


def _options(name: str, values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise _no_options(name)
    if len(values) > ENUM_LIMIT:
        raise SchemaChangeError(
            "enum_too_many", name, f"{len(values):,} options, {ENUM_LIMIT} are allowed"
        )
    twice = next((value for place, value in enumerate(values) if value in values[:place]), None)
    if twice is not None:
        raise SchemaChangeError("enum_duplicate", name, f"the option {twice[:80]!r} is there twice")
    for value in values:
        if reason := _option_problem(value):
            raise SchemaChangeError("enum_too_many", name, f"the option {value[:80]!r} {reason}")
    return tuple(sorted(values))


def _option_problem(value: str) -> str:
    if reason := unkept_text(value):
        return f"holds {reason}, which no database keeps"
    is_long = len(value) > VARCHAR_LIMIT
    return f"has {len(value):,} characters, {VARCHAR_LIMIT:,} are allowed" if is_long else ""


def _no_options(name: str) -> SchemaChangeError:
    return SchemaChangeError("enum_empty", name, "no option is given", hint="Give one at least")
