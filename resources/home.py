"""Where Waybill keeps its own files unless it is told otherwise.

Read when something is needed, never at import: a code location loads without touching the disk.

The home folder lies outside of the project: `git clean -dfx` deletes what is ignored, and with it all data. One that an
earlier release made inside of it is still used, and said by `waybill up` and `waybill check`.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from resources.project import find_project

OWNER_FILE = "project.txt"
"""In a home folder: the project that it belongs to."""


def waybill_home() -> Path:
    """The home folder: `WAYBILL_HOME`, else the one of the project at hand."""
    given = os.environ.get("WAYBILL_HOME")
    return Path(given).expanduser().absolute() if given else home_of(find_project().root)


def home_of(project: Path) -> Path:
    """The home folder of a project where `WAYBILL_HOME` says nothing.

    `.waybill` inside of it where that exists; else a folder of its name below the user's data folder
    (`~/.local/share/waybill` on Linux), with a suffix where another project has taken the name.
    """
    inside = project / ".waybill"
    if inside.is_dir():
        return inside
    plain = homes_folder() / (project.name or "project")
    mark = hashlib.sha256(str(project).encode()).hexdigest()[:6]
    apart = plain.with_name(f"{plain.name}-{mark}")
    if apart.is_dir() or owner_of(plain) not in (None, project):
        return apart
    return plain


def homes_folder() -> Path:
    """Where home folders are by default; follows `XDG_DATA_HOME`."""
    from platformdirs import user_data_path

    return user_data_path("waybill", appauthor=False)


def owner_of(home: Path) -> Path | None:
    """The project that a home folder belongs to; None when it does not say."""
    try:
        return Path((home / OWNER_FILE).read_text(encoding="utf-8").strip())
    except (FileNotFoundError, NotADirectoryError):
        return None


def store_url() -> str:
    """Where datasets are kept: `WAYBILL_STORE` (any fsspec URL), else `store` in the home folder."""
    return os.environ.get("WAYBILL_STORE") or str(waybill_home() / "store")
