"""The home folder as a whole: where things are, and Dagster's own folder with its defaults.

Knows no Dagster: the command line asks here before it starts anything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import resources as package_files
from pathlib import Path

from resources.home import PROJECT_ROOT, waybill_home
from resources.kernel.errors import ConfigError, StorageError


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
            # Logs, events and the catalog are nobody else's; a folder that is there keeps the rights it has.
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_instance_defaults(home.dagster / "dagster.yaml")
    except OSError as error:
        raise StorageError(
            f"the home folder {root} cannot be used: {error.strerror}: {error.filename}",
            hint="Set WAYBILL_HOME to a folder that you may write to",
        ) from error
    os.environ["WAYBILL_HOME"] = str(home.root)
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    return home


def workspace_file() -> Path:
    """The project's `workspace.yaml`: beside the code, else in the current folder.

    Raises:
        ConfigError: there is none.
    """
    candidates = (PROJECT_ROOT / "workspace.yaml", Path.cwd() / "workspace.yaml")
    for path in candidates:
        if path.is_file():
            return path
    raise ConfigError(
        f"there is no workspace file at {candidates[0]}",
        hint="Run this in the project's folder, or name one with --workspace",
    )


def _write_instance_defaults(target: Path) -> None:
    if target.exists():
        return
    defaults = package_files.files("orchestration.server").joinpath("dagster.yaml").read_bytes()
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    scratch.write_bytes(defaults)
    try:
        target.hardlink_to(scratch)  # whole or not at all, and never over a file that is there
    except FileExistsError:
        return
    finally:
        scratch.unlink()
