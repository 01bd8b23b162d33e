"""Secrets of the server itself, each in a file of the home folder that nobody else may read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from resources.kernel.errors import ConfigError


def kept_secret(path: Path) -> str:
    """The secret in `path`, made when there is none; for our eyes only, whatever its rights were.

    Raises:
        ConfigError: others may read or write it, or it is no file with something in it.
    """
    if not os.path.lexists(path):
        _make(path)
    facts = path.lstat()
    kept = path.read_text(encoding="utf-8").strip() if stat.S_ISREG(facts.st_mode) else ""
    if not kept or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise ConfigError(
            f"{path} is no secret of yours alone: it is empty, a link, or others may read or write it",
            hint="Remove it, and the next start makes a new one",
        )
    return kept


def _make(path: Path) -> None:
    """Puts a new secret there, whole: a command and the server may both be the first."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(scratch, flags, 0o600), "w", encoding="ascii") as stream:
        stream.write(secrets.token_urlsafe(24) + "\n")
    try:
        os.link(scratch, path)
    except FileExistsError:
        return
    finally:
        scratch.unlink()
