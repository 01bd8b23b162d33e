"""Local files that downloads go into and uploads come from."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resources.connectors.files.os_errors import translate_os_error

_EXTENSION = re.compile(r"(\.[a-z0-9]{1,8}){1,2}")


@contextmanager
def new_scratch_file(connector: str, key: str, scratch: Path) -> Iterator[Path]:
    """An empty file in `scratch`, removed at the end. Its name is made of a hash of the key and its ending (T19).

    Raises:
        WaybillError: what the local disk refuses.
    """
    extension = _EXTENSION.search(key[-18:].lower().rpartition("/")[2])
    ending = extension.group() if extension and key.lower().endswith(extension.group()) else ""
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=hashlib.sha256(key.encode(errors="replace")).hexdigest()[:16] + "-",
            suffix=ending,
            dir=scratch,
        )
    except OSError as error:
        raise translate_os_error(error, f"connector {connector!r}: download to", scratch) from error
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def open_source(connector: str, source: Path) -> int:
    """The size in bytes of a local file that can be read.

    Raises:
        WaybillError: it cannot.
    """
    try:
        with source.open("rb") as handle:
            return os.fstat(handle.fileno()).st_size
    except OSError as error:
        raise translate_os_error(error, f"connector {connector!r}: upload", source) from error
