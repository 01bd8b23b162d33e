"""Versions of a dataset: which there are, and those kept by name or for good: tagged, pinned, and let go again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orchestration.services.dataset_list import DatasetEntry
from resources.kernel.errors import NotFoundError
from resources.stores.restoring import restored_from
from resources.stores.versions import VersionStore


@dataclass(frozen=True)
class VersionSummary:
    """One version of a dataset."""

    version: int
    created_at: datetime
    rows: int | None
    columns: int
    size_bytes: int
    files: int
    run_id: str
    tags: tuple[str, ...] = ()
    """Names that it is kept under."""
    is_pinned: bool = False
    """Whether it is kept until somebody unpins it."""
    restored_from: int | None = None
    """The earlier version whose content it has again."""


@dataclass(frozen=True)
class VersionTags:
    """What keeps a version, after a change."""

    dataset: str
    version: int
    tags: tuple[str, ...]
    is_pinned: bool
    moved_from: int | None = None
    """The version that had the tag before."""


def list_versions(entry: DatasetEntry, store: VersionStore) -> list[VersionSummary]:
    """The versions that are kept, newest first.

    Raises:
        NotFoundError: it has none.
    """
    item = store.item(entry.key)
    versions, said = item.versions(), item.tagging.read()
    if not versions:
        hint = "Refresh it first" if entry.noun == "dataset" else "Upload a ZIP first"
        raise NotFoundError(f"{entry.noun} {entry.name!r} has no version yet", hint=hint)
    return [
        VersionSummary(
            version=version.number,
            created_at=version.created_at,
            rows=version.rows,
            columns=len(version.schema),
            size_bytes=version.size_bytes,
            files=len(version.files),
            run_id=version.run_id,
            tags=said.tags_of(version.number),
            is_pinned=version.number in said.pins,
            restored_from=restored_from(version),
        )
        for version in reversed(versions)
    ]


def tag_version(
    entry: DatasetEntry,
    store: VersionStore,
    tag: str,
    version: str = "",
    *,
    move: bool = False,
    by: str = "",
) -> VersionTags:
    """Gives a version a tag: it is never collected then.

    Args:
        entry: the dataset.
        store: where it is kept.
        tag: unique in the dataset: `train-2026-11`.
        version: a number or another tag; the newest by default.
        move: also when another version has the tag.
        by: who says so.

    Raises:
        InputError: no name of a tag.
        ConflictError: another version has it.
        GoneError: the version was collected, or is about to be.
    """
    number = find_version(entry, store, version)
    before = store.item(entry.key).tagging.tag(tag, number, by=by, move=move)
    found = _said(entry, store, number)
    moved = before if before not in (None, number) else None
    return VersionTags(found.dataset, number, found.tags, found.is_pinned, moved)


def untag_version(entry: DatasetEntry, store: VersionStore, tag: str) -> VersionTags:
    """Takes a tag away; its version stays for a day more at least.

    Raises:
        NotFoundError: there is no such tag.
    """
    return _said(entry, store, store.item(entry.key).tagging.untag(tag))


def pin_version(
    entry: DatasetEntry, store: VersionStore, version: str, *, by: str = ""
) -> VersionTags:
    """Keeps a version until it is unpinned.

    Raises:
        GoneError: it was collected, or is about to be.
    """
    number = find_version(entry, store, version)
    store.item(entry.key).tagging.pin(number, by=by)
    return _said(entry, store, number)


def unpin_version(entry: DatasetEntry, store: VersionStore, version: str) -> VersionTags:
    """Takes a pin away.

    Raises:
        NotFoundError: it is not pinned.
    """
    number = find_version(entry, store, version)
    store.item(entry.key).tagging.unpin(number)
    return _said(entry, store, number)


def find_version(entry: DatasetEntry, store: VersionStore, version: str) -> int:
    """The number of a version that is called by its number or by a tag; of the newest when nothing is said.

    Raises:
        NotFoundError: no such tag, or no version at all.
    """
    item = store.item(entry.key)
    if version:
        return item.tagging.find(version)
    return item.read_latest(lambda manifest: manifest.number)


def _said(entry: DatasetEntry, store: VersionStore, version: int) -> VersionTags:
    said = store.item(entry.key).tagging.read()
    return VersionTags(entry.name, version, said.tags_of(version), version in said.pins)
