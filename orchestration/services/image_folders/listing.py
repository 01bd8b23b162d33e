"""The list of image folders, from what is declared, recorded and stored: no table is read. Imports no Dagster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assets.image_folders.table import FirstImage, ImagesRecord
from orchestration.services.dataset_list import (
    DatasetEntry,
    DatasetTitle,
    Tried,
    read_newest,
    shown,
    summary_of,
)
from orchestration.services.dataset_versions import VersionSummary, list_versions
from resources.kernel.errors import NotFoundError, UnknownNameError
from resources.kernel.keys import IMAGE_FOLDER, Key
from resources.kernel.records import StoredVersion
from resources.stores.versions import VersionStore


@dataclass(frozen=True)
class ImageFolderSummary:
    """One line of the list."""

    name: str
    title: str
    """What people call it; its name where it has no title."""
    status: str
    """`pending`, `queued`, `running`, `ready`, `failed`, `stopped` or `damaged`: of the last upload, or of what is kept,
    where that says more."""
    images: int | None
    size_bytes: int | None
    """Of all images."""
    folders: int | None
    duplicates: int | None
    """Images whose bytes another one before them has."""
    version: int | None
    updated_at: datetime | None
    """When the newest version was made."""
    reason: str = ""
    """Why it is pending, failed or damaged, in one line."""
    run_id: str = ""
    """The run that last made it or tried to."""
    first: tuple[FirstImage, ...] = ()
    """Its first images."""


@dataclass(frozen=True)
class ImageFolderDetail:
    """All that is known of an image folder."""

    summary: ImageFolderSummary
    description: str
    """In Markdown: what people wrote, else what the declaration says."""
    owners: tuple[str, ...]
    used_by: tuple[str, ...]
    """Assets that are made from its table, as `noun/name`."""
    file: str
    """The ZIP that the newest version was made of."""
    uploaded_by: str
    versions: tuple[VersionSummary, ...]
    """Those that are kept, newest first."""


def find_folder(entries: Sequence[DatasetEntry], name: str) -> DatasetEntry:
    """The image folder of a name.

    Raises:
        UnknownNameError: there is none; lists the known ones.
    """
    for entry in entries:
        if entry.name == name:
            return entry
    raise UnknownNameError(IMAGE_FOLDER, name, [entry.name for entry in entries])


def summarize_folders(
    entries: Sequence[DatasetEntry],
    states: Mapping[Key, Tried],
    store: VersionStore,
    titles: Mapping[Key, DatasetTitle],
) -> list[ImageFolderSummary]:
    """A line for each image folder.

    Args:
        entries: what is declared of them.
        states: what became of the last try to make each, asked before: what that saw made is in the store now.
        store: where they are kept.
        titles: what people call them.

    Raises:
        ConnectorError: the store does not answer.
    """
    return [
        _summary(entry, states.get(entry.key), store, titles.get(entry.key))[0] for entry in entries
    ]


def show_folder(
    entry: DatasetEntry, tried: Tried | None, store: VersionStore, title: DatasetTitle | None
) -> ImageFolderDetail:
    """An image folder with its versions.

    Raises:
        ConnectorError: the store does not answer.
    """
    summary, newest = _summary(entry, tried, store, title)
    source = newest.properties.get("source") if newest is not None else None
    known = source if isinstance(source, Mapping) else {}
    return ImageFolderDetail(
        summary=summary,
        description=(title.description if title else "") or entry.description,
        owners=entry.owners,
        used_by=entry.used_by,
        file=", ".join(str(one["name"]) for one in known.get("files", ())),
        uploaded_by=str(known.get("uploaded_by", "")),
        versions=_versions(entry, store),
    )


def _summary(
    entry: DatasetEntry, tried: Tried | None, store: VersionStore, title: DatasetTitle | None
) -> tuple[ImageFolderSummary, StoredVersion | None]:
    kept = read_newest(store, entry.key)
    newest = kept if isinstance(kept, StoredVersion) else None
    line = summary_of(entry, shown(kept), tried, title)
    record = ImagesRecord.of(newest) if newest is not None else None
    summary = ImageFolderSummary(
        name=line.name,
        title=line.title,
        status=line.status,
        images=record.count if record else None,
        size_bytes=record.size_bytes if record else None,
        folders=record.folders if record else None,
        duplicates=record.duplicates if record else None,
        version=line.version,
        updated_at=line.updated_at,
        reason=line.reason,
        run_id=line.run_id,
        first=tuple(record.first) if record else (),
    )
    return summary, newest


def _versions(entry: DatasetEntry, store: VersionStore) -> tuple[VersionSummary, ...]:
    try:
        return tuple(list_versions(entry, store))
    except NotFoundError:
        return ()
