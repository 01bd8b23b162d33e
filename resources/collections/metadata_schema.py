"""The schema of custom metadata: which keys there are, and what their values must be.

A schema is a value: a change makes a new one. Keys that it does not declare are kept as they
come, and cannot be filtered on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

ScalarKind = Literal["boolean", "datetime", "number", "uuid", "varchar", "text"]
KeyKind = Literal[
    "boolean", "datetime", "number", "uuid", "varchar", "text", "enum", "embedding", "geospatial"
]
KeyState = Literal["active", "deleted", "hard_deleted"]

ALIASES: Mapping[str, ScalarKind] = {"string": "varchar", "long_string": "text"}
"""Older names of scalar types."""

VARCHAR_LIMIT = 8192
ENUM_LIMIT = 256
EMBEDDING_LIMIT = 4096
BEYOND_SINGLE = 2.0**128 - 2.0**103
"""The smallest number that rounds to infinity in single precision, which vectors are kept in."""


class MetadataKey(msgspec.Struct, frozen=True):
    """One declared key."""

    name: str
    kind: KeyKind
    options: tuple[str, ...] = ()
    """Of an enum, sorted."""
    size: int = 0
    """Of an embedding: numbers in a vector."""
    state: KeyState = "active"
    """`deleted`: its values are not checked, and it can be restored; `hard_deleted`: the name is never used again."""
    declared: bool = False
    """Whether a project's files declare it, and so they alone change it; else commands do."""


class MetadataSchema(msgspec.Struct, frozen=True):
    """All keys of a schema by name, deleted ones included."""

    name: str
    keys: Mapping[str, MetadataKey] = {}

    def active(self, name: str) -> MetadataKey | None:
        """The key, if it is declared and not deleted."""
        key = self.keys.get(name)
        return key if key is not None and key.state == "active" else None
