"""Embeddings as the project declares them: components of their own, and the vectors of collections."""

from __future__ import annotations

from assets.collections.vectors import ORIGIN
from assets.refresh import refresh_of
from orchestration.location import Location
from orchestration.services.embeddings import EmbeddingEntry
from resources.references import metadata_value


def embedding_entries(location: Location) -> list[EmbeddingEntry]:
    """What is declared of each embedding, in order of name. Connects to nothing."""
    found = []
    for name, asset in location.made("embedding").items():
        told = {key: metadata_value(value) for key, value in asset.metadata.items()}
        is_given = told.get("origin") == ORIGIN
        found.append(
            EmbeddingEntry(
                name=name,
                origin="collection" if is_given else "rows",
                dataset=str(told.get("dataset", "")),
                metadata_key=str(told.get("metadata key", "")),
                refresh=refresh_of(asset.automation_condition, is_declared="dataset" in told),
                description=asset.description or "",
            )
        )
    return found
