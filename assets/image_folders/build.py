"""From an image folder's declaration to its asset: a run imports what was uploaded.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.image_folders.declaration import ImageFolderSpec
from assets.image_folders.importing import ImageOrder, ImageReport, import_images
from assets.image_folders.table import MEANINGS, ImagesRecord
from assets.image_folders.task_files import import_image_files
from assets.noun import asset_definition
from assets.table_asset import finish_table, table_result
from assets.task_run import TASK_FIELDS, task_metadata, work_on
from resources.import_tasks.definition import Target
from resources.sources.uploads import UPLOAD_TAG
from resources.stores.resource import StoreResource
from resources.stores.ui_metadata import shown_seconds

_NAMED = 3

Execute = Callable[
    [dg.AssetExecutionContext, ImageFolderSpec, StoreResource], dg.MaterializeResult[None]
]


def import_image_folder(
    context: dg.AssetExecutionContext, spec: ImageFolderSpec, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Imports the upload that the run was started for, or the newest; or the files of the import task that the run works on."""
    asked = context.run.tags.get(UPLOAD_TAG, "")
    order = ImageOrder(
        name=spec.name,
        key=spec.key,
        run_id=context.run.run_id,
        attempt=context.retry_number,
        upload=int(asked) if asked.isascii() and asked.isdecimal() else 0,
    )
    with boundary():
        tables, media, of_task = store.tables(), store.media(), None
        with work_on(
            context, context.resources.catalog, Target("image_folder", spec.name), spec.connectors
        ) as run:
            if run is not None:
                report = import_image_files(run, tables, media, order)
                of_task = task_metadata(run)
        if of_task is None:
            report = import_images(tables, media, order, context.log.info)
        table = finish_table(context, spec, tables, report.version.number)
    metadata = {**_figures(report), **(_of_upload(report) if of_task is None else of_task)}
    descriptions = {**MEANINGS, **spec.column_descriptions}
    return table_result(table, metadata, descriptions=descriptions)


def build_image_folder(
    spec: ImageFolderSpec,
    *,
    asset: dg.AssetSpec | None = None,
    execute: Execute = import_image_folder,
) -> dg.Definitions:
    """The asset `("datasets", name)` in the group `image_folders`.

    Args:
        spec: the declaration.
        asset: what is shown of it, when not what the declaration says.
        execute: what a run does.
    """

    # The connectors' keys are known only now, and Dagster takes resources either by key or as arguments.
    @asset_definition(
        asset or spec.asset_spec(),
        required_resource_keys={"store", "catalog", *spec.connectors},
        config_schema=TASK_FIELDS,
    )
    def _import(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return execute(context, spec, context.resources.store)

    return dg.Definitions(assets=[_import])


def _figures(report: ImageReport) -> dict[str, Any]:
    record = ImagesRecord.of(report.version)
    return {
        "images": record.count,
        "folders": record.folders,
        "duplicates": record.duplicates,
        "size of images": record.size_bytes,
    }


def _of_upload(report: ImageReport) -> dict[str, Any]:
    source: Any = report.version.properties["source"]
    files = source["files"]
    return {
        "file": ", ".join(file["name"] for file in files[:_NAMED]),
        "sha256": files[0]["sha256"] if files else "",
        "upload": source["upload"],
        "uploaded by": source["uploaded_by"],
        "seconds": shown_seconds(report.seconds),
        "changed": "no: the same ZIP was imported already" if report.unchanged else "yes",
    }
