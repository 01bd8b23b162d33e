"""From files that are whole to a dataset, or to an image folder: kept in the store, declared where they are not yet, then imported by a run.

In this order: a process that is killed in between leaves bytes that the next try finds, never a run without them.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assets.datasets.component import Dataset
from orchestration.location import Location
from orchestration.services.uploads.declaring import declare_upload
from orchestration.services.uploads.names import shown_name
from orchestration.services.uploads.settings import UploadSettings
from resources.formats.first_bytes import check_first_bytes
from resources.kernel.errors import ConfigError
from resources.kernel.keys import IMAGE_FOLDER, check_name
from resources.project import ProjectFolders
from resources.references import declared_in
from resources.stores.kept_uploads import GivenFile, KeptUpload, KeptUploads
from resources.stores.uploads import open_regular
from resources.stores.versions import VersionStore


def new_upload_id() -> str:
    """An id for an upload that has none yet."""
    return secrets.token_hex(16)


def given_files(paths: Sequence[Path]) -> tuple[GivenFile, ...]:
    """Files of this machine, under the names that they have here.

    Raises:
        InputError: one is not there, or is no file.
    """
    for path in paths:
        with open_regular(path):
            pass
    return tuple(GivenFile(shown_name(path.name), path) for path in paths)


@dataclass(frozen=True)
class UploadOrder:
    """Files that are to become a dataset, or its next version."""

    name: str
    files: Sequence[GivenFile]
    by: str
    settings: UploadSettings = field(default_factory=UploadSettings)
    upload_id: str = field(default_factory=new_upload_id)
    """The same order again is the same upload."""


def declared_settings(location: Location, name: str) -> UploadSettings | None:
    """How uploads of a dataset are read; None where nothing makes a dataset of this name.

    Raises:
        ConfigError: a name that cannot be, or of a dataset that is made otherwise.
    """
    check_name("dataset", name)
    if name in location.made(IMAGE_FOLDER):
        raise ConfigError(
            f"{name!r} is an image folder",
            hint=f"Take another name, or `waybill image-folder upload FILE.zip --name {name}`",
            name=name,
        )
    if name not in location.datasets():
        return None
    tree = location.definitions.component_tree
    found = declared_in(tree, Dataset, noun="dataset") if tree else {}
    if name not in found or not found[name].upload:
        raise made_otherwise(name)
    return UploadSettings.of(found[name].upload_spec())


def made_otherwise(name: str) -> ConfigError:
    """The refusal of an upload for a dataset that is not made of uploads."""
    return ConfigError(
        f"dataset {name!r} is not made of uploaded files",
        hint="Take another name; only a dataset with `upload: true` takes files",
        name=name,
    )


def check_settings(name: str, given: UploadSettings, declared: UploadSettings) -> None:
    """Refuses settings that differ from those that the dataset declares.

    Raises:
        ConfigError: naming what differs.
    """
    said, stands = given.given, declared.given
    differing = sorted(key for key in said if said[key] != stands.get(key))
    if differing:
        raise ConfigError(
            f"dataset {name!r} is declared with another {differing[0]!r}",
            hint="Leave it out to read the file as the dataset says, change the dataset, or take another name",
            attribute=differing[0],
        )


def keep_upload(
    store: VersionStore, order: UploadOrder, tell: Callable[[int], None] = lambda _: None
) -> KeptUpload:
    """Keeps the files of an order in the store; the same order again finds what it kept.

    Args:
        store: where datasets are kept.
        order: what is to be kept.
        tell: hears how many more bytes were taken.

    Raises:
        InputError: a file that begins otherwise than its name says.
        StorageError: the store is full or forbidden; nothing is kept then.
    """
    for file in order.files:
        check_first_bytes(file.name, file.path, format=order.settings.format)
    return KeptUploads(store).keep(
        order.name, order.files, upload_id=order.upload_id, by=order.by, tell=tell
    )


def bring_in(
    store: VersionStore,
    project: ProjectFolders,
    order: UploadOrder,
    declared: UploadSettings | None,
    tell: Callable[[int], None] = lambda _: None,
) -> KeptUpload:
    """Keeps the files of an order, and declares their dataset where it is not declared yet.

    Args:
        store: where datasets are kept.
        project: whose dataset it is.
        order: what is to be imported.
        declared: what the dataset declares; None where there is none.
        tell: hears how many more bytes were taken.

    Raises:
        ConfigError: a name or settings that cannot be, or differ from those that are declared.
        InputError: a file that begins otherwise than its name says.
        StorageError: the store or the folder of definitions cannot be written.
    """
    check_name("dataset", order.name)
    order.settings.spec(order.name)
    if declared is not None:
        check_settings(order.name, order.settings, declared)
    kept = keep_upload(store, order, tell)
    if declared is None:
        declare_upload(project, order.name, order.settings)
    return kept
