"""How a file stood when its bytes were hashed: as long as it stands so, they need not be read again to be known.

**What holds.** Device, inode, size and modification time are those of then, and this machine was not restarted since. Whoever
writes to the file changes its stamp; who asks looks before it reads and after.

**Why.** What was hashed while it was received, and is imported a moment later, would be read twice to prove that nobody has
touched it meanwhile. A folder's files are proven in the same way by their connector.

**When it is lost.** For an hour, bytes that a failing disk or memory changes beneath the file system are not seen, and neither is a
writer that sets the modification time back: whoever may do that may as well write another hash into the manifest. After an hour,
after a restart, and on another machine the file is read and hashed.

**What it costs.** Two calls of `stat`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

HOLDS = timedelta(hours=1)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def stamp_of(found: os.stat_result) -> str:
    """The stamp of a file; empty where the machine does not tell when it was started."""
    boot = _boot_id()
    if not boot:
        return ""
    return f"{boot} {found.st_dev:x} {found.st_ino:x} {found.st_size:x} {found.st_mtime_ns:x}"


def holds(stamp: str, made_at: datetime, path: Path) -> bool:
    """Whether a file stands as it did when it was stamped, not too long ago."""
    age = datetime.now(UTC) - made_at
    return bool(stamp) and timedelta(0) <= age < HOLDS and stamp_of(path.stat()) == stamp


@lru_cache(maxsize=1)
def _boot_id() -> str:
    with suppress(OSError):
        return _BOOT_ID.read_text(encoding="ascii").strip()[:8]
    return ""
