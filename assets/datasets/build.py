"""From a dataset's declaration to a materialized asset, its checks and its place in lineage.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from assets.boundary import RETRIES, boundary
from assets.checks.build import build_checks, schema_check, schema_results
from assets.checks.expectations import Expectation
from assets.checks.schema_change import Policy
from assets.datasets.importing import (
    ImportOrder,
    ImportReport,
    import_table,
    imported_upload,
)
from assets.datasets.task_files import import_files
from assets.noun import make_asset_spec
from assets.settling import settle_seconds
from assets.single_op import OpParts, build_materialized, config_of
from assets.table_asset import finish_table, table_result
from assets.task_run import TASK_FIELDS, task_metadata, work_on
from resources.import_tasks.definition import Target
from resources.kernel.keys import Key, asset_key
from resources.sources.open import open_source
from resources.sources.source import Source
from resources.sources.spec import SourceSpec
from resources.sources.uploads import UPLOAD_TAG, KeptUploadSource, open_upload
from resources.stores.kept_uploads import KeptUploads
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore
from resources.stores.ui_metadata import escape_markdown, markdown_table, shown_seconds


@dataclass(frozen=True)
class DatasetSpec:
    """What a dataset says."""

    name: str
    source: SourceSpec
    allow_empty: bool = False
    keep_versions: int = 3
    keep_days: int = 0
    keep_uploads: int = 1
    """Of a dataset that is uploaded: how many uploads stay once they were imported."""
    connectors: tuple[str, ...] = ()
    """Of a dataset that is uploaded: where import tasks may take its files from."""
    on_schema_change: Policy = "accept"
    column_descriptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Its asset key, and its place in the store."""
        return asset_key("datasets", self.name)

    def asset_spec(self, **given: Any) -> dg.AssetSpec:
        """The asset as Waybill shows it, but for what is `given`."""
        if self.source.upload:
            return make_asset_spec(
                self.key,
                given,
                kinds={"parquet"},
                description="Imported from uploaded files",
                metadata={"origin": "upload"},
            )
        return make_asset_spec(
            self.key,
            given,
            kinds={"parquet"},
            deps=[dg.AssetKey(asset_key("datasources", self.source.name))],
            description=f"Imported from {self.source.name} ({self.source.target})",
            metadata={"origin": "datasource", "datasource": self.source.name},
        )


# Plain types, no `dg.Config`: its fields may be taken from any variable of the server's environment.
_FORCE = {
    "force": dg.Field(
        bool, default_value=False, description="Import again even if the source looks unchanged"
    )
}
IMPORT_CONFIG = config_of(_FORCE)
"""What may be said when a run is launched by hand."""
UPLOAD_CONFIG = config_of({**_FORCE, **TASK_FIELDS})
"""The same of a dataset that is uploaded."""


def import_dataset(
    context: dg.AssetExecutionContext, spec: DatasetSpec, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Imports the source, unless it shows what was imported already; or the files of the import task that the run works on."""
    with boundary():
        tables = store.tables()
        order = ImportOrder(
            name=spec.name,
            key=spec.key,
            run_id=context.run.run_id,
            attempt=context.retry_number,
            allow_empty=spec.allow_empty,
            on_schema_change=spec.on_schema_change,
            force=context.op_execution_context.op_config["force"],
            settle_seconds=settle_seconds(spec.source, context.run.tags),
        )
        source, report, of_task = _import(context, spec, tables, order)
        table = finish_table(context, spec, tables, report.version.number, keep_days=spec.keep_days)
        if spec.source.upload:
            imported = (
                source.upload.number
                if isinstance(source, KeptUploadSource)
                else imported_upload(tables, spec.key)
            )
            KeptUploads(tables).release(spec.name, imported=imported, keep=spec.keep_uploads)
    for warning in report.warnings:
        context.log.warning(warning)
    metadata = {**_metadata(source, report), **of_task}
    return table_result(
        table,
        metadata,
        descriptions=spec.column_descriptions,
        checks=schema_results(report.version, spec.on_schema_change),
    )


def _import(
    context: dg.AssetExecutionContext, spec: DatasetSpec, tables: TableStore, order: ImportOrder
) -> tuple[Source, ImportReport, Mapping[str, Any]]:
    """What was imported, and what is to be told of the task that it was imported for."""
    if spec.source.upload:
        with work_on(
            context, context.resources.catalog, Target("dataset", spec.name), spec.connectors
        ) as run:
            if run is not None:
                source, report = import_files(run, tables, spec.source, order)
                return source, report, task_metadata(run)
    source = _open(context, spec, tables)
    return source, import_table(source, tables, order), {}


Execute = Callable[
    [dg.AssetExecutionContext, DatasetSpec, StoreResource], dg.MaterializeResult[None]
]


def build_dataset(
    spec: DatasetSpec,
    *,
    asset: dg.AssetSpec | None = None,
    expectations: Sequence[Expectation] = (),
    row_key: Sequence[str] = (),
    execute: Execute = import_dataset,
) -> dg.Definitions:
    """The asset `("datasets", name)`, downstream of its data source if it has one, and its checks.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        expectations: what its rows are held to.
        row_key: columns that tell its rows apart.
        execute: what a run does.
    """
    asset = asset or spec.asset_spec()
    is_uploaded = spec.source.upload
    needed = {"catalog", *spec.connectors} if is_uploaded else {spec.source.connector}
    parts = OpParts(
        frozenset({"store", *needed}),
        config=UPLOAD_CONFIG if is_uploaded else IMPORT_CONFIG,
        retries=RETRIES,
        pool=f"dataset/{spec.name}",
        checks=(schema_check(asset.key),),
    )

    def _import(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return execute(context, spec, context.resources.store)

    return dg.Definitions(
        assets=[build_materialized(asset, _import, parts)],
        asset_checks=build_checks(asset.key, expectations, row_key),
    )


def _open(context: dg.AssetExecutionContext, spec: DatasetSpec, tables: TableStore) -> Source:
    source = spec.source
    if not source.upload:
        return open_source(getattr(context.resources, source.connector), source)
    asked = context.run.tags.get(UPLOAD_TAG, "")
    return open_upload(
        tables,
        source,
        asked=int(asked) if asked.isascii() and asked.isdecimal() else 0,
        imported=imported_upload(tables, spec.key),
    )


def _metadata(source: Source, report: ImportReport) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        **source.facts(),
        "source version": report.fingerprint.version,
        "seconds": shown_seconds(report.seconds),
        "changed": "no: the source shows the same fingerprint as when this version was imported"
        if report.unchanged
        else "yes",
    }
    if report.change:
        metadata["schema change"] = str(report.change)
    if report.guesses:
        metadata["guesses"] = dg.MetadataValue.md(_guess_table(report))
    if report.warnings:
        metadata["warnings"] = "\n".join(report.warnings[:50])
    return metadata


def _guess_table(report: ImportReport) -> str:
    return markdown_table(
        ("guessed", "value", "because", "to settle it"),
        [
            [
                escape_markdown(text, 160)
                for text in (guess.subject, guess.value, guess.reason, guess.override)
            ]
            for guess in report.guesses
        ],
    )
