"""Datasets: the list, what is known of one, downloads, titles, refresh and removal."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query
from fastapi.responses import Response, StreamingResponse

from orchestration.api.answers import Started, started
from orchestration.api.given import (
    GivenActor,
    GivenAsker,
    GivenList,
    GivenProject,
    GivenSite,
    IdempotencyKey,
    Name,
)
from orchestration.api.router import GuardedRouter
from orchestration.services.asking.passing import NOT_KEPT, as_file, open_stream
from orchestration.services.dataset_checks import CheckOutcome
from orchestration.services.dataset_detail import (
    DatasetColumn,
    DatasetDetail,
    RunOfDataset,
    list_columns,
)
from orchestration.services.dataset_list import DatasetTitle
from orchestration.services.dataset_query import DatasetPage, DatasetQuery
from orchestration.services.dataset_removal import RemovalReport
from orchestration.services.dataset_sample import SAMPLE_LIMIT, Sample
from orchestration.services.dataset_versions import VersionSummary, list_versions
from orchestration.services.questions.dataset import (
    DOWNLOAD,
    REFRESH,
    SAMPLE,
    SUGGEST_CHECKS,
    DownloadHead,
)
from orchestration.services.site.datasets import (
    checks_of,
    dataset_of,
    forget_view,
    list_datasets,
    runs_of,
    show_one,
)
from orchestration.services.site.noted import noted
from orchestration.services.site.removal import remove as remove_dataset
from orchestration.services.site.titles import retitle
from orchestration.services.suggested_checks import SuggestedChecks

router = GuardedRouter()
BASE = "/projects/{project}/datasets"
Origins = Annotated[
    list[str],
    Query(description="Only these: upload, datasource, pipeline output, pipeline intermediate."),
]
Statuses = Annotated[
    list[str],
    Query(
        description="Only these: pending, queued, running, ready, failed, stopped, damaged; `stale`: also those of which"
        " what they are made from has changed since."
    ),
]
Version = Annotated[
    int | None, Query(ge=1, le=10**15, description="Number of the version; the newest by default.")
]


@router.get(BASE, operation_id="dataset.list")
def list_all(
    site: GivenSite,
    project: GivenProject,
    wanted: GivenList,
    origin: Origins = [],  # noqa: B006 - FastAPI copies it
    status: Statuses = [],  # noqa: B006 - as above
    sort: Annotated[
        str,
        Query(
            description="name, title, origin, status, rows, columns, version, size or updated; `-` before it: largest first."
        ),
    ] = "name",
) -> DatasetPage:
    """List datasets with their state, and how many there are of each origin and status."""
    query = DatasetQuery.of(
        origins=origin,
        statuses=status,
        search=wanted.q,
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        limit=wanted.limit,
        cursor=wanted.cursor or "",
    )
    return list_datasets(site, project, query)


@router.get(f"{BASE}/-/summary", operation_id="dataset.summary")
def summary(
    site: GivenSite,
    project: GivenProject,
    origin: Origins = [],  # noqa: B006 - as above
    status: Statuses = [],  # noqa: B006 - as above
    q: Annotated[str, Query(max_length=200, description="Part of the name or title.")] = "",
) -> dict[str, Any]:
    """Count datasets by origin and by status; each count leaves the filter of its own kind aside."""
    query = DatasetQuery.of(origins=origin, statuses=status, search=q, limit=1)
    page = list_datasets(site, project, query)
    return {"total": page.total, "origins": page.origins, "statuses": page.statuses}


@router.get(f"{BASE}/{{name}}", operation_id="dataset.show")
def show(site: GivenSite, project: GivenProject, name: Name) -> DatasetDetail:
    """Show a dataset: columns, what it is made from and who uses it, what its newest version records."""
    return show_one(site, project, name)


@router.get(f"{BASE}/{{name}}/columns", operation_id="dataset.columns")
def columns(
    site: GivenSite, project: GivenProject, name: Name, version: Version = None
) -> tuple[DatasetColumn, ...]:
    """List the columns of a version."""
    return list_columns(dataset_of(project, name), site.store(project), version=version)


@router.get(f"{BASE}/{{name}}/sample", operation_id="dataset.sample")
async def sample(
    asker: GivenAsker,
    project: GivenProject,
    name: Name,
    rows: Annotated[int, Query(ge=1, le=SAMPLE_LIMIT, description="How many.")] = 10,
    version: Version = None,
) -> Sample:
    """Show the first rows of a version. What JSON has no form for is text."""
    entry = dataset_of(project, name)
    return await asker.ask(SAMPLE, key=list(entry.key), rows=rows, version=version)


@router.get(f"{BASE}/{{name}}/versions", operation_id="dataset.versions")
def versions(site: GivenSite, project: GivenProject, name: Name) -> list[VersionSummary]:
    """List the versions that are kept, newest first."""
    return list_versions(dataset_of(project, name), site.store(project))


@router.get(f"{BASE}/{{name}}/checks", operation_id="dataset.checks")
def checks(site: GivenSite, project: GivenProject, name: Name) -> list[CheckOutcome]:
    """List the checks of a dataset with their newest results. Evaluates none."""
    return checks_of(site, project, dataset_of(project, name))


@router.get(f"{BASE}/{{name}}/suggested-checks", operation_id="dataset.suggest-checks")
async def suggested_checks(
    asker: GivenAsker, project: GivenProject, name: Name, version: Version = None
) -> SuggestedChecks:
    """Propose checks from the profile of a version, as YAML to paste. All hold for the version that was profiled."""
    entry = dataset_of(project, name)
    declared = [check.name for check in entry.checks]
    key = list(entry.key)
    return await asker.ask(SUGGEST_CHECKS, key=key, declared=declared, version=version)


@router.get(f"{BASE}/{{name}}/runs", operation_id="dataset.runs")
def runs(
    site: GivenSite,
    project: GivenProject,
    name: Name,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many.")] = 15,
) -> list[RunOfDataset]:
    """List the last runs that made a dataset or tried to, newest first."""
    return runs_of(site, dataset_of(project, name), limit=limit)


@router.get(
    f"{BASE}/{{name}}/download",
    operation_id="dataset.download",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def download(
    asker: GivenAsker,
    project: GivenProject,
    name: Name,
    file_format: Annotated[
        str, Query(alias="format", max_length=20, description="csv, zip or parquet.")
    ] = "csv",
    version: Version = None,
    raw: Annotated[
        bool, Query(description="CSV: leave texts that look like formulas as they are.")
    ] = False,
) -> Response:
    """Download a version as CSV, as a ZIP with that CSV, or as Parquet.

    In CSV, texts that a spreadsheet would run as a formula get an apostrophe before them, unless `raw` is given; the header
    `Waybill-Formula-Guard` says which. A download that is cut off ends without its last chunk.
    """
    entry = dataset_of(project, name)
    opening = asker.stream(
        DOWNLOAD,
        DownloadHead,
        name=entry.name,
        key=list(entry.key),
        file_format=file_format,
        version=version,
        raw=raw,
    )
    head, chunks = await open_stream(opening)
    headers = {
        "Waybill-Version": str(head.version),
        "Waybill-Formula-Guard": "on" if head.is_guarded else "off",
        **NOT_KEPT,
    }
    if head.size_bytes is not None:
        headers["Content-Length"] = str(head.size_bytes)
    return as_file(chunks, head.file_name, media_type=head.media_type, headers=headers)


@router.patch(f"{BASE}/{{name}}", operation_id="dataset.rename")
def rename(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    title: Annotated[
        str | None, Body(description="What lists and pages call it; empty takes it back.")
    ] = None,
    description: Annotated[
        str | None, Body(description="What it is, in Markdown; empty takes it back.")
    ] = None,
) -> DatasetTitle:
    """Give a dataset a title and a description for people; its name stays."""
    entry = dataset_of(project, name)
    found = retitle(site, actor, "dataset.rename", entry, title, description)
    forget_view(site, project)
    return found


@router.post(f"{BASE}/{{name}}/refresh", operation_id="dataset.refresh", status_code=202)
async def refresh(
    site: GivenSite,
    project: GivenProject,
    asker: GivenAsker,
    name: Name,
    key: IdempotencyKey = None,
) -> Started:
    """Make a dataset anew from what it is made of, and check it."""
    entry = dataset_of(project, name)
    asking = asker.ask(REFRESH, name=entry.name, key=key or "")
    subject = f"datasets/{entry.name}"
    return started(project.name, await noted(site, asker.actor, "dataset.refresh", subject, asking))


@router.delete(f"{BASE}/{{name}}", operation_id="dataset.remove")
async def remove(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    force: Annotated[
        bool, Query(description="Also when others are made from it, or a run is making it.")
    ] = False,
    with_tags: Annotated[
        bool, Query(description="Also versions that are tagged or pinned.")
    ] = False,
    definition: Annotated[
        bool, Query(description="Also take what declares it out of the project's YAML.")
    ] = False,
) -> RemovalReport:
    """Remove all stored versions. The source is not touched; what declares the dataset stays unless `definition` is given.

    A definition that something uses stays, and all versions with it, forced or not.
    """
    entry = dataset_of(project, name)
    return await remove_dataset(
        site, project, actor, entry, force=force, with_tags=with_tags, definition=definition
    )
