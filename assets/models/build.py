"""From the declaration of a model or a prediction to a materialized asset and its place in lineage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.checks.build import schema_check, schema_results
from assets.checks.schema_change import Policy, accepted_change, newest_readable
from assets.features.digest import digest
from assets.models.charts import draw_answers, draw_importance
from assets.models.metrics import Metrics
from assets.models.persist import LoadedModel, dump_model, load_model, parse_card
from assets.models.predict import predict_table, probability_columns, trace_prediction
from assets.models.train import TrainedModel, TrainingSpec, train_model
from assets.noun import make_asset_spec
from assets.stored_asset import build_stored_asset
from assets.table_asset import finish_table, lineage_metadata, lineage_property, table_result
from resources.kernel.keys import Key, asset_key
from resources.kernel.records import BatchStream, StoredVersion
from resources.stores.models import ModelStore
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore
from resources.stores.ui_metadata import (
    escape_markdown,
    human_size,
    markdown_table,
    short_float,
    shown_seconds,
)

IMPORTANCE_ROWS = 50


@dataclass(frozen=True)
class ModelSpec:
    """What a model says."""

    training: TrainingSpec
    dataset: str
    keep_versions: int = 3
    keep_days: int = 0

    @property
    def key(self) -> Key:
        """Its asset key, and its place in the store."""
        return asset_key("models", self.training.name)

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        training = self.training
        return make_asset_spec(
            self.key,
            given,
            kinds={"scikitlearn"},
            deps=[dg.AssetKey(asset_key("datasets", self.dataset))],
            description=f"Predicts {training.target}, learned from {self.dataset}",
            metadata={"algorithm": training.algorithm, "target": training.target},
            code_version=digest(training, self.dataset),
        )


@dataclass(frozen=True)
class PredictionSpec:
    """What a prediction says."""

    name: str
    dataset: str
    model: str
    columns: tuple[str, ...] | None = None
    """Columns of the dataset to pass on; all when None."""
    keep_versions: int = 3
    keep_days: int = 0
    on_schema_change: Policy = "accept"
    column_descriptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Asset key of the dataset that it makes."""
        return asset_key("datasets", self.name)

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        return make_asset_spec(
            self.key,
            given,
            kinds={"scikitlearn", "parquet"},
            deps=[
                dg.AssetKey(asset_key("datasets", self.dataset)),
                dg.AssetKey(asset_key("models", self.model)),
            ],
            group_name="predictions",
            description=f"What {self.model} says about {self.dataset}",
            metadata={"origin": "prediction", "model": self.model},
            code_version=digest(self.dataset, self.model, self.columns),
        )


