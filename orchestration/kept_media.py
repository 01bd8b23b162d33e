"""The job that removes kept bytes which nothing refers to any more, each night: of collections and of image folders.

What is needed say the claims of versions, whoever published them (`resources/stores/media/`), and the catalog for what a collection has kept
and no version shows yet. What was written within the last day stays in any case.

Without `from __future__ import annotations`: Dagster reads live annotations.
"""

from typing import Any

import dagster as dg

from assets.boundary import boundary
from assets.collections.declaration import DECLARATION
from assets.collections.publishing import unclaimed_objects
from resources.kernel.keys import IMAGE_FOLDER
from resources.references import noun_of_asset
from resources.stores.catalog.resource import CatalogResource
from resources.stores.collect import DEFAULT_GRACE
from resources.stores.resource import StoreResource

JOB = "collect_kept_media"
CRON = "17 4 * * *"


@dg.op(
    name="remove_unneeded_media",
    description="Removes kept bytes that no version and no item refers to, and that are older than a day",
    out=dg.Out(dg.Nothing),
)
def remove_unneeded(
    context: dg.OpExecutionContext, store: StoreResource, catalog: CatalogResource
) -> None:
    """Removes what nothing needs."""
    database, tables = catalog.collections().database, store.tables()
    with boundary():
        report = store.media().collect(
            DEFAULT_GRACE, needed=lambda: unclaimed_objects(database, tables)
        )
    context.log.info(
        "%d removed, %d bytes; %d wait for a run that may still need them",
        report.removed_objects,
        report.freed_bytes,
        report.waiting_objects,
    )


@dg.job(name=JOB, description="Removes bytes of media that nothing refers to any more")
def collect_kept_media() -> None:
    """Removes bytes of media that nothing refers to any more."""
    remove_unneeded()


def build_media_collector(loaded: dg.Definitions) -> dg.Definitions:
    """The job and its schedule, where an asset of the project may keep bytes."""
    if not any(_keeps_media(item) for item in loaded.assets or []):
        return dg.Definitions()
    schedule = dg.ScheduleDefinition(
        name=JOB,
        job=collect_kept_media,
        cron_schedule=CRON,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Each night",
    )
    return dg.Definitions(jobs=[collect_kept_media], schedules=[schedule])


def _keeps_media(item: Any) -> bool:
    """Whether something is a collection or an image folder: versions of those may refer to kept bytes."""
    return isinstance(item, dg.AssetsDefinition) and any(
        DECLARATION in spec.metadata or noun_of_asset(spec) == IMAGE_FOLDER for spec in item.specs
    )
