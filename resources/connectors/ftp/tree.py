"""Folders of an FTP server as a tree below the root: which are there, which may be read, which lead back to themselves."""

from __future__ import annotations

import ftplib
from collections.abc import Callable, Iterator

from resources.connectors.files.skipped import Skipped
from resources.connectors.files.tree_listing import FolderNames
from resources.connectors.ftp.facts import FtpFacts
from resources.connectors.ftp.session import FtpSession

Path = Callable[[FtpSession, str], str]
"""The path of a key on the server of a session."""


def read_names(
    session: FtpSession, path: Path, prefix: str, skipped: Skipped
) -> FolderNames | None:
    """What stands in the folder `prefix`; None when there is no such folder.

    A refusal does not say whether a folder is missing or closed: the folder above does. What is closed is an error,
    or a listing would be shorter than it should be.

    Raises:
        ftplib.error_perm: the folder is there and may not be listed; or the root cannot be listed at all.
    """
    names = FolderNames(prefix, skipped)
    try:
        session.read_folder(path(session, prefix), names)
    except ftplib.error_perm:
        if not prefix or _is_listed(session, path, prefix):
            raise
        return None
    return names


def _is_listed(session: FtpSession, path: Path, prefix: str) -> bool:
    above, slash, _ = prefix[:-1].rpartition("/")
    names = read_names(session, path, above + slash, Skipped())
    return names is not None and any(key == prefix for key, _ in names)


class Ancestors:
    """The folders that a walk is inside of, by the server's own names of them: none is entered twice.

    Args:
        root: the root's own name, empty where the server has no such names.
    """

    def __init__(self, root: str) -> None:
        self._uniques = {"": root}

    def without_loops(
        self, prefix: str, names: FolderNames, skipped: Skipped
    ) -> Iterator[tuple[str, bytes]]:
        """The entries of a folder without links to folders above it, on servers that show links as what they lead to."""
        self._uniques = {p: unique for p, unique in self._uniques.items() if prefix.startswith(p)}
        above = set(self._uniques.values()) - {""}
        for key, packed in names:
            if not key.endswith("/"):
                yield key, packed
                continue
            unique = FtpFacts.unpack(packed).unique
            if unique in above:
                skipped.add(key, "a link to a folder above it")
                continue
            self._uniques[key] = unique
            yield key, packed
            self._uniques.pop(key, None)
