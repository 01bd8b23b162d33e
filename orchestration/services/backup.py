"""A home folder copied while it is in use, so that what is read from the copy is whole.

Order is what makes it so. Databases first, each by SQLite's own backup: what they name is in the store by then, and stays
for a day after it was superseded. Then the manifests: the files of a version are there before its manifest is. Then
everything else. What comes meanwhile is not in the copy or without a manifest, and so is as if it had not come.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.services.home import Home
from resources.home import store_url
from resources.kernel.errors import ConflictError, StorageError

_LEFT_OUT = ("locks", "logs", "snapshots", "thumbnails")
"""Of this machine and moment."""
_MAGIC = b"SQLite format 3\0"
_BESIDE = ("-wal", "-shm", "-journal")
"""What stands beside a database; its backup holds it."""


@dataclass
class Backup:
    """What was copied.

    Args:
        folder: where to.
        notes: what belongs to this home and lies elsewhere: it has to be copied by other means.
    """

    folder: Path
    databases: int = 0
    files: int = 0
    size_bytes: int = 0
    notes: list[str] = field(default_factory=list)


def back_up(home: Home, target: Path) -> Backup:
    """Copies a home folder into a new folder, whose name it gets only when it is complete.

    Args:
        home: the home folder, in use or not.
        target: the new folder; not inside the home folder.

    Raises:
        ConflictError: `target` exists, or lies inside the home folder.
        StorageError: something cannot be read or written.
    """
    target = target.expanduser().absolute()
    if target.is_relative_to(home.root):
        raise ConflictError(f"{target} lies inside the home folder that is to be copied")
    if target.exists():
        raise ConflictError(f"{target} exists", hint="Name a folder that is to be made")
    scratch = target.with_name(f".{target.name}.{os.getpid()}.partial")
    made = Backup(target, notes=_elsewhere(home))
    try:
        scratch.mkdir(parents=True, mode=0o700)
        _copy_all(home.root, scratch, made)
        if not home.dagster.is_relative_to(home.root):
            _copy_all(home.dagster, scratch / "dagster", made)
        os.sync()
        scratch.rename(target)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(scratch, ignore_errors=True)
        reason = getattr(error, "strerror", None) or error
        raise StorageError(
            f"the home folder {home.root} cannot be copied to {target}: {reason}:"
            f" {getattr(error, 'filename', None) or scratch}",
            hint="Nothing was left there. Correct it and begin again",
        ) from error
    return made


def _copy_all(root: Path, target: Path, made: Backup) -> None:
    for path in _files(root):
        if _is_database(path):
            _copy_database(path, target / path.relative_to(root))
            made.databases += 1
    for only_manifests in (True, False):
        for path in _files(root):
            if _is_manifest(path) != only_manifests or _is_database(path):
                continue
            _copy_file(path, target / path.relative_to(root), made)
    for path in _files(
        target
    ):  # versions that were collected before all of their files were copied
        if _is_manifest(path) and not (root / path.relative_to(target)).exists():
            path.unlink()


def _files(root: Path) -> Iterator[Path]:
    """Files and links below a folder, in order; what is gone when it is looked at is left out."""
    for folder, folders, names in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in _LEFT_OUT]
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names) if not name.endswith(_BESIDE))


def _is_manifest(path: Path) -> bool:
    return path.suffix == ".json" and path.parent.name == "v"


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return path.is_file() and file.read(len(_MAGIC)) == _MAGIC
    except OSError:  # gone meanwhile, or a link that leads nowhere
        return False


def _copy_database(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (
        closing(sqlite3.connect(path, timeout=60)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)


def _copy_file(path: Path, target: Path, made: Backup) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        shutil.copy2(path, target, follow_symlinks=False)
    except FileNotFoundError:
        if path.exists():
            raise
        return  # collected, or taken back, meanwhile
    made.files += 1
    made.size_bytes += target.lstat().st_size


def _elsewhere(home: Home) -> list[str]:
    found = []
    store = store_url()
    if not Path(store).is_relative_to(home.root):
        found.append(f"the store {store} is not below the home folder: copy it after this")
    if os.environ.get("WAYBILL_CATALOG_URL"):
        found.append("the catalog is in the database of WAYBILL_CATALOG_URL: dump it before this")
    if not home.dagster.is_relative_to(home.root):
        found.append(f"runs and events were copied from {home.dagster}")
    return found
