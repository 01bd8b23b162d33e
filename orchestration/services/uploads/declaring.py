"""The declaration of a dataset or an image folder that was uploaded before anybody declared it: one YAML file of its own.

`declare` writes `defs/uploads/<name>/defs.yaml`, whole or not at all, and never over what is there. What stands
in it is the user's from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from orchestration.loading.documents import component_file
from orchestration.services.definition_files.documents import DefinitionFile
from orchestration.services.definition_files.found import read_file
from orchestration.services.definition_files.source import YamlText
from orchestration.services.definition_files.write import write
from orchestration.services.definitions.change import is_read_only
from orchestration.services.uploads.settings import UploadSettings
from resources.kernel.errors import ConfigError, ConflictError, StorageError
from resources.project import ProjectFolders

FOLDER = "uploads"
_HEAD = "# Written when a file was uploaded; change it as you like.\n"


def declaration(
    name: str,
    settings: UploadSettings,
    description: str = "",
    *,
    connectors: Sequence[str] = (),
) -> str:
    """The YAML of a dataset that is uploaded, or filled by import tasks from these connectors."""
    attributes = {
        "name": name,
        "upload": True,
        **({"description": description} if description else {}),
        **({"connectors": list(connectors)} if connectors else {}),
        **settings.given,
    }
    return _document("assets.Dataset", attributes)


def image_folder_declaration(name: str, connectors: Sequence[str] = ()) -> str:
    """The YAML of an image folder, which import tasks may fill from these connectors."""
    more = {"connectors": list(connectors)} if connectors else {}
    return _document("assets.ImageFolder", {"name": name, **more})


def _document(kind: str, attributes: dict[str, object]) -> str:
    document = {"type": kind, "attributes": attributes}
    return _HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def declare_upload(project: ProjectFolders, name: str, settings: UploadSettings) -> Path:
    """Declares the dataset `name`; `settings` were checked by `UploadSettings.spec`. Otherwise like `declare`."""
    return declare(project, "dataset", name, declaration(name, settings))


def declare(project: ProjectFolders, noun: str, name: str, text: str) -> Path:
    """Writes the declaration of something that is uploaded; nothing when exactly that stands there already.

    Args:
        project: whose definitions get it.
        noun: what it is, for errors.
        name: a name that may name one.
        text: its YAML.

    Raises:
        ConfigError: a file above keeps ours from being read, or the project is read-only; with what to write by hand.
        ConflictError: another file stands there.
        StorageError: the folder cannot be written.
    """
    target, by_hand = check_declarable(project, noun, name, text), _by_hand(text)
    wanted = DefinitionFile(target, YamlText(text))
    try:
        write(DefinitionFile(target, YamlText("")), wanted, project.defs_folder)
    except StorageError as error:
        raise StorageError(
            f"{noun} {name!r} is not declared: {error.message}", hint=by_hand, path=str(target)
        ) from error
    except ConflictError:
        pass  # something is there: told below, unless it is just this
    if read_file(target).source != wanted.source:
        raise ConflictError(
            f"{target} is there already and declares something else",
            hint="Take another name, or change that file",
            path=str(target),
        )
    return target


def check_declarable(project: ProjectFolders, noun: str, name: str, text: str) -> Path:
    """Where the declaration goes; takes the same as `declare`.

    Raises:
        ConfigError: a file above keeps it from being read, or the project is read-only; with what to write by hand.
    """
    target = project.defs_folder / FOLDER / name / "defs.yaml"
    if is_read_only():
        raise ConfigError(
            f"{noun} {name!r} is not declared, and the project is read-only", hint=_by_hand(text)
        )
    for folder in (project.defs_folder, target.parent.parent):
        if (above := component_file(folder)) is not None:
            raise ConfigError(f"{above} keeps files below it from being read", hint=_by_hand(text))
    return target


def _by_hand(text: str) -> str:
    return f"Declare it by hand: {' '.join(text.removeprefix(_HEAD).split())[:200]}"
