"""`assets.Embedding` in YAML."""

from __future__ import annotations

from typing import Literal

import dagster as dg
from pydantic import Field

from assets.embeddings.build import EmbeddingAssetSpec, build_embedding
from assets.embeddings.tabular import DEFAULT_DIMENSION, EmbeddingSpec, check_settings
from assets.refresh import ON_CHANGE, automation_for
from resources.declared import DeclaredComponent
from resources.kernel.keys import check_name
from resources.references import declared, position


class Embedding(DeclaredComponent):
    """One vector for every row of a dataset, and its place in a picture."""

    name: str
    dataset: str
    """Name of the dataset whose rows are embedded."""
    columns: list[str] | Literal["all"] = "all"
    """Columns that make the vector; all but keys and labels when left out."""
    label: list[str] | str = Field(default_factory=list)
    """Column, or columns, to pass on; the first one colours the picture."""
    key: list[str] | str = Field(default_factory=list)
    """Column, or columns, to pass on by which a row is found again."""
    dimension: int = DEFAULT_DIMENSION
    """Numbers a vector; fewer when the columns give no more."""
    seed: int = 0
    """The same seed gives the same vectors."""
    normalize: bool = False
    """Whether every vector has length 1, so that the dot product is the cosine."""
    refresh: str = ON_CHANGE
    """`on_change`, `manual`, or a cron."""
    keep: int = 3
    """How many versions to keep."""
    description: str = ""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset downstream of the dataset."""
        check_name("embedding", self.name, where=position(context, "name"))
        declared(context, Embedding, noun="embedding")
        embedding = EmbeddingSpec(
            name=self.name,
            columns=None if self.columns == "all" else tuple(self.columns),
            label=_listed(self.label),
            key=_listed(self.key),
            dimension=self.dimension,
            seed=self.seed,
            normalize=self.normalize,
        )
        check_settings(embedding, where=position(context, "name"))
        return build_embedding(
            EmbeddingAssetSpec(
                embedding, self.dataset, keep=self.keep, description=self.description
            ),
            automation=automation_for(self.refresh, where=position(context, "refresh")),
        )


def _listed(names: list[str] | str) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
