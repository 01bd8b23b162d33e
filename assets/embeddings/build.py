"""From an embedding's declaration to a materialized asset and its place in lineage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pyarrow as pa

from assets.boundary import boundary
from assets.embeddings.encoders.encoder import EmbeddingSpec
from assets.embeddings.encoders.registry import find_encoder
from assets.embeddings.scatter import MAX_POINTS, draw_scatter
from assets.features.digest import digest
from assets.features.source import sample_rows
from assets.noun import make_asset_spec
from assets.stored_asset import build_stored_asset
from assets.table_asset import finish_table, table_result
from resources.kernel.keys import Key, asset_key
from resources.kernel.records import BatchStream, StoredVersion
from resources.stores.resource import StoreResource
from resources.stores.tables import StoredTable, TableStore
from resources.stores.ui_metadata import escape_markdown, markdown_table, short_float, shown_seconds


@dataclass(frozen=True)
class EmbeddingAssetSpec:
    """What an embedding says."""

    embedding: EmbeddingSpec
    dataset: str
    encoder: str = "tabular"
    """Its way to vectors, by its name in the registry."""
    keep_versions: int = 3
    keep_days: int = 0
    column_descriptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Its asset key, and its place in the store."""
        return asset_key("embeddings", self.embedding.name)

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        return make_asset_spec(
            self.key,
            given,
            kinds={"scikitlearn", "parquet"},
            deps=[dg.AssetKey(asset_key("datasets", self.dataset))],
            description=f"A vector for every row of {self.dataset}",
            metadata={"dataset": self.dataset},
            code_version=digest(self.embedding, self.dataset),
        )


def embed(
    context: dg.AssetExecutionContext, spec: EmbeddingAssetSpec, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Embeds the newest version of the dataset and draws its picture."""
    started = time.monotonic()
    with boundary():
        tables = store.tables()
        version = run_embedding(
            spec, tables, run_id=context.run.run_id, attempt=context.retry_number
        )
        table = finish_table(context, spec, tables, version.number, keep_days=spec.keep_days)
        metadata = embedding_metadata(spec, table)
    seconds = shown_seconds(time.monotonic() - started)
    picture = {"scatter": metadata.pop("scatter")}
    return table_result(
        table,
        {**metadata, "seconds": seconds},
        lead=picture,
        descriptions=spec.column_descriptions,
    )


Execute = Callable[
    [dg.AssetExecutionContext, EmbeddingAssetSpec, StoreResource], dg.MaterializeResult[None]
]


def build_embedding(
    spec: EmbeddingAssetSpec, *, asset: dg.AssetSpec | None = None, execute: Execute = embed
) -> dg.Definitions:
    """The asset `("embeddings", name)` downstream of the dataset whose rows it places.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        execute: what a run does.
    """
    return build_stored_asset(spec, execute, asset)


def run_embedding(
    spec: EmbeddingAssetSpec, tables: TableStore, *, run_id: str, attempt: int = 0
) -> StoredVersion:
    """Embeds the newest version of the dataset.

    Raises:
        WaybillError: the dataset is missing, or does not allow an embedding; nothing is kept.
    """
    source = tables.read(asset_key("datasets", spec.dataset))
    encode = find_encoder(spec.encoder, where=spec.embedding.where)
    embedder = encode(source, spec.embedding)

    def properties(stream: BatchStream) -> dict[str, Any]:
        return {
            "origin": "embedding",
            "inputs": {spec.dataset: source.version.number},
            **embedder.properties(),
            "label": list(spec.embedding.label),
            "key": list(spec.embedding.key),
            "warnings": list(stream.warnings),
        }

    return tables.write_stream(
        spec.key,
        lambda: embedder.embed(source),
        run_id=run_id,
        attempt=attempt,
        properties=properties,
    )


def embedding_metadata(spec: EmbeddingAssetSpec, table: StoredTable) -> dict[str, Any]:
    """What the UI shows of a stored embedding, its picture included."""
    properties: dict[str, Any] = table.version.properties
    left_out = [
        [escape_markdown(entry["column"]), escape_markdown(entry["reason"])]
        for entry in properties["left_out"][:50]
    ]
    used = [[escape_markdown(e["column"]), e["kind"]] for e in properties["columns"][:50]]
    metadata: dict[str, Any] = {
        "method": properties["method"],
        "dimension": dg.MetadataValue.int(properties["dimension"]),
        "explained variance": dg.MetadataValue.float(short_float(properties["explained_variance"])),
        "seed": dg.MetadataValue.int(properties["seed"]),
        "normalized": dg.MetadataValue.bool(properties["normalized"]),
        "scikit-learn": properties["scikit-learn"],
        "rows used": dg.MetadataValue.int(properties["fitted_rows"]),
        "dataset": f"{spec.dataset}, version {properties['inputs'][spec.dataset]}",
        "dataset version": dg.MetadataValue.int(properties["inputs"][spec.dataset]),
        "columns used": dg.MetadataValue.md(markdown_table(["column", "as"], used)),
        "scatter": dg.MetadataValue.md(_picture(spec, table)),
    }
    if left_out:
        metadata["columns left out"] = dg.MetadataValue.md(
            markdown_table(["column", "because it"], left_out)
        )
    if properties["warnings"]:
        metadata["warnings"] = "\n".join(properties["warnings"][:50])
    return metadata


def _picture(spec: EmbeddingAssetSpec, table: StoredTable) -> str:
    label = spec.embedding.label[0] if spec.embedding.label else None
    stream = table.batches(columns=["x", "y", *([label] if label else [])])
    points: pa.Table = sample_rows(
        stream, stream.schema, total=table.rows, size=MAX_POINTS, seed=spec.embedding.seed
    )
    return draw_scatter(points, label=label, title=spec.embedding.name)
