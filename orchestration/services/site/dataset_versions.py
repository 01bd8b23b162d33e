"""Tags and pins changed by way of the server: the audit log notes each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import audited
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.dataset_versions import (
    VersionTags,
    pin_version,
    tag_version,
    unpin_version,
    untag_version,
)
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site


def tag(
    site: Site,
    project: Project,
    actor: Actor,
    entry: DatasetEntry,
    name: str,
    version: str,
    *,
    move: bool = False,
) -> VersionTags:
    """Gives a version a tag; raises as `tag_version` does."""
    store = site.store(project)

    def change() -> VersionTags:
        return tag_version(entry, store, name, version, move=move, by=actor.name)

    return _noted(site, actor, "dataset.tag", entry, f"tag {name}", change)


def untag(
    site: Site, project: Project, actor: Actor, entry: DatasetEntry, name: str
) -> VersionTags:
    """Takes a tag away; raises as `untag_version` does."""
    store = site.store(project)
    return _noted(
        site,
        actor,
        "dataset.untag",
        entry,
        f"tag {name}",
        lambda: untag_version(entry, store, name),
    )


def pin(
    site: Site, project: Project, actor: Actor, entry: DatasetEntry, version: str
) -> VersionTags:
    """Keeps a version; raises as `pin_version` does."""
    store = site.store(project)
    return _noted(
        site,
        actor,
        "dataset.pin",
        entry,
        f"version {version}",
        lambda: pin_version(entry, store, version, by=actor.name),
    )


def unpin(
    site: Site, project: Project, actor: Actor, entry: DatasetEntry, version: str
) -> VersionTags:
    """Takes a pin away; raises as `unpin_version` does."""
    store = site.store(project)
    return _noted(
        site,
        actor,
        "dataset.unpin",
        entry,
        f"version {version}",
        lambda: unpin_version(entry, store, version),
    )


def _noted(
    site: Site,
    actor: Actor,
    use_case: str,
    entry: DatasetEntry,
    detail: str,
    change: Callable[[], VersionTags],
) -> VersionTags:
    with audited(site.catalog, actor, use_case, f"datasets/{entry.name}") as noted:
        noted.detail = detail[:200]
        found = change()
        noted.before, noted.after = {"version": found.moved_from}, asdict(found)
    return found
