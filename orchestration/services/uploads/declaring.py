"""The declaration of a dataset that was uploaded before anybody declared it: one YAML file of its own.

`declare_upload` writes `defs/uploads/<name>/defs.yaml`, whole or not at all, and never over what is there. What stands
in it is the user's from then on.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import yaml

from orchestration.loading.documents import component_file
from orchestration.services.uploads.settings import UploadSettings
from resources.kernel.errors import ConfigError, ConflictError, StorageError
from resources.project import ProjectFolders

FOLDER = "uploads"
READ_ONLY = "WAYBILL_READ_ONLY"
_HEAD = "# Written when a file was uploaded; change it as you like.\n"


def declaration(name: str, settings: UploadSettings, description: str = "") -> str:
    """The YAML of a dataset that is uploaded."""
    attributes = {
        "name": name,
        "upload": True,
        **({"description": description} if description else {}),
        **settings.given,
    }
    document = {"type": "assets.Dataset", "attributes": attributes}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)
    return _HEAD + text


def declare_upload(project: ProjectFolders, name: str, settings: UploadSettings) -> Path:
    """Writes the declaration of the dataset `name`; nothing when exactly that stands there already.

    Args:
        project: whose definitions get it.
        name: a name that may name a dataset.
        settings: how its files are read; checked by `UploadSettings.spec`.

    Raises:
        ConfigError: a file above keeps ours from being read, or the project is read-only; with what to write by hand.
        ConflictError: another file stands there.
        StorageError: the folder cannot be written.
    """
    text = declaration(name, settings)
    target = project.defs_folder / FOLDER / name / "defs.yaml"
    by_hand = f"Declare it by hand: {' '.join(text.removeprefix(_HEAD).split())[:200]}"
    if os.environ.get(READ_ONLY, "") not in ("", "0"):
        raise ConfigError(
            f"dataset {name!r} is not declared, and the project is read-only", hint=by_hand
        )
    for folder in (project.defs_folder, target.parent.parent):
        if (above := component_file(folder)) is not None:
            raise ConfigError(f"{above} keeps files below it from being read", hint=by_hand)
    try:
        is_new = _create(target, text)
    except OSError as error:
        raise StorageError(
            f"the declaration of dataset {name!r} cannot be written to {target}: {error.strerror}",
            hint=by_hand,
            path=str(target),
        ) from error
    if not is_new and target.read_text(encoding="utf-8") != text:
        raise ConflictError(
            f"{target} is there already and declares something else",
            hint="Take another name, or change that file",
            path=str(target),
        )
    return target


def _create(target: Path, text: str) -> bool:
    """Whether the file is new; appears whole, and never takes the place of another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        with scratch.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(scratch, target)
            return True
    finally:
        scratch.unlink(missing_ok=True)
    return False
