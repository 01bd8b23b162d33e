"""Datasources: which there are, what one would bring, whether it changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field

from orchestration.api.answers import Started, started
from orchestration.api.given import (
    GivenActor,
    GivenAsker,
    GivenList,
    GivenProject,
    GivenSite,
    IdempotencyKey,
)
from orchestration.api.router import GuardedRouter
from orchestration.services.datasources import PREVIEW_LIMIT, DatasourceSummary, DatasourceTest
from orchestration.services.declared_list import datasources_of, find_datasource
from orchestration.services.observations import Observations, list_observations
from orchestration.services.paging import Page, page_of_named
from orchestration.services.questions.datasource import OBSERVE, TEST, TRY
from orchestration.services.site.noted import noted

router = GuardedRouter()
Name = Annotated[str, Path(description="Name of the data source.")]
Rows = Annotated[int, Query(ge=1, le=PREVIEW_LIMIT, description="How many rows to show.")]


@dataclass(frozen=True)
class GivenSource:
    """A data source that is not saved, as YAML would have it."""

    attributes: Annotated[
        dict[str, Any],
        Field(description="`connector`, one of `path`, `table` and `query`, and others."),
    ]
    type: str = "assets.Datasource"


@router.get("/projects/{project}/datasources", operation_id="datasource.list")
def list_all(project: GivenProject, wanted: GivenList) -> Page[DatasourceSummary]:
    """List the data sources that the project declares. Connects to none."""
    return page_of_named(
        datasources_of(project.snapshot), wanted.q, cursor=wanted.cursor, limit=wanted.limit
    )


@router.post("/projects/{project}/datasources/try", operation_id="datasource.try")
async def try_unsaved(asker: GivenAsker, given: GivenSource, rows: Rows = 20) -> DatasourceTest:
    """Preview a data source that is not saved: as `datasource.test`."""
    return await asker.ask(TRY, kind=given.type, attributes=given.attributes, rows=rows)


@router.get("/projects/{project}/datasources/{name}", operation_id="datasource.show")
def show(project: GivenProject, name: Name) -> DatasourceSummary:
    """Show a data source. Connects to nothing."""
    return find_datasource(project.snapshot, name)


@router.post("/projects/{project}/datasources/{name}/test", operation_id="datasource.test")
async def check(
    asker: GivenAsker,
    name: Name,
    rows: Rows = 20,
    fingerprint: Annotated[
        bool | None,
        Query(description="Whether to take the fingerprint too; left out: of files alone."),
    ] = None,
) -> DatasourceTest:
    """Preview what an import would bring: typed rows, and every guess. Imports nothing.

    The answer is 200 also when the source cannot be read; `ok` says so.
    """
    return await asker.ask(TEST, name=name, rows=rows, fingerprint=fingerprint)


@router.post(
    "/projects/{project}/datasources/{name}/observe",
    operation_id="datasource.observe",
    status_code=202,
)
async def observe(
    project: GivenProject,
    site: GivenSite,
    actor: GivenActor,
    asker: GivenAsker,
    name: Name,
    key: IdempotencyKey = None,
) -> Started:
    """Look now whether a data source changed, in a run."""
    find_datasource(project.snapshot, name)
    asking = asker.ask(OBSERVE, name=name, key=key or "")
    run_id = await noted(site, actor, "datasource.observe", f"datasources/{name}", asking)
    return started(project.name, run_id)


@router.get(
    "/projects/{project}/datasources/{name}/observations", operation_id="datasource.observations"
)
def observations(
    project: GivenProject, site: GivenSite, name: Name, wanted: GivenList
) -> Observations:
    """List what was seen of a data source, newest first, and whether it had changed."""
    find_datasource(project.snapshot, name)
    return list_observations(site.instance, name, cursor=wanted.cursor, limit=wanted.limit)
