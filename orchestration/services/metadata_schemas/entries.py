"""A metadata schema as a project declares it. Imports no Dagster: snapshots hold these."""

from __future__ import annotations

from dataclasses import dataclass

from resources.collections.metadata_schema import MetadataKey


@dataclass(frozen=True)
class DeclaredSchema:
    """A schema that stands in a project's files."""

    name: str
    keys: tuple[MetadataKey, ...]
    """Those that the files declare; commands may add further ones."""
    description: str = ""
    file: str = ""
    line: int = 0
