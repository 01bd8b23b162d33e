"""Exporters: which there are, what an export would do, an export now, every export that was."""

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
from orchestration.api.unsaved import Accept, GivenDefinition, told
from orchestration.services.asking.live import Live
from orchestration.services.exports.history import (
    Export,
    ExportStatus,
    HistoryFilter,
)
from orchestration.services.exports.listing import (
    ExporterFilter,
    ExporterSummary,
    show_exporter,
)
from orchestration.services.exports.trial import ExporterTest
from orchestration.services.paging import Page
from orchestration.services.questions.exporter import RUN, TEST, TRY
from orchestration.services.site.exporters import history_page, list_page
from orchestration.services.site.noted import noted

router = GuardedRouter()
Name = Annotated[str, Path(description="Name of the exporter.")]
Version = Annotated[int | None, Field(ge=1, le=2**53, description="The newest when left out.")]


@dataclass(frozen=True)
class GivenChoice:
    """What to deliver."""

    dataset: Annotated[
        str, Field(max_length=200, description="In place of the declared one; that one when empty.")
    ] = ""
    version: Version = None


@dataclass(frozen=True)
class GivenDelivery:
    """Where to deliver."""

    exporter: Annotated[str, Field(max_length=200, description="Name of the exporter.")]
    version: Version = None


@router.get("/projects/{project}/exporters", operation_id="exporter.list")
def list_all(
    project: GivenProject,
    site: GivenSite,
    wanted: GivenList,
    status: Annotated[
        str, Query(max_length=20, description="Of the last export; `never`: there was none.")
    ] = "",
    connector: Annotated[str, Query(max_length=200, description="Only those on it.")] = "",
) -> Page[ExporterSummary]:
    """List the exporters: what each delivers where, its last export, and when it delivers next by itself."""
    chosen = ExporterFilter(wanted.q, status, connector)
    return list_page(site, project, chosen, cursor=wanted.cursor, limit=wanted.limit)


@router.post(
    "/projects/{project}/exporters/try", operation_id="exporter.try", response_model=ExporterTest
)
async def try_unsaved(
    asker: GivenAsker, given: GivenDefinition, accept: Accept = "application/json"
) -> Any:
    """Test an exporter that is not saved: as `exporter.test`."""
    live = Live(asker, TRY, kind=given.type, attributes=given.attributes)
    return await told(live, accept)


@router.get("/projects/{project}/exporters/{name}", operation_id="exporter.show")
def show(project: GivenProject, site: GivenSite, name: Name) -> ExporterSummary:
    """Show an exporter and its last export."""
    return show_exporter(site.instance, project.snapshot.exporters, name)


@router.post(
    "/projects/{project}/exporters/{name}/test",
    operation_id="exporter.test",
    response_model=ExporterTest,
)
async def check(
    asker: GivenAsker,
    name: Name,
    given: GivenChoice | None = None,
    accept: Accept = "application/json",
) -> Any:
    """Try an export and make none: the way to the target, columns, rights, and what an export would do.

    The answer is 200 also when an export could not be made; `ok` says so.
    """
    choice = given or GivenChoice()
    live = Live(asker, TEST, name=name, dataset=choice.dataset, version=choice.version)
    return await told(live, accept)


@router.post(
    "/projects/{project}/exporters/{name}/run", operation_id="exporter.run", status_code=202
)
async def run(
    project: GivenProject,
    site: GivenSite,
    actor: GivenActor,
    asker: GivenAsker,
    name: Name,
    given: GivenChoice | None = None,
    key: IdempotencyKey = None,
) -> Started:
    """Export now, in a run: what the exporter declares, another dataset, or an older version."""
    choice = given or GivenChoice()
    asking = asker.ask(
        RUN, name=name, dataset=choice.dataset, version=choice.version, key=key or ""
    )
    detail = f"dataset {choice.dataset or 'as declared'}, version {choice.version or 'newest'}"
    run_id = await noted(site, actor, "exporter.run", f"exports/{name}", asking, detail)
    return started(project.name, run_id)


@router.get("/projects/{project}/exports", operation_id="exporter.history")
def history(
    project: GivenProject,
    site: GivenSite,
    wanted: GivenList,
    exporter: Annotated[str, Query(max_length=200, description="Only of this exporter.")] = "",
    status: Annotated[ExportStatus | None, Query(description="Only those of this status.")] = None,
) -> Page[Export]:
    """List exports, newest first: what went where, rows, status, who asked; also those that failed."""
    return history_page(
        site,
        project,
        HistoryFilter(exporter, status or ""),
        cursor=wanted.cursor,
        limit=wanted.limit,
    )


@router.post(
    "/projects/{project}/datasets/{name}/export", operation_id="dataset.export", status_code=202
)
async def export_dataset(
    project: GivenProject,
    site: GivenSite,
    actor: GivenActor,
    asker: GivenAsker,
    name: Annotated[str, Path(description="Name of the dataset.")],
    given: GivenDelivery,
    key: IdempotencyKey = None,
) -> Started:
    """Deliver a dataset by an exporter, in a run, whichever dataset that one declares."""
    asking = asker.ask(RUN, name=given.exporter, dataset=name, version=given.version, key=key or "")
    detail = f"by exporter {given.exporter}, version {given.version or 'newest'}"
    run_id = await noted(site, actor, "dataset.export", f"datasets/{name}", asking, detail)
    return started(project.name, run_id)
