"""Embeddings: which there are, where each comes from, and what is stored of it. Imports no Dagster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from resources.kernel.errors import IntegrityError, UnknownNameError
from resources.kernel.keys import asset_key
from resources.kernel.records import StoredVersion
from resources.stores.versions import VersionStore

EmbeddingOrigin = Literal["rows", "collection"]
"""Computed from the rows of a dataset, or vectors that came with the items of a collection."""


@dataclass(frozen=True)
class EmbeddingEntry:
    """What is declared of an embedding."""

    name: str
    origin: EmbeddingOrigin
    dataset: str
    """The dataset whose rows it places, or the collection whose items have the vectors."""
    metadata_key: str = ""
    """The key of the collection's metadata schema that they stand under."""
    refresh: str = ""
    """When it is made by itself: `manual`, `on_change`, or a cron."""
    description: str = ""


@dataclass(frozen=True)
class EmbeddingSummary:
    """An embedding, and what its newest version holds; nothing of one that was never made."""

    name: str
    origin: EmbeddingOrigin
    dataset: str
    metadata_key: str
    refresh: str
    description: str
    version: int | None = None
    vectors: int | None = None
    dimension: int | None = None
    inputs: Mapping[str, int] | None = None
    """Of which version of the dataset it was made."""
    made_at: datetime | None = None
    problem: str = ""
    """Why its newest version cannot be told."""


def list_embeddings(
    entries: Sequence[EmbeddingEntry], store: VersionStore
) -> list[EmbeddingSummary]:
    """Embeddings with what is stored of each, in order of name."""
    return [_summary(entry, store) for entry in sorted(entries, key=lambda one: one.name)]


def show_embedding(
    entries: Sequence[EmbeddingEntry], store: VersionStore, name: str
) -> EmbeddingSummary:
    """One of them.

    Raises:
        UnknownNameError: it is not declared; lists the known ones.
    """
    return _summary(find_entry(entries, name), store)


def find_entry(entries: Sequence[EmbeddingEntry], name: str) -> EmbeddingEntry:
    """What is declared of an embedding.

    Raises:
        UnknownNameError: it is not declared; lists the known ones.
    """
    known = {entry.name: entry for entry in entries}
    if name not in known:
        raise UnknownNameError("embedding", name, known)
    return known[name]


def embedding_versions(store: VersionStore, name: str) -> list[StoredVersion]:
    """The kept versions of an embedding, newest first."""
    return list(reversed(store.item(asset_key("embeddings", name)).versions()))


def _summary(entry: EmbeddingEntry, store: VersionStore) -> EmbeddingSummary:
    declared = EmbeddingSummary(
        name=entry.name,
        origin=entry.origin,
        dataset=entry.dataset,
        metadata_key=entry.metadata_key,
        refresh=entry.refresh,
        description=entry.description,
    )
    try:
        newest = store.item(asset_key("embeddings", entry.name)).latest()
    except IntegrityError as error:
        return replace(declared, problem=error.message)
    if newest is None:
        return declared
    properties = newest.properties
    dimension, inputs = properties.get("dimension"), properties.get("inputs")
    return replace(
        declared,
        version=newest.number,
        vectors=newest.rows,
        dimension=dimension if isinstance(dimension, int) else None,
        inputs=inputs if isinstance(inputs, dict) else None,
        made_at=newest.created_at,
    )
