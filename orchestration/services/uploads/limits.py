"""How much may be uploaded, said before anything is sent, and whether there is room for it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from orchestration.services.number_settings import NumberSetting
from resources.kernel.errors import ConfigError, ConflictError, InputError, StorageError

VARIABLE = "WAYBILL_UPLOAD_LIMIT"
DEFAULT_LIMIT = 5 * 1000**3
FILES = NumberSetting("WAYBILL_UPLOAD_FILES", 20_000, 1, 1_000_000, "files")
"""How many files of one user may be on their way or wait to be imported."""
RESERVE_BYTES = 512 * 1024**2
"""What stays free on the disk that receives: the runs and Dagster's own databases write there too."""
_UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}
_SIZE = re.compile(r"(\d{1,6}(?:\.\d+)?|\d+)\s*([KMGT]?B?)", re.IGNORECASE)


def upload_limit() -> int:
    """The most bytes that one file may have: `WAYBILL_UPLOAD_LIMIT`, else 5 GB.

    Raises:
        ConfigError: the variable holds no size.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if not given:
        return DEFAULT_LIMIT
    found = _SIZE.fullmatch(given)
    unit = found[2].upper() if found else ""
    unit = unit if not unit or unit.endswith("B") else f"{unit}B"
    size = int(float(found[1]) * _UNITS[unit]) if found else 0
    if size < 1:
        raise ConfigError(
            f"{VARIABLE}: {given[:40]!r} is no size", hint="Write bytes, or 500MB, 5GB"
        )
    return size


def check_size(name: str, size_bytes: int, limit: int) -> None:
    """Refuses a file that says of itself that it is too large.

    Raises:
        InputError: naming the limit.
    """
    if size_bytes > limit:
        raise too_large(name, limit)


def too_large(name: str, limit: int) -> InputError:
    """The refusal of a file of more than `limit` bytes."""
    return InputError(
        f"{name}: more than {limit:,} bytes, the most that one file may have here",
        hint=f"Pack it (.gz, .zst), split it, or have the limit raised ({VARIABLE}); a file that lies on the"
        " server or in a bucket needs no upload",
        limit=limit,
        file=name,
    )


def files_limit() -> int:
    """How many files of one user may be on their way or wait to be imported: `WAYBILL_UPLOAD_FILES`, else 20,000.

    Raises:
        ConfigError: the variable holds no such number.
    """
    return int(FILES.read())


def check_count(incoming: Path, owned: Callable[[], int]) -> None:
    """Refuses a file of a user who has too many there.

    Args:
        incoming: where files are received; each has a folder in one of the folders there.
        owned: how many are the user's; asked when there are so many of all users that it matters.

    Raises:
        ConflictError: naming the limit.
    """
    limit = files_limit()
    if sum(_count(kind) for kind in incoming.iterdir() if kind.is_dir()) < limit:
        return
    if owned() >= limit:
        raise ConflictError(
            f"{limit:,} files of yours are on their way or wait to be imported, and there may be no more",
            hint=f"Import them or throw them away, or have the limit raised ({FILES.variable})",
            limit=limit,
        )


def _count(folder: Path) -> int:
    """How many folders stand in one. Most file systems count them as links of it; where they do not, it is listed."""
    links = folder.stat().st_nlink
    return links - 2 if links >= 2 else sum(1 for _ in folder.iterdir())


def check_room(folder: Path, needed: int) -> None:
    """Refuses to begin what the disk has no room for.

    Raises:
        StorageError: less than `needed` bytes and a reserve are free.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVE_BYTES:
        raise StorageError(
            f"there is no room for {needed:,} bytes: {free:,} are free where uploads are received",
            hint="Free space on the server's disk, then try again",
            needed_bytes=needed,
            free_bytes=free,
        )
