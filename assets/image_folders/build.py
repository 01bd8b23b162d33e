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
from assets.noun import asset_definition
from assets.table_asset import finish_table, table_result
from resources.sources.uploads import UPLOAD_TAG
from resources.stores.resource import StoreResource
from resources.stores.ui_metadata import shown_seconds

Execute = Callable[
    [dg.AssetExecutionContext, ImageFolderSpec, StoreResource], dg.MaterializeResult[None]
]


def import_image_folder(
    context: dg.AssetExecutionContext, spec: ImageFolderSpec, store: StoreResource
) -> dg.MaterializeResult[None]:
    """Imports the upload that the run was started for, or the newest."""
    asked = context.run.tags.get(UPLOAD_TAG, "")
    order = ImageOrder(
        name=spec.name,
        key=spec.key,
        run_id=context.run.run_id,
        attempt=context.retry_number,
        upload=int(asked) if asked.isascii() and asked.isdecimal() else 0,
    )
    with boundary():
        tables = store.tables()
        report = import_images(tables, store.media(), order, context.log.info)
        table = finish_table(context, spec, tables, report.version.number)
    descriptions = {**MEANINGS, **spec.column_descriptions}
    return table_result(table, _metadata(report), descriptions=descriptions)


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

    @asset_definition(asset or spec.asset_spec(), required_resource_keys={"store"})
    def _import(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        return execute(context, spec, context.resources.store)

    return dg.Definitions(assets=[_import])


def _metadata(report: ImageReport) -> dict[str, Any]:
    record, source = ImagesRecord.of(report.version), report.version.properties["source"]
    (file,) = source["files"]  # type: ignore[index]  # an import wrote it
    return {
        "images": record.count,
        "folders": record.folders,
        "duplicates": record.duplicates,
        "size of images": record.size_bytes,
        "file": file["name"],
        "sha256": file["sha256"],
        "upload": source["upload"],  # type: ignore[index]  # as above
        "uploaded by": source["uploaded_by"],  # type: ignore[index]  # as above
        "seconds": shown_seconds(report.seconds),
        "changed": "no: the same ZIP was imported already" if report.unchanged else "yes",
    }