def train(
    context: dg.AssetExecutionContext, spec: ModelSpec, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Trains on the newest version of the dataset, judges, and keeps the model."""
    started = time.monotonic()
    with boundary():
        tables = store.tables()
        model, version = run_training(
            spec, tables, run_id=context.run.run_id, attempt=context.retry_number
        )
        item = ModelStore(tables).item(spec.key)
        item.collect(keep=spec.keep_versions, keep_days=spec.keep_days)
    for warning in model.card.warnings:
        context.log.warning(warning)
    seconds = shown_seconds(time.monotonic() - started)
    return dg.MaterializeResult(
        metadata={**model_metadata(model, version), "seconds": seconds},
        data_version=dg.DataVersion(str(version.number)),
    )


def predict(
    context: dg.AssetExecutionContext, spec: PredictionSpec, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Asks the newest version of the model about the newest version of the dataset."""
    started = time.monotonic()
    with boundary():
        tables = store.tables()
        version = run_prediction(
            spec, tables, run_id=context.run.run_id, attempt=context.retry_number
        )
        table = finish_table(context, spec, tables, version.number, keep_days=spec.keep_days)
    return table_result(
        table,
        {
            **lineage_metadata(table, spec.column_descriptions),
            **_prediction_metadata(spec, version),
            "seconds": shown_seconds(time.monotonic() - started),
        },
        checks=schema_results(version, spec.on_schema_change),
    )


Train = Callable[[dg.AssetExecutionContext, ModelSpec, StoreResource], dg.MaterializeResult[None]]
Predict = Callable[
    [dg.AssetExecutionContext, PredictionSpec, StoreResource], dg.MaterializeResult[None]
]


def build_model(
    spec: ModelSpec, *, asset: dg.AssetSpec | None = None, execute: Train = train
) -> dg.Definitions:
    """The asset `("models", name)` downstream of the dataset that it learns from.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        execute: what a run does.
    """
    return build_stored_asset(spec, execute, asset)


def build_prediction(
    spec: PredictionSpec, *, asset: dg.AssetSpec | None = None, execute: Predict = predict
) -> dg.Definitions:
    """The asset `("datasets", name)`, downstream of a model and of the dataset that it is asked about.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        execute: what a run does.
    """
    made = asset or spec.asset_spec()
    return build_stored_asset(spec, execute, made, checks=[schema_check(made.key)])


def run_training(
    spec: ModelSpec, tables: TableStore, *, run_id: str, attempt: int = 0
) -> tuple[TrainedModel, StoredVersion]:
    """Trains on the newest version of the dataset and keeps the model.

    Raises:
        WaybillError: the dataset is missing or does not allow a model; nothing is kept.
    """
    dataset = asset_key("datasets", spec.dataset)
    source = tables.read(dataset)
    model = train_model(
        source, spec.training, dataset=dataset, dataset_version=source.version.number
    )
    version = ModelStore(tables).publish(
        spec.key,
        model=dump_model(model),
        card=model.card.to_text().encode(),
        run_id=run_id,
        attempt=attempt,
        properties={
            "origin": "model",
            "inputs": {spec.dataset: source.version.number},
            "algorithm": model.card.algorithm,
            "task": model.card.task,
            "target": model.card.target,
            "metrics": model.card.metrics,
            "seed": model.card.seed,
        },
    )
    return model, version


def run_prediction(
    spec: PredictionSpec, tables: TableStore, *, run_id: str, attempt: int = 0
) -> StoredVersion:
    """Asks the newest version of the model about the newest version of the dataset.

    Raises:
        WaybillError: the model or the dataset is missing or damaged, or they do not fit; nothing is kept (E55).
        SchemaMismatchError: its columns are others than before, and `on_schema_change` is `fail`.
    """
    before = newest_readable(tables, spec.key)
    model, model_version = read_model(tables, spec.model)
    source = tables.read(asset_key("datasets", spec.dataset))

    lineage = trace_prediction(
        model.card, source.schema, spec.columns, dataset=spec.dataset, model=spec.model
    )

    def open_stream() -> BatchStream:
        return predict_table(model, source, keep=spec.columns, where=f"prediction {spec.name!r}")

    def properties(stream: BatchStream) -> dict[str, Any]:
        return {
            "origin": "prediction",
            "inputs": {spec.dataset: source.version.number},
            "model": {"name": spec.model, "version": model_version.number},
            "target": model.card.target,
            "task": model.card.task,
            "probabilities": probability_columns(model.card),
            "lineage": lineage_property(lineage),
            "warnings": list(stream.warnings),
        }

    with tables.writer(spec.key, run_id=run_id, attempt=attempt) as writer:
        stream = writer.write_settled(open_stream)
        written = writer.settled_schema()
        changed = accepted_change(tables, spec.key, written, spec.on_schema_change, before=before)
        return writer.publish({**changed, **properties(stream)})


def read_model(
    tables: TableStore, name: str, version: int | None = None
) -> tuple[LoadedModel, StoredVersion]:
    """A kept model, the newest version unless a number is given.

    Raises:
        NotFoundError: it has no such version.
        IntegrityError: its files are damaged, foreign, or do not belong together (E53, T15).
        ConfigError: it was trained with another scikit-learn (E55).
    """
    stored = ModelStore(tables).load(asset_key("models", name), version)
    where = f"model {name!r}, version {stored.version.number}"
    return load_model(
        stored.model, parse_card(stored.card, where=where), where=where
    ), stored.version


def model_metadata(model: TrainedModel, version: StoredVersion) -> dict[str, Any]:
    """What the UI shows of a trained model."""
    card = model.card
    metadata: dict[str, Any] = {
        **_floats(card.metrics),
        **_floats({f"baseline {name}": value for name, value in card.baseline.items()}),
        "version": dg.MetadataValue.int(version.number),
        "size": human_size(version.size_bytes),
        "size_bytes": dg.MetadataValue.int(version.size_bytes),
        "dataset": f"{card.dataset[-1]}, version {card.dataset_version}",
        "task": card.task,
        "rows used": dg.MetadataValue.int(card.rows["used"]),
        "rows": ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in card.rows.items()),
        "importance": dg.MetadataValue.md(_importance_table(model)),
        "importance chart": dg.MetadataValue.md(draw_importance(card)),
        "answers chart": dg.MetadataValue.md(draw_answers(model)),
        "libraries": ", ".join(f"{name} {version}" for name, version in card.libraries.items()),
    }
    if card.plan.left_out:
        pairs = [tuple(map(escape_markdown, pair)) for pair in card.plan.left_out[:IMPORTANCE_ROWS]]
        metadata["columns left out"] = dg.MetadataValue.md(
            markdown_table(["column", "because it"], pairs)
        )
    if card.guesses:
        rows = [[escape_markdown(guess[name]) for name in _GUESS] for guess in card.guesses]
        metadata["guesses"] = dg.MetadataValue.md(markdown_table(_GUESS.values(), rows))
    if card.warnings:
        metadata["warnings"] = "\n".join(card.warnings[:50])
    return metadata


_GUESS = {
    "subject": "guessed",
    "value": "value",
    "reason": "because",
    "override": "to settle it",
}


def _floats(metrics: Metrics) -> dict[str, dg.FloatMetadataValue]:
    """Float entries, which Dagster plots over time; a metric that the rows did not allow has none."""
    return {
        name: dg.MetadataValue.float(short_float(value))
        for name, value in metrics.items()
        if value is not None
    }


def _importance_table(model: TrainedModel) -> str:
    kinds = {feature.column: feature.kind for feature in model.card.plan.features}
    rows = [
        [
            escape_markdown(entry["column"]),
            kinds[entry["column"]],
            f"{entry['mean']:.4f}",
            f"{entry['deviation']:.4f}",
        ]
        for entry in model.card.importance[:IMPORTANCE_ROWS]
    ]
    return markdown_table(["column", "kind", "importance", "deviation"], rows)


def _prediction_metadata(spec: PredictionSpec, version: StoredVersion) -> dict[str, Any]:
    properties: dict[str, Any] = version.properties
    metadata: dict[str, Any] = {
        "model": f"{spec.model}, version {properties['model']['version']}",
        "model version": dg.MetadataValue.int(properties["model"]["version"]),
        "dataset": f"{spec.dataset}, version {properties['inputs'][spec.dataset]}",
        "dataset version": dg.MetadataValue.int(properties["inputs"][spec.dataset]),
        "target": properties["target"],
    }
    if properties["warnings"]:
        metadata["warnings"] = "\n".join(properties["warnings"][:50])
    return metadata
