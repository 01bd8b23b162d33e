"""Files of a version as they lie there, read without their hash, and what is said of files that are not as published.

A hash means reading all of a file. Whoever looks at a page of rows does without; whatever leaves the house, and whatever
something else is made from, is read through `versions.py`, which proves every file first.
"""

from __future__ import annotations

from pathlib import Path

from resources.kernel.errors import GoneError, IntegrityError, NotFoundError, WaybillError
from resources.kernel.records import StoredFile, StoredVersion
from resources.stores.manifest_log import ManifestLog


class LookedAtFiles:
    """The files of one item.

    Args:
        log: of the item.
    """

    def __init__(self, log: ManifestLog) -> None:
        self._log = log

    def read_range(
        self, version: StoredVersion, file: StoredFile, start: int, length: int
    ) -> bytes:
        """`length` bytes of a file from `start`, as they stand.

        Raises:
            IntegrityError: the file is missing or shorter than its manifest says (E53).
            GoneError: the version was collected meanwhile (E51).
        """
        found = self._log.storage.read_range(self._log.item_path(file.path), start, length)
        if found is None:
            raise absent_file(self._log, version, file)
        if len(found) < min(length, file.size_bytes - start):
            raise self.damaged(version, file, f"it ends before byte {start + length:,}")
        return found

    def paths(self, version: StoredVersion) -> list[Path]:
        """All files of a version in a store on this machine, in order.

        Raises:
            IntegrityError: a file is missing or of another size (E53).
            GoneError: the version was collected meanwhile (E51).
        """
        return [self.path(version, file) for file in version.files]

    def path(self, version: StoredVersion, file: StoredFile) -> Path:
        """One of them; see `paths`."""
        path = Path(self._log.storage.locate(self._log.item_path(file.path)))
        if not path.is_file():
            raise absent_file(self._log, version, file)
        if (size := path.stat().st_size) != file.size_bytes:
            raise self.damaged(version, file, f"{size} of {file.size_bytes} bytes")
        return path

    def damaged(self, version: StoredVersion, file: StoredFile, reason: str) -> IntegrityError:
        """What is said of a file whose bytes are not those that were published."""
        return damaged_file(self._log, version, file, reason)


def absent_file(log: ManifestLog, version: StoredVersion, file: StoredFile) -> WaybillError:
    """What is said of a file that is not there: lost, or collected with its version."""
    if log.read(version.number) is None:
        return missing_version(log, version.number)
    return IntegrityError(
        f"{_part_name(log, version, file)} is missing from the store",
        hint="Import it again, or read another version: they are not affected",
        path=file.path,
    )


def damaged_file(
    log: ManifestLog, version: StoredVersion, file: StoredFile, reason: str
) -> IntegrityError:
    """What is said of a file whose bytes are not those that were published."""
    return IntegrityError(
        f"{_part_name(log, version, file)} is damaged: {reason}",
        hint="Import it again, or read another version: they are not affected",
        path=file.path,
    )


def missing_version(log: ManifestLog, number: int | None) -> NotFoundError:
    """What is said of a version that is not there: never made, or collected."""
    numbers, removed = log.listed()
    there = f"There are versions {numbers[0]} to {numbers[-1]}" if numbers else "Refresh it first"
    if number is not None and 0 < number < max([*numbers, removed + 1]):
        return GoneError(f"Version {number} of {log.name} has been removed", hint=there)
    if not numbers:
        return NotFoundError(
            f"{log.name} has no version in {log.storage.url}",
            hint="Materialize it first",
            key=log.key,
        )
    return NotFoundError(f"{log.name} has no version {number}", hint=there)


def _part_name(log: ManifestLog, version: StoredVersion, file: StoredFile) -> str:
    part = file.path.rpartition("/")[2].partition(".")[0]
    of = f" of partition {file.partition!r}" if file.partition is not None else ""
    return f"{part}{of} of version {version.number} of {log.name}"
