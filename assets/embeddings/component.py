"""`assets.Embedding` in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import dagster as dg
from pydantic import Field

from assets.embeddings.build import EmbeddingAssetSpec, build_embedding, embed
from assets.embeddings.encoders.encoder import DEFAULT_DIMENSION, EmbeddingSpec, check_settings
from assets.table_asset import TableComponent
from resources.references import position
from resources.stores.resource import StoreResource


class Embedding(TableComponent):
    """One vector for every row of a dataset, and its place in a picture."""

    noun: ClassVar[str] = "embedding"
    examples: ClassVar[tuple[str, ...]] = (
        """\
name: order_map
dataset: orders    # a dataset of this project
label: country     # a column of it that colours the picture
key: order_id      # a column by which a row is found again
""",
        """\
name: customer_map
dataset: customers
columns: [age, city, orders, revenue]
label: [segment, country]
key: [customer_id]
dimension: 16
seed: 7
normalize: true
refresh: "0 2 * * 6"
keep_versions: 2
keep_days: 30
column_descriptions: {vector: What a customer is like}
description: Customers beside those that are like them
owners: ["team:science"]
tags: {domain: sales}
group: customers
kinds: [scikitlearn]
""",
    )
    refers_to: ClassVar[Mapping[str, str]] = {"orders": "assets.Dataset"}
    asks: ClassVar[Mapping[str, str]] = {"dataset": "dataset"}
    shown_first: ClassVar[tuple[str, ...]] = ("columns", "description")
    renamed: ClassVar[Mapping[str, str]] = {"keep": "keep_versions"}

    dataset: str
    """Name of the dataset whose rows are embedded."""
    columns: list[str] | Literal["all"] = "all"
    """Columns that make the vector; all but keys and labels when left out."""
    label: list[str] | str = Field(default_factory=list)
    """Column or columns to keep in the result; the first one colours the picture."""
    key: list[str] | str = Field(default_factory=list)
    """Column or columns that identify a row; kept in the result."""
    dimension: int = DEFAULT_DIMENSION
    """Length of each vector; shorter if the columns do not yield that many numbers."""
    seed: int = 0
    """The same seed gives the same vectors."""
    normalize: bool = False
    """Whether every vector has length 1, so that the dot product is the cosine."""

    def build(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """One materialized asset downstream of the dataset."""
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
        spec = EmbeddingAssetSpec(
            embedding,
            self.dataset,
            keep_versions=self.keep_versions,
            keep_days=self.keep_days,
            column_descriptions=self.column_descriptions,
        )
        return build_embedding(spec, asset=self.asset_of(context, spec), execute=self.execute)

    def execute(
        self, context: dg.AssetExecutionContext, spec: EmbeddingAssetSpec, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        """Embeds every row."""
        return embed(context, spec, store)


def _listed(names: list[str] | str) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)
