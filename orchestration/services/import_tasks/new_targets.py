"""Targets that a task names and nobody has declared yet: a dataset or an image folder gets a file of its own under `defs/uploads/`.

Where something was written the project has to be read anew before the task can be made.
"""

from __future__ import annotations

from orchestration.imports.asset_runs import check_files
from orchestration.imports.dataset import check_readable
from orchestration.location import Location
from orchestration.services.uploads.declaring import (
    declaration,
    declare,
    image_folder_declaration,
)
from orchestration.services.uploads.images import is_declared
from orchestration.services.uploads.importing import check_settings, declared_settings
from orchestration.services.uploads.settings import UploadSettings
from resources.import_tasks.definition import ConnectorSource, TaskDefinition, UploadSource
from resources.import_tasks.places import at_place
from resources.kernel.errors import InputError
from resources.kernel.keys import IMAGE_FOLDER, check_name
from resources.project import ProjectFolders


def declare_target(project: ProjectFolders, location: Location, given: TaskDefinition) -> bool:
    """Declares the target of a task, where it is a dataset or an image folder that is not there yet.

    Args:
        project: whose definitions get it.
        location: what is declared.
        given: the task.

    Returns:
        Whether something was written: the project is to be read anew then.

    Raises:
        ConfigError: a name or settings that cannot be, or differ from what is declared; a read-only project.
        ConflictError: another file stands where its declaration would go.
        StorageError: the folder of definitions cannot be written.
    """
    text = declaration_of_target(location, given)
    if text is None:
        return False
    noun = given.target.kind.replace("_", " ")
    declare(project, noun, given.target.name, text)
    return True


def declaration_of_target(location: Location, given: TaskDefinition) -> str | None:
    """What would be written; None where the target is there, or is none that can be made so.

    Raises:
        ConfigError: a name or settings that cannot be, or differ from what is declared.
        InputError: a source that such a target does not take: what would be written could not stay.
        UnknownNameError: no such connector.
    """
    name, source = given.target.name, given.source
    connectors = (source.connector,) if isinstance(source, ConnectorSource) else ()
    if given.target.kind == "image_folder" and not is_declared(location, name):
        check_files(location, f"{IMAGE_FOLDER} {name}", connectors, source)
        return image_folder_declaration(name, connectors)
    if given.target.kind != "dataset":
        return None
    declared = declared_settings(location, name)
    with at_place("target.name"):
        check_name("dataset", name)
    with at_place("options.form"):
        settings = settings_of_task(given)
        settings.spec(name)
        if declared is not None:
            check_settings(name, settings, declared)
            return None
    check_files(location, f"dataset {name}", connectors, source)
    if isinstance(source, UploadSource) and not settings.format:
        with at_place("source.files"):
            check_readable([file.name for file in source.files])
    return declaration(name, settings, connectors=connectors)


def settings_of_task(given: TaskDefinition) -> UploadSettings:
    """How a task says that its files are read.

    Raises:
        InputError: it says something else besides.
    """
    form = dict(given.options.form)
    unknown = sorted(form.keys() - UploadSettings.__dataclass_fields__.keys())
    if unknown:
        known = ", ".join(UploadSettings.__dataclass_fields__)
        raise InputError(f"options.form has {unknown[0]!r}", hint=f"It may have {known}")
    return UploadSettings(**form)
