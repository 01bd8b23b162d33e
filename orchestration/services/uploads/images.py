"""From a ZIP that is whole to an image folder: kept in the store, declared where it is not yet, then imported by a run.

In this order, as datasets are (`importing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assets.image_folders.looking import unreadable_first
from orchestration.location import Location
from orchestration.services.uploads.declaring import (
    check_declarable,
    declare,
    image_folder_declaration,
)
from orchestration.services.uploads.importing import UploadOrder
from resources.formats.archives import is_zip
from resources.kernel.errors import ConfigError, InputError
from resources.kernel.keys import IMAGE_FOLDER, TABLE_NOUNS, check_name
from resources.media.prober import open_prober
from resources.media.unpacking import open_image_archive, refused_members
from resources.project import ProjectFolders
from resources.scratch import ScratchFolder
from resources.stores.kept_uploads import GivenFile, KeptUpload, KeptUploads
from resources.stores.versions import VersionStore


def is_declared(location: Location, name: str) -> bool:
    """Whether there is an image folder of this name.

    Raises:
        ConfigError: a name that cannot be, or that a dataset has.
    """
    check_name(IMAGE_FOLDER, name)
    if name in location.made(IMAGE_FOLDER):
        return True
    if name in location.made(*TABLE_NOUNS):
        raise ConfigError(
            f"{name!r} is a dataset already", hint="Give the image folder another name", name=name
        )
    return False


def check_zip(files: Sequence[GivenFile]) -> None:
    """Refuses what is no ZIP by its first bytes; what it holds is looked at by the run.

    Raises:
        InputError: not one ZIP.
    """
    if len(files) != 1:
        raise InputError(
            f"an image folder is made of one ZIP, not of {len(files):,} files",
            hint="Pack the images, in folders if wanted, into one ZIP",
        )
    if not is_zip(files[0].path):
        raise InputError(
            f"{files[0].name} is no ZIP",
            hint="Pack the images, in folders if wanted, into a ZIP",
            file=files[0].name,
        )


def _check_images(file: GivenFile) -> None:
    """Refuses a ZIP that the run would refuse for its directory, for the first bytes of its members, or since none can be read.

    A folder of which nothing was ever taken would be declared by it, and listed as failed for good.
    """
    with (
        open_image_archive(file.path, file.name) as archive,
        open_prober() as prober,
        ScratchFolder("import") as scratch,
    ):
        wrong = unreadable_first(archive, prober, scratch.path)
        if len(wrong) == len(archive.images):
            told = [(one.path, one.reason) for one in wrong]
            raise refused_members(archive.name, told, len(wrong))


def bring_in_images(
    store: VersionStore,
    project: ProjectFolders,
    order: UploadOrder,
    *,
    declared: bool,
    tell: Callable[[int], None] = lambda _: None,
) -> KeptUpload:
    """Keeps the ZIP of an order, and declares its image folder where it is not declared yet.

    Args:
        store: where it is kept.
        project: whose image folder it is.
        order: what is to be imported.
        declared: whether there is an image folder of this name.
        tell: hears how many more bytes were taken.

    Raises:
        ConfigError: a name that cannot be; a project whose definitions are read-only.
        InputError: the file is no ZIP; that of a new folder holds something that is no image: all of it is named.
        StorageError: the store or the folder of definitions cannot be written.
    """
    check_name(IMAGE_FOLDER, order.name)
    check_zip(order.files)
    text = image_folder_declaration(order.name)
    if not declared:
        check_declarable(project, IMAGE_FOLDER, order.name, text)
        _check_images(order.files[0])
    kept = KeptUploads(store).keep(
        order.name, order.files, upload_id=order.upload_id, by=order.by, tell=tell
    )
    if not declared:
        declare(project, IMAGE_FOLDER, order.name, text)
    return kept
