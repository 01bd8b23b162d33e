"""The image folders of a project as the web process knows them."""

from __future__ import annotations

from orchestration.services.access.actor import Actor
from orchestration.services.dataset_list import DatasetEntry, DatasetTitle
from orchestration.services.dataset_titles import read_titles
from orchestration.services.datasets import instance_states
from orchestration.services.image_folders.listing import (
    ImageFolderDetail,
    ImageFolderSummary,
    find_folder,
    show_folder,
    summarize_folders,
)
from orchestration.services.recorded_states import recorded_states
from orchestration.services.site.projects import Project
from orchestration.services.site.records import recorded
from orchestration.services.site.site import Site
from orchestration.services.site.titles import retitle
from resources.kernel.errors import NotFoundError
from resources.stores.media.store import MediaStore


def list_folders(site: Site, project: Project) -> list[ImageFolderSummary]:
    """A line for each, in order of name.

    Raises:
        ConnectorError: the store does not answer.
    """
    entries = project.snapshot.image_folders
    states = recorded_states(site.home.dagster, [entry.key for entry in entries])
    if states is None:
        states = instance_states(site.instance, entries)
    return summarize_folders(entries, states, site.store(project), read_titles())


def folder_of(project: Project, name: str) -> DatasetEntry:
    """What is declared of an image folder.

    Raises:
        UnknownNameError: there is none of that name.
    """
    return find_folder(project.snapshot.image_folders, name)


def show_one(site: Site, project: Project, name: str) -> ImageFolderDetail:
    """All that is known of an image folder, as it is now.

    Raises:
        UnknownNameError: there is none of that name.
        ConnectorError: the store does not answer.
    """
    entry = folder_of(project, name)
    found = recorded(site).tried(entry.key)
    tried = found[0] if found else instance_states(site.instance, [entry]).get(entry.key)
    return show_folder(entry, tried, site.store(project), read_titles().get(entry.key))


def rename(
    site: Site, actor: Actor, entry: DatasetEntry, title: str | None, description: str | None
) -> DatasetTitle:
    """Gives an image folder a title or a description, which the audit log notes.

    Raises:
        InputError: neither is given, one is too long, or holds characters that do not show.
    """
    return retitle(site, actor, "image-folder.rename", entry, title, description)


def check_holds(site: Site, project: Project, entry: DatasetEntry, sha256: str) -> None:
    """Nothing, where a kept version of an image folder has an image of these bytes.

    Raises:
        InputError: no SHA-256.
        NotFoundError: none has.
    """
    store = site.store(project)
    media = MediaStore.open(store.url)
    for version in reversed(store.item(entry.key).versions()):
        if media.holds(entry.key, version, sha256):
            return
    raise NotFoundError(f"image folder {entry.name} has no image with the SHA-256 {sha256[:12]}")
