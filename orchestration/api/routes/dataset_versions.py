"""Versions of a dataset: compared, restored, tagged, pinned, and what used them. The list is in `datasets.py`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Body, Path, Query

from orchestration.api.answers import Started, started
from orchestration.api.given import (
    GivenActor,
    GivenAsker,
    GivenProject,
    GivenSite,
    IdempotencyKey,
    Name,
)
from orchestration.api.router import GuardedRouter
from orchestration.services.dataset_compare import Comparison, compared_by
from orchestration.services.dataset_uses import DatasetUses, dataset_uses
from orchestration.services.dataset_versions import VersionTags
from orchestration.services.questions.dataset import COMPARE, RESTORE
from orchestration.services.site.dataset_versions import pin, tag, unpin, untag
from orchestration.services.site.datasets import dataset_of, forget_view
from orchestration.services.site.noted import noted

router = GuardedRouter()
ONE = "/projects/{project}/datasets/{name}"
_VERSION = "Number of the version, or a tag."
_TAG = "The tag: letters, digits, `_`, `.` and `-`."


@router.get(f"{ONE}/versions/compare", operation_id="dataset.compare")
async def compare(
    asker: GivenAsker,
    project: GivenProject,
    name: Name,
    before: Annotated[str, Query(alias="from", max_length=100, description=_VERSION)],
    after: Annotated[
        str, Query(alias="to", max_length=100, description=f"{_VERSION} The newest by default.")
    ] = "",
    key: Annotated[
        list[str],
        Query(
            description="Column that tells rows apart; repeatable. The declared `key` by default; empty: whole rows."
        ),
    ] = [],  # noqa: B006 - FastAPI copies it
) -> Comparison:
    """Compare two versions: columns, and rows added, removed and changed, with at most 20 examples of each.

    It ends when the client hangs up. Without a key rows are compared as multisets.
    """
    entry = dataset_of(project, name)
    by = compared_by(entry.row_key, key)
    return await asker.ask(COMPARE, key=list(entry.key), before=before, after=after, by=by)


@router.post(f"{ONE}/versions/{{version}}/restore", operation_id="dataset.restore", status_code=202)
async def restore(
    site: GivenSite,
    project: GivenProject,
    asker: GivenAsker,
    name: Name,
    version: str,
    key: IdempotencyKey = None,
) -> Started:
    """Make an earlier version, by its number or a tag, the newest one again. No byte is copied."""
    entry = dataset_of(project, name)
    asking = asker.ask(RESTORE, name=entry.name, version=version, key=key or "")
    subject = f"datasets/{entry.name}"
    run_id = await noted(
        site, asker.actor, "dataset.restore", subject, asking, detail=f"version {version}"
    )
    forget_view(site, project)
    return started(project.name, run_id)


@router.put(f"{ONE}/tags/{{tag}}", operation_id="dataset.tag")
def tag_version(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    tag_name: Annotated[str, Path(alias="tag", description=_TAG)],
    version: Annotated[str, Body(max_length=100, description=_VERSION)] = "",
    move: Annotated[bool, Body(description="Also when another version has it.")] = False,
) -> VersionTags:
    """Give a version a tag, the newest by default. A tagged version is never collected."""
    entry = dataset_of(project, name)
    return tag(site, project, actor, entry, tag_name, version, move=move)


@router.delete(f"{ONE}/tags/{{tag}}", operation_id="dataset.untag")
def untag_version(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    tag_name: Annotated[str, Path(alias="tag", description=_TAG)],
) -> VersionTags:
    """Take a tag away. What nothing else keeps is collected a day later at the earliest."""
    return untag(site, project, actor, dataset_of(project, name), tag_name)


@router.put(f"{ONE}/versions/{{version}}/pin", operation_id="dataset.pin")
def pin_version(
    site: GivenSite, project: GivenProject, actor: GivenActor, name: Name, version: str
) -> VersionTags:
    """Keep a version until it is unpinned."""
    return pin(site, project, actor, dataset_of(project, name), version)


@router.delete(f"{ONE}/versions/{{version}}/pin", operation_id="dataset.unpin")
def unpin_version(
    site: GivenSite, project: GivenProject, actor: GivenActor, name: Name, version: str
) -> VersionTags:
    """Take a pin away. What nothing else keeps is collected a day later at the earliest."""
    return unpin(site, project, actor, dataset_of(project, name), version)


@router.get(f"{ONE}/uses", operation_id="dataset.uses")
def uses(
    site: GivenSite,
    project: GivenProject,
    name: Name,
    version: Annotated[
        int | None, Query(ge=1, le=10**15, description="Only what used this version.")
    ] = None,
) -> DatasetUses:
    """List which model, dataset, embedding and export used which version, newest first."""
    entry = dataset_of(project, name)
    known = project.snapshot
    return dataset_uses(
        entry,
        site.store(project),
        site.instance,
        known.exporters,
        version,
        declared={one.key for one in known.datasets},
    )
