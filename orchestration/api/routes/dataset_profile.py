"""Profiles of datasets: what is in a version, and the work of finding out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from orchestration.api.answers import Started, started
from orchestration.api.given import GivenAsker, GivenProject, GivenSite, IdempotencyKey, Name
from orchestration.api.router import GuardedRouter
from orchestration.services.dataset_profile import DatasetProfile
from orchestration.services.questions.dataset_profile import COMPUTE_PROFILE
from orchestration.services.site.datasets import dataset_of, profile_of
from orchestration.services.site.noted import noted

router = GuardedRouter()
PATH = "/projects/{project}/datasets/{name}/profile"
Version = Annotated[
    int | None, Query(ge=1, le=10**15, description="Number of the version; the newest by default.")
]


@router.get(PATH, operation_id="dataset.profile")
def show(
    site: GivenSite,
    project: GivenProject,
    name: Name,
    version: Version = None,
    column: Annotated[
        str, Query(max_length=1_000, description="Only the facts of this column.")
    ] = "",
) -> DatasetProfile:
    """Show where the profile of a version stands, and the profile where there is one. Computes nothing."""
    return profile_of(site, project, dataset_of(project, name), version, column)


@router.post(PATH, operation_id="dataset.compute-profile", status_code=202)
async def compute(
    site: GivenSite,
    project: GivenProject,
    asker: GivenAsker,
    name: Name,
    version: Version = None,
    key: IdempotencyKey = None,
) -> Started:
    """Profile a version. One that has a profile keeps it."""
    entry = dataset_of(project, name)
    asking = asker.ask(COMPUTE_PROFILE, name=entry.name, version=version or 0, key=key or "")
    subject = f"datasets/{entry.name}"
    run_id = await noted(site, asker.actor, "dataset.compute-profile", subject, asking)
    return started(project.name, run_id)
