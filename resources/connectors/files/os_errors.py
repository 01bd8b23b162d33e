"""What the operating system refuses, in the words of the kernel's errors (E7, E58)."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from resources.kernel.errors import (
    ConnectorAuthError,
    ConnectorError,
    ConnectorUnavailableError,
    InputError,
    NotFoundError,
    StorageError,
    WaybillError,
)

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM}
_MISSING = {errno.ENOENT}
_IN_THE_WAY = {errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST, errno.ELOOP}
_NAME = {errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
_AWAY = {
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENOTCONN,
}

_PATH_SHOWN = 160

_TABLE: list[tuple[set[int], type[WaybillError], str]] = [
    (
        _FULL,
        StorageError,
        "Free space, raise the quota or mount it writable, then try again; the old file is untouched",
    ),
    (_DENIED, ConnectorAuthError, "Give that user the right, or run as another"),
    (_MISSING, NotFoundError, "Create it, or correct the path"),
    (_IN_THE_WAY, InputError, "A file or folder is in the way: choose another key"),
    (_NAME, InputError, "Choose a shorter or plainer name: this file system cannot hold it"),
    (
        _AWAY,
        ConnectorUnavailableError,
        "The disk or network drive does not answer: check that it is mounted",
    ),
]


def translate_os_error(error: OSError, attempt: str, path: Path) -> WaybillError:
    """The error to raise `from error`: what was attempted, on which path, as which user, what to do.

    Args:
        error: as the operating system raised it.
        attempt: beginning of the sentence: `connector 'lake': write`.
        path: what it was attempted on; the error's own file name is added where it differs.
    """
    code = error.errno or 0
    place = _shorten(str(path))
    other = error.filename
    if isinstance(other, str) and other != str(path):
        place += f" (at {_shorten(other)})"
    reason = os.strerror(code) if code else str(error)
    if code in _DENIED:
        reason += f" for uid {os.geteuid()}"
    message = f"{attempt} {place}: {reason}"
    for codes, kind, hint in _TABLE:
        if code in codes:
            return kind(message, hint=hint, path=str(path), errno=code)
    return ConnectorError(message, path=str(path), errno=code)


def _shorten(path: str) -> str:
    """The end of a path that is long, without what could break a line of the log (T35)."""
    text = path if len(path) <= _PATH_SHOWN else "..." + path[-_PATH_SHOWN:]
    return text if text.isprintable() else ascii(text)
