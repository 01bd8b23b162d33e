"""Whether the web UI asks for a password, and which.

Anyone who reaches the web UI may launch runs, read data and stop the server, with the rights of the user whom it runs
as; and every user of a machine reaches its loopback address. So where others can log in, a password is asked for.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from orchestration.server.settings import PASSWORD_VARIABLE
from orchestration.services.kept_secret import kept_secret
from resources.kernel.errors import ConfigError

FIRST_UID, LAST_UID = 1_000, 60_000
"""Accounts of people; those below belong to the system, those above to no person (Debian's UID_MAX)."""

PASSWORD_FILE = "ui-password"  # noqa: S105 - the name of a file
_NO_LOGIN = ("nologin", "false", "sync", "shutdown", "halt")
_SHOWN = 5


def require_password(
    home: Path, *, wanted: bool = True, others: Iterable[str] | None = None
) -> list[str]:
    """Puts the password that the web UI is to ask for into the environment.

    Args:
        home: the home folder, where a password that is made is kept.
        wanted: whether one is made at all.
        others: names of the machine's other users; looked up when None.

    Returns:
        Lines to tell the user.

    Raises:
        ConfigError: everybody may write to the home folder, and so decide what the server runs.
    """
    _refuse_open_home(home)
    if os.environ.get(PASSWORD_VARIABLE):
        return []
    names = sorted(set(other_users() if others is None else others))
    if not names:
        return []
    listed = ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")
    if not wanted:
        return [f"other users of this machine ({listed}) can open the web UI and act as you in it"]
    path = home / PASSWORD_FILE
    os.environ[PASSWORD_VARIABLE] = kept_secret(path)
    return [
        f"this machine has other users ({listed}): the web UI asks for a password, any user name will do",
        f"the password is in {path}; set {PASSWORD_VARIABLE} to choose your own",
    ]


def other_users() -> set[str]:
    """Names of people's accounts besides ours that can log in, or whose processes run here now."""
    found = {
        account.pw_name
        for account in pwd.getpwall()
        if _is_other_person(account.pw_uid) and Path(account.pw_shell).name not in _NO_LOGIN
    }
    # Accounts of a directory are not listed by every machine; who works here now is seen by the processes.
    return found | {_name(uid) for uid in _uids_at_work() if _is_other_person(uid)}


def _is_other_person(uid: int) -> bool:
    return FIRST_UID <= uid <= LAST_UID and uid != os.getuid()


def _uids_at_work(processes: Path = Path("/proc")) -> Iterator[int]:
    for entry in processes.glob("[0-9]*"):
        try:
            yield entry.stat().st_uid
        except OSError:  # it has ended
            continue


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _refuse_open_home(home: Path) -> None:
    if home.stat().st_mode & stat.S_IWOTH:
        raise ConfigError(
            f"every user of this machine may write to the home folder {home}",
            hint=f"Who writes there decides what the server runs: chmod 700 {home}",
        )
