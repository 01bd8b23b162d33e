"""Whether a file that was written is the one that is there afterwards."""

from __future__ import annotations

from resources.connectors.files.key_patterns import shown
from resources.kernel.errors import ConflictError
from resources.kernel.records import ObjectInfo


def check_written(connector: str, stored: ObjectInfo, size_bytes: int) -> None:
    """Refuses a file of another size than was sent.

    Raises:
        ConflictError: another writer replaced it at the same moment.
    """
    if stored.size_bytes != size_bytes:
        raise ConflictError(
            f"connector {connector!r}: {shown(stored.key)} has {stored.size_bytes} bytes after {size_bytes} were written:"
            " another writer replaced it at the same moment",
            hint="Let one exporter only write to a key",
            key=stored.key,
        )
