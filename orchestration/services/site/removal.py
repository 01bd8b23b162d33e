"""Removing what is kept of a dataset or an image folder, alone or together with what declares it, asked of the server."""

from __future__ import annotations

from dataclasses import replace

from starlette.concurrency import run_in_threadpool

from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import audited
from orchestration.services.access.rights import check_right
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.dataset_removal import RemovalReport, deletion_of, remove_dataset
from orchestration.services.definitions.change import USE_CASES
from orchestration.services.questions.definition import CHANGE, as_argument
from orchestration.services.reloading import reload_location
from orchestration.services.site.datasets import forget_view
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site


async def remove(
    site: Site,
    project: Project,
    actor: Actor,
    entry: DatasetEntry,
    *,
    force: bool = False,
    with_tags: bool = False,
    definition: bool = False,
) -> RemovalReport:
    """Removes all versions of a dataset, and what declares it if that is asked for.

    The definition is tried first and goes last: one that something uses keeps the versions as well, and whoever is cut
    off in between is left with a dataset that has none.

    Args:
        site: the server's view.
        project: whose dataset it is.
        actor: who asks.
        entry: the dataset.
        force: also when others are made from it, or a run is making it.
        with_tags: also versions that are tagged or pinned.
        definition: whether its YAML goes too.

    Raises:
        InUseError: others are made from it, which the error names, or a run is making it.
        InputError: Python declares it.
        ForbiddenError: who asks may not delete definitions, or nobody may here.
        WaybillError: the store or the project's files refuse; a second call goes on.
    """
    change = deletion_of(project.snapshot, entry) if definition else None
    if change is not None:
        check_right(actor, f"{USE_CASES[change.noun]}.delete")
        asker = project.asker(actor)
        await asker.ask(CHANGE, change=as_argument(change), dry_run=True)
    report = await run_in_threadpool(
        _remove, site, project, actor, entry, force=force, with_tags=with_tags
    )
    forget_view(site, project)
    if change is None:
        return report
    done = await asker.ask(CHANGE, change=as_argument(change))
    await reload_location(project.socket)
    return replace(report, definition=done.file)


def _remove(
    site: Site,
    project: Project,
    actor: Actor,
    entry: DatasetEntry,
    *,
    force: bool,
    with_tags: bool,
) -> RemovalReport:
    use_case = f"{USE_CASES[entry.noun]}.remove"
    with audited(site.catalog, actor, use_case, f"datasets/{entry.name}") as noted:
        store = site.store(project)
        found = remove_dataset(
            entry,
            store,
            site.instance,
            site.home,
            force=force,
            with_tags=with_tags,
            by=actor.name,
        )
        noted.detail = "forced" if force else ""
        noted.before = {"versions": list(found.versions)}
    return found
