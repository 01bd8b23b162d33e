"""`assets.MetadataSchema` in YAML."""

from __future__ import annotations

from typing import ClassVar, get_args

import dagster as dg
from pydantic import Field

from resources.collections.metadata_names import check_key_name
from resources.collections.metadata_schema import (
    ALIASES,
    EMBEDDING_LIMIT,
    ENUM_LIMIT,
    KeyKind,
    MetadataKey,
)
from resources.declared import Declared, DeclaredComponent
from resources.kernel.errors import ConfigError, InputError
from resources.references import position

KINDS: tuple[KeyKind, ...] = get_args(KeyKind)


class DeclaredKey(Declared):
    """One key of the metadata."""

    name: str
    """As specifications write it; a dot in it is part of it."""
    type: str
    """`boolean`, `datetime`, `number`, `uuid`, `varchar`, `text`, `enum`, `embedding` or `geospatial`."""
    options: list[str] = Field(default_factory=list)
    """Of an enum: its values."""
    size: int = 0
    """Of an embedding: numbers in a vector."""


class MetadataSchema(DeclaredComponent):
    """Which keys the custom metadata of collections have, and what their values must be; commands may add further ones."""

    noun: ClassVar[str] = "metadata schema"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: site
keys:                            # of custom metadata; others are kept as they come, and cannot be filtered on
  - {name: lux, type: number}
  - {name: site.phase, type: enum, options: [foundation, roof]}
""",
        """\
name: clinical
keys:
  - {name: taken_at, type: datetime}
  - {name: patient, type: uuid}
  - {name: contrast, type: boolean}
  - {name: ward, type: geospatial}
  - {name: note, type: text}
  - {name: features, type: embedding, size: 512}
description: What every scan has
""",
    )
    shown_first: ClassVar[tuple[str, ...]] = ("description",)

    keys: list[DeclaredKey] = Field(default_factory=list)
    """Its keys. Commands may add further ones, and change those."""
    description: str = ""
    """What it is for, for people."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Nothing of its own: collections take its keys with them.

        Raises:
            ConfigError: what is wrong with a key, with file and line.
        """
        self.check_declared(context)
        seen: set[str] = set()
        for number, given in enumerate(self.keys):
            where = position(context, "keys", number)
            try:
                key = declared_key(given)
            except InputError as error:
                raise ConfigError(f"{where}: {error.message}", hint=error.hint) from error
            if key.name in seen:
                raise ConfigError(f"{where}: the key {key.name!r} stands there twice")
            seen.add(key.name)
        return dg.Definitions()

    def metadata_keys(self) -> tuple[MetadataKey, ...]:
        """Its keys."""
        return tuple(map(declared_key, self.keys))


def declared_key(given: DeclaredKey) -> MetadataKey:
    """The key that is declared.

    Raises:
        InputError: a name that no key can have, an unknown type, options or a size that do not fit it.
    """
    check_key_name(given.name)
    kind = ALIASES.get(given.type, given.type)
    if kind not in KINDS:
        raise InputError(
            f"the key {given.name!r} has an unknown type {given.type!r}",
            hint=f"One of {', '.join(KINDS)}",
        )
    options = tuple(sorted(set(given.options)))
    if kind == "enum" and not 1 <= len(options) <= ENUM_LIMIT:
        raise InputError(f"the enum {given.name!r} needs 1 to {ENUM_LIMIT} different `options:`")
    if kind == "embedding" and not 1 <= given.size <= EMBEDDING_LIMIT:
        raise InputError(f"the embedding {given.name!r} needs a `size:` of 1 to {EMBEDDING_LIMIT}")
    if (options and kind != "enum") or (given.size and kind != "embedding"):
        raise InputError(
            f"the key {given.name!r}: `options:` are of an enum, `size:` of an embedding"
        )
    if len(options) != len(given.options):
        raise InputError(f"the enum {given.name!r} has an option twice")
    return MetadataKey(given.name, kind, options, given.size)
