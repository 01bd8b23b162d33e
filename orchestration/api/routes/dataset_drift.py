"""Drift of datasets: how far a version is from another one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from orchestration.api.given import GivenAsker, GivenProject, GivenSite, Name
from orchestration.api.router import GuardedRouter
from orchestration.services.site.datasets import dataset_of
from orchestration.services.site.drift import drift_of
from resources.drift.record import Drift

router = GuardedRouter()


@router.get("/projects/{project}/datasets/{name}/drift", operation_id="dataset.drift")
async def drift(
    site: GivenSite,
    asker: GivenAsker,
    project: GivenProject,
    name: Name,
    version: Annotated[
        str,
        Query(
            max_length=100, description="Number of the version, or a tag; the newest by default."
        ),
    ] = "",
    against: Annotated[
        str,
        Query(
            max_length=250,
            description="What to compare with: `previous`, `tag:NAME`, `version:NUMBER`, `dataset:NAME` or `dataset:NAME@TAG`."
            " What the dataset declares by default.",
        ),
    ] = "",
    column: Annotated[str, Query(max_length=1_000, description="Only this column.")] = "",
) -> Drift:
    """Show how far a version is from another one, column by column: by which method, above which threshold.

    Methods and thresholds are those that the dataset declares. It ends when the client hangs up.
    """
    entry = dataset_of(project, name)
    store = site.store(project)
    return await drift_of(asker, store, entry, version=version, against=against, column=column)
