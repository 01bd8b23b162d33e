"""Bringing one file down, and putting one up: each goes on, or begins anew, when a connection breaks on the way."""

from __future__ import annotations

import contextlib
import ftplib
import os
from collections.abc import Callable, Iterator

from resources.connectors.files.key_patterns import shown
from resources.connectors.files.os_errors import translate_os_error
from resources.connectors.files.partial_names import is_abandoned, is_partial, new_partial_name
from resources.connectors.files.server_errors import TransferCutError, no_such
from resources.connectors.files.server_transfers import (
    ServerDownload,
    ServerPart,
    ServerUpload,
    changed,
)
from resources.connectors.ftp.control import DataConnectionError
from resources.connectors.ftp.errors import bare, is_crowded
from resources.connectors.ftp.facts import FtpFacts
from resources.connectors.ftp.session import FtpSession
from resources.connectors.ftp.settings import FtpSettings
from resources.kernel.errors import ConnectorError
from resources.kernel.records import ObjectInfo

Locate = Callable[[FtpSession], str]
"""The path on the server, which is known when a session is."""

_BLOCK_BYTES = 256 << 10
_NOT_LISTED = ": it is no longer the one listed"


class FtpDownload(ServerDownload[FtpSettings, Locate]):
    """A file on its way down."""

    def __call__(self, session: FtpSession) -> None:
        """Brings down what is missing.

        Raises:
            TransferCutError: fewer bytes came than were listed (E5).
            SourceChangedError: more did, or the file is another one by now (E40).
            NotFoundError: it is gone (E41).
            ftplib.Error, OSError, EOFError: what else the network or the server refuses.
        """
        if not session.can_resume:
            self.reached = 0
        remote, total = self._locate(session), self._item.size_bytes
        if self.reached < total:
            with _gone_if_missing(session, remote, self._settings, self._item):
                self._fetch(session, remote)
        _prove_unchanged(session, remote, self._settings, self._item)
        if self.reached < total:
            raise TransferCutError(self.reached, total)

    def _fetch(self, session: FtpSession, remote: str) -> None:
        handle = os.open(self._local, os.O_WRONLY)
        try:
            session.retrieve(remote, self.reached, lambda block: self._keep(handle, block))
        except (ftplib.error_temp, OSError, EOFError) as error:
            if is_crowded(error) or isinstance(error, DataConnectionError):
                raise
            raise TransferCutError(self.reached, self._item.size_bytes) from error
        finally:
            os.close(handle)

    def _keep(self, handle: int, block: memoryview) -> None:
        if self.reached + len(block) > self._item.size_bytes:
            raise changed(self._settings, self._item, _NOT_LISTED)
        self._write(handle, self.reached, block)
        self.reached += len(block)


@contextlib.contextmanager
def _gone_if_missing(
    session: FtpSession, remote: str, settings: FtpSettings, item: ObjectInfo
) -> Iterator[None]:
    """What a server refuses since the file is gone is told as that (E41)."""
    try:
        yield
    except ftplib.error_perm:
        if session.stat(remote) is None:
            raise no_such(settings, item.key) from None
        raise


def _prove_unchanged(
    session: FtpSession, remote: str, settings: FtpSettings, item: ObjectInfo
) -> None:
    facts = session.stat(remote)
    if facts is None:
        raise no_such(settings, item.key)
    if facts.describe(item.key).etag != item.etag:
        raise changed(settings, item, _NOT_LISTED)


class FtpPart(ServerPart[FtpSettings, Locate]):
    """Some bytes of a file."""

    def __call__(self, session: FtpSession) -> bytes:
        """Reads them; raises as `FtpDownload` does."""
        remote, got = self._locate(session), b""
        if self._length:
            with _gone_if_missing(session, remote, self._settings, self._item):
                got = self._read(session, remote)
        _prove_unchanged(session, remote, self._settings, self._item)
        if len(got) < self._length:
            raise TransferCutError(self._start + len(got), self._item.size_bytes)
        return got

    def _read(self, session: FtpSession, remote: str) -> bytes:
        try:
            return session.retrieve_part(remote, self._start, self._length)
        except (ftplib.error_temp, OSError, EOFError) as error:
            if is_crowded(error) or isinstance(error, DataConnectionError):
                raise
            raise TransferCutError(self._start, self._item.size_bytes) from error


class FtpUpload(ServerUpload[FtpSettings, Locate, str]):
    """A file on its way up."""

    _size = 0

    def __call__(self, session: FtpSession) -> None:
        """Replaces the file by the local one.

        Raises:
            InputError: a folder of that name is in the way.
            ConnectorError: the server stored something else, or does not replace files by renaming.
            ftplib.Error, OSError, EOFError: what else the network or the server refuses.
        """
        self.clean(session)
        remote = self._locate(session)
        folder, _, name = remote.rpartition("/")
        session.make_folders(folder or "/")
        if session.is_folder(remote):
            raise self._folder_in_the_way()
        part = f"{folder}/{new_partial_name(name)}"
        self._left.append(part)
        self._size = 0
        session.store(part, self._blocks())
        self._compare(session, part)
        self._rename(session, part, remote)
        self._left.remove(part)

    def clean(self, session: FtpSession) -> None:
        """Removes what attempts that failed left on the server, as far as it lets us (R7)."""
        for part in list(self._left):
            with contextlib.suppress(ftplib.error_perm):  # it was renamed, or never came to be
                session.delete(part)
            self._left.remove(part)

    def _blocks(self) -> Iterator[bytes]:
        try:
            with self._local.open("rb") as source:
                while block := source.read(_BLOCK_BYTES):
                    self._size += len(block)
                    yield block
        except OSError as error:
            raise translate_os_error(
                error, f"connector {self._settings.name!r}: upload", self._local
            ) from error

    def _compare(self, session: FtpSession, part: str) -> None:
        stored = session.stat(part)
        if stored is None or stored.size != self._size:
            raise TransferCutError(max(stored.size, 0) if stored else 0, self._size)

    def _rename(self, session: FtpSession, part: str, remote: str) -> None:
        try:
            session.rename(part, remote)
        except ftplib.error_perm as error:
            if session.stat(remote) is None:
                raise
            raise ConnectorError(
                f"connector {self._settings.name!r}: {self._settings.address} does not replace"
                f" {shown(self._key)} by renaming ({self._settings.redact(str(error))}); the old file is untouched",
                hint="Allow it there (IIS: 'allow file overwrite on rename'), or export under a new name each time",
                key=self._key,
            ) from bare(error, self._settings)


class _Parts:
    """The partial files among the entries of a folder."""

    def __init__(self) -> None:
        self.found: list[tuple[str, FtpFacts]] = []

    def add(self, name: bytes, facts: bytes, *, is_folder: bool) -> None:
        text = name.decode(errors="replace")
        if not is_folder and is_partial(text):
            self.found.append((text, FtpFacts.unpack(facts)))

    def skip(self, name: bytes, reason: str) -> None:
        """No file of ours."""


def sweep(session: FtpSession, folder: str) -> None:
    """Removes partial files in `folder` whose writers are gone (R7)."""
    parts = _Parts()
    try:
        session.read_folder(folder, parts)
    except ftplib.error_perm:
        return  # not there yet, or not to be listed by this account
    for name, listed in parts.found:
        path = f"{folder}/{name}"
        facts = listed if listed.is_complete else session.stat(path)
        if facts and is_abandoned(name, facts.describe(name).modified_at):
            with contextlib.suppress(ftplib.error_perm):  # another client was quicker
                session.delete(path)
