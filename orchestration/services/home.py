"""The home folder as a whole: where things are, and Dagster's own folder with its defaults.

Knows no Dagster: the command line asks here before it starts anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources as package_files
from pathlib import Path

from resources.home import OWNER_FILE, homes_folder, owner_of, waybill_home
from resources.kernel.errors import ConfigError, StorageError
from resources.project import ProjectFolders, find_project


@dataclass(frozen=True)
class Home:
    """Folders that a running Waybill uses.

    Args:
        root: the home folder itself.
        dagster: Dagster's instance: runs, events, schedules, `dagster.yaml`.
    """

    root: Path
    dagster: Path

    @property
    def logs(self) -> Path:
        """Output of the server's processes."""
        return self.root / "logs"

    @property
    def locks(self) -> Path:
        """Held while something of this home runs; the operating system lets go when its process dies."""
        return self.root / "locks"


def open_home() -> Home:
    """The home folder, made if it is not there, and named in the environment for every child process.

    `DAGSTER_HOME` is respected; a `dagster.yaml` that exists there is never touched.

    Raises:
        StorageError: a folder or file cannot be written.
    """
    root = waybill_home()
    given = os.environ.get("DAGSTER_HOME")
    home = Home(root, Path(given).expanduser().absolute() if given else root / "dagster")
    try:
        for folder in (home.root, home.dagster, home.logs, home.locks):
            # Logs, events and the catalog are private to the user; an existing folder keeps its permissions.
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_settings(home)
    except OSError as error:
        raise StorageError(
            f"the home folder {root} cannot be used: {error.strerror}: {error.filename}",
            hint="Set WAYBILL_HOME to a folder that you may write to",
        ) from error
    os.environ["WAYBILL_HOME"] = str(home.root)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    return home


def workspace_file() -> Path:
    """The project's `workspace.yaml`.

    Raises:
        ConfigError: there is no project here, or it has none.
    """
    path = find_project().root / "workspace.yaml"
    if path.is_file():
        return path
    raise ConfigError(
        f"there is no workspace file at {path}",
        hint="Make it as `waybill init` does, or name one with --workspace",
    )


def warnings_of(home: Path, project: ProjectFolders) -> list[str]:
    """What a person should know about where data is kept before trusting it."""
    found = []
    if home.is_relative_to(project.root):
        found.append(
            f"the home folder {home} lies inside the project: `git clean -dfx` deletes all data."
            " docs/deploy/moving.md moves it"
        )
    owner = owner_of(home)
    if owner not in (None, project.root) and owner is not None and owner.is_dir():
        found.append(f"the home folder {home} is also that of the project at {owner}")
    if not _holds_data(home) and (lost := [other for other in lost_homes() if other != home]):
        found.append(
            f"the home folder {home} is new. {', '.join(map(str, lost))}: of projects that are no longer"
            " where they were. If this is one of them, set WAYBILL_HOME to its home folder in .env"
        )
    return found


def _holds_data(home: Path) -> bool:
    """Whether datasets were made with it; commands that only list have made the folder itself already."""
    return bool(os.environ.get("WAYBILL_STORE")) or (home / "store").exists()


def lost_homes() -> list[Path]:
    """Home folders of projects that were moved or removed."""
    folder = homes_folder()
    if not folder.is_dir():
        return []
    owners = {home: owner_of(home) for home in sorted(folder.iterdir())}
    return [home for home, owner in owners.items() if owner is not None and not owner.exists()]


def _write_settings(home: Home) -> None:
    """`dagster.yaml`, and whose home it is. A project's own `dagster.yaml` counts: it is linked, not copied."""
    try:
        project = find_project()
    except ConfigError:  # a workspace of other code locations, with a home that was named
        project = None
    target = home.dagster / "dagster.yaml"
    own = project.root / "dagster.yaml" if project else None
    owner = owner_of(home.root)
    if project and (owner is None or not owner.exists()):  # a project that was moved keeps its home
        (home.root / OWNER_FILE).write_text(f"{project.root}\n", encoding="utf-8")
    if target.is_symlink() and not target.exists():
        target.unlink()  # of a project that was moved
    if own is not None and own.is_file():
        _put(target, lambda scratch: scratch.symlink_to(own))
        return
    defaults = package_files.files("orchestration.server").joinpath("dagster.yaml").read_bytes()
    _put(target, lambda scratch: scratch.write_bytes(defaults))


def _put(target: Path, make: Callable[[Path], object]) -> None:
    """Puts a file in place whole or not at all, and never over one that is there."""
    if target.exists():
        return
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    make(scratch)
    try:
        os.link(scratch, target, follow_symlinks=False)
    except FileExistsError:
        return
    finally:
        scratch.unlink()
