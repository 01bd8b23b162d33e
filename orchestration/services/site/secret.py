"""What the server signs with: random, made once for a home folder, for the eyes of its owner only."""

from __future__ import annotations

import os
import secrets
import stat

from orchestration.services.home import Home
from resources.kernel.errors import ConfigError

FILE = "server-secret"


def server_secret(home: Home) -> str:
    """The secret, made when there is none.

    Raises:
        ConfigError: the file is a link, empty, or others may read it.
    """
    path = home.root / FILE
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    scratch = path.with_name(f"{FILE}.{os.getpid()}")
    if not path.exists():
        with os.fdopen(os.open(scratch, flags, 0o600), "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(48))
        try:
            os.link(scratch, path)  # whole, and the first one counts
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    facts = path.lstat()
    kept = path.read_text(encoding="ascii").strip() if stat.S_ISREG(facts.st_mode) else ""
    if not kept or facts.st_uid != os.getuid() or facts.st_mode & 0o077:
        raise ConfigError(
            f"{path} is no secret of yours alone: it is empty, a link, or others may read or write it",
            hint="Remove it, and the next start makes a new one; whoever is signed in signs in again",
        )
    return kept
