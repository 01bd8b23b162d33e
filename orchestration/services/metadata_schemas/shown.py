"""Metadata schemas as they are: keys that files declare and keys that commands made, and the changes so far.

A snapshot and the catalog tell all of it: no loaded project is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import yaml

from orchestration.location import Location
from orchestration.services.collections.declared import catalog_of, find_collections
from orchestration.services.metadata_schemas.declared import declared_schemas
from orchestration.services.metadata_schemas.entries import DeclaredSchema
from orchestration.services.paging import LIMIT, Page, page_of_named
from resources.collections.metadata_schema import KeyKind, KeyState, MetadataSchema
from resources.collections.schema_changes import SchemaChangeError, with_declared
from resources.kernel.errors import UnknownNameError
from resources.stores.catalog.collections.metadata import MetadataCatalog, StoredSchema

TYPE = "assets.MetadataSchema"


@dataclass(frozen=True)
class SchemaRecords:
    """The schemas of a project, and the catalog that has what commands made of them.

    Args:
        declared: by name.
        catalog: of the server, or of the project's runs: the same database.
        named_by: the schema that each collection names, of those that name one.
    """

    declared: Mapping[str, DeclaredSchema]
    catalog: MetadataCatalog
    named_by: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, location: Location) -> SchemaRecords:
        """Those of a loaded project.

        Raises:
            ConfigError: the definitions have no catalog.
        """
        declared = {one.name: one for one in declared_schemas(location)}
        catalog = MetadataCatalog(catalog_of(location).database)
        specs = find_collections(location)
        return cls(declared, catalog, {name: one.metadata_schema for name, one in specs.items()})

    def collections(self, name: str) -> tuple[str, ...]:
        """The collections of a schema: those that name it, and those that took an import by it."""
        named = {collection for collection, schema in self.named_by.items() if schema == name}
        if self.catalog.database.exists():
            named.update(self.catalog.collections(name))
        return tuple(sorted(named))

    def find(self, name: str) -> DeclaredSchema:
        """The schema `name`.

        Raises:
            UnknownNameError: it is not declared; lists the known ones.
        """
        if name not in self.declared:
            raise UnknownNameError("metadata schema", name, self.declared)
        return self.declared[name]

    def stored(self, name: str) -> StoredSchema:
        """What the catalog has of a schema; without a catalog nothing."""
        if not self.catalog.database.exists():
            return StoredSchema(MetadataSchema(name), 0)
        return self.catalog.schema(name)


@dataclass(frozen=True)
class SchemaKey:
    """A key of a schema."""

    name: str
    type: KeyKind
    state: KeyState
    """`deleted`: it can be restored; `hard_deleted`: its name is never used again."""
    declared: bool
    """Whether the project's files declare it, and so they alone change it."""
    options: tuple[str, ...] = ()
    """Of an enum."""
    size: int = 0
    """Of an embedding: numbers in a vector."""


@dataclass(frozen=True)
class ShownSchema:
    """A schema as it is now."""

    name: str
    description: str
    revision: int
    """A change that names it is refused when somebody else was faster."""
    keys: tuple[SchemaKey, ...]
    """By name, deleted ones included."""
    collections: tuple[str, ...]
    """Those that name it, and those that took an import by it."""
    file: str
    line: int
    """Where it is declared."""
    problem: str = ""
    """Why what the files declare does not hold: it contradicts what the catalog has."""

    @property
    def active(self) -> tuple[SchemaKey, ...]:
        """The keys that values are checked by."""
        return tuple(key for key in self.keys if key.state == "active")


@dataclass(frozen=True)
class SchemaSummary:
    """One line of the list."""

    name: str
    description: str
    keys: int
    """Those in use."""
    revision: int
    collections: tuple[str, ...]


@dataclass(frozen=True)
class SchemaStep:
    """One change of a schema that was made."""

    revision: int
    actor: str
    change: str
    """In words: `add_scalar lux number`."""
    changed_at: datetime


def show_schema(records: SchemaRecords, name: str) -> ShownSchema:
    """A schema as it is now.

    Raises:
        UnknownNameError: it is not declared.
    """
    declared, stored = records.find(name), records.stored(name)
    schema, problem = effective(stored, declared)
    return ShownSchema(
        name=name,
        description=declared.description,
        revision=stored.revision,
        keys=tuple(
            SchemaKey(key.name, key.kind, key.state, key.declared, key.options, key.size)
            for key in sorted(schema.keys.values(), key=lambda key: key.name)
        ),
        collections=records.collections(name),
        file=declared.file,
        line=declared.line,
        problem=problem,
    )


def list_schemas(
    records: SchemaRecords, *, q: str = "", cursor: str | None = None, limit: int = LIMIT
) -> Page[SchemaSummary]:
    """A page of the schemas, in order of name.

    Raises:
        InputError: no cursor of this list, a limit out of bounds.
    """
    page = page_of_named(records.declared.values(), q, cursor=cursor, limit=limit)
    shown = (show_schema(records, one.name) for one in page.items)
    return Page(tuple(map(_summary, shown)), page.next, page.total)


def schema_history(records: SchemaRecords, name: str) -> list[SchemaStep]:
    """The changes of a schema, newest first.

    Raises:
        UnknownNameError: it is not declared.
    """
    records.find(name)
    if not records.catalog.database.exists():
        return []
    return [
        SchemaStep(one.revision, one.actor, in_words(one.change), one.changed_at)
        for one in records.catalog.history(name)
    ]


def print_schema(records: SchemaRecords, name: str) -> str:
    """The schema as YAML declares it, with the keys that are in use: what commands made can be put into the project's files.

    Raises:
        UnknownNameError: it is not declared.
    """
    shown = show_schema(records, name)
    keys = [_declaration(key) for key in shown.active]
    attributes: dict[str, Any] = {"name": name, "keys": keys}
    if shown.description:
        attributes["description"] = shown.description
    document = {"type": TYPE, "attributes": attributes}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def effective(stored: StoredSchema, declared: DeclaredSchema) -> tuple[MetadataSchema, str]:
    """The schema with what files declare, or as the catalog has it and why those do not hold."""
    try:
        return with_declared(stored.schema, declared.keys), ""
    except SchemaChangeError as error:
        return stored.schema, str(error)


def in_words(change: msgspec.Struct) -> str:
    """A change as a line: its name, the key, what it is to be."""
    told = msgspec.to_builtins(change)
    parts = [told.pop("type"), told.pop("key")]
    if told.pop("hard", False):
        parts.append("for good")
    for value in told.values():
        parts += map(str, value) if isinstance(value, (list, tuple)) else [str(value)]
    return " ".join(parts)


def _summary(shown: ShownSchema) -> SchemaSummary:
    return SchemaSummary(
        shown.name, shown.description, len(shown.active), shown.revision, shown.collections
    )


def _declaration(key: SchemaKey) -> dict[str, Any]:
    found: dict[str, Any] = {"name": key.name, "type": key.type}
    if key.options:
        found["options"] = list(key.options)
    if key.size:
        found["size"] = key.size
    return found
