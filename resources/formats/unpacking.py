"""What one import may unpack: bytes, bytes for each packed one, and room for the copies (T8, T9).

Compressed bytes say nothing of what comes out of them. The ratio is watched while they are read, so that a file made to
harm is refused soon and not when it has filled the disk; little is harmless whatever its ratio.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from resources.kernel.errors import ParseError, StorageError

MAX_UNPACKED_GB = 50
MAX_UNPACK_RATIO = 200
RATIO_BYTES = 512 * 1024**2
"""Unpacked bytes from which on the ratio counts."""
_RESERVE_BYTES = 256 * 1024**2
_GB = 1000**3


@dataclass
class UnpackBudget:
    """What is left for the files of one import. A file that is read again does not count again."""

    max_gb: int = MAX_UNPACKED_GB
    max_ratio: int = MAX_UNPACK_RATIO
    _sizes: dict[str, int] = field(default_factory=dict)
    _total: int = 0

    def take(self, file: str, packed: int, size: int, *, harmless: int | None = None) -> None:
        """Takes note that the first `packed` bytes of a file, or all that are meant, have `size` bytes unpacked.

        Args:
            file: its name.
            packed: bytes of the file.
            size: bytes that came or will come out of them.
            harmless: unpacked bytes from which on the ratio counts; `RATIO_BYTES` when left out.

        Raises:
            ParseError: that is more than the limits allow.
        """
        known = self._sizes.get(file, 0)
        if size > known:
            self._sizes[file] = size
            self._total += size - known
        if size > max(harmless or RATIO_BYTES, packed * self.max_ratio):
            raise ParseError(
                f"refused: {packed:,} packed bytes unpack to {size:,} or more, at most"
                f" {self.max_ratio:,} for each packed one are read",
                file=file,
                hint="If you trust the sender, raise `max_unpack_ratio:` in the options",
            )
        if self._total > self.max_gb * _GB:
            raise ParseError(
                f"refused: the files of this import have {self._total:,} bytes unpacked or more, at"
                f" most {self.max_gb:,} GB are read",
                file=file,
                hint="Narrow the path, or raise `max_unpacked_gb:` in the options",
            )


def check_room(folder: Path, needed: int) -> None:
    """Refuses to begin or go on with a copy for which the disk has no room.

    Raises:
        StorageError: the folder's disk has less than `needed` bytes left, and a reserve.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _RESERVE_BYTES:
        raise StorageError(
            f"Unpacking needs {needed:,} bytes in {folder}, which has {free:,} left",
            hint="Free space there, or give the variable TMPDIR a folder on a larger disk",
            needed_bytes=needed,
            free_bytes=free,
        )
