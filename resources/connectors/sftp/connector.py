"""A folder of an SFTP server as a place of files.

Here: what of files and folders only SFTP asks for so, without ever leaving the root (T19). Not here: what it shares with
FTP (`files/servers.py`), the connection (`client.py`), its requests (`remote.py`), transfers (`transfer.py`), what
refusals mean (`errors.py`).
"""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from resources.connectors.base import ReadRange
from resources.connectors.files.key_patterns import KeyPattern, shown
from resources.connectors.files.server_errors import no_such
from resources.connectors.files.servers import Entries, FileServerConnector
from resources.connectors.files.skipped import Skipped
from resources.connectors.files.tree_listing import FolderNames
from resources.connectors.sftp.client import SftpClient
from resources.connectors.sftp.errors import error_table, is_vendors
from resources.connectors.sftp.remote import Remote, SftpFacts, is_missing
from resources.connectors.sftp.settings import SftpSettings
from resources.connectors.sftp.transfer import SftpDownload, SftpPart, SftpUpload, sweep
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import ConnectorAuthError, InputError, NotFoundError
from resources.kernel.records import ObjectInfo
from resources.kernel.retries import RetryPolicy

_T = TypeVar("_T")


class SftpConnector(FileServerConnector[Remote]):
    """The files of an SFTP server below a folder.

    An etag is made of size and time of change. OpenSSH shows seconds: two contents of one length written within one
    second cannot be told apart; servers with a newer protocol show parts of it.
    Symlinks to files count when they stay below the root; symlinked folders are listed only when the pattern names
    them literally, so that no file is listed for ever or from elsewhere. Browsing shows those inside the root.

    Args:
        settings: where the server is, who signs in, which key it has.
    """

    kind: ClassVar[str] = "sftp"
    clock_doubt_seconds: ClassVar[int] = 3600
    """How wrong an unsynchronised clock may be."""

    retries: ClassVar[RetryPolicy] = RetryPolicy(3, pause_seconds=0.5, growth=4)
    """A download that got a segment further since its last cut has all its tries again."""

    def __init__(self, settings: SftpSettings) -> None:
        super().__init__(settings, error_table(settings), ("sftp",))
        self.settings = settings
        self._client = SftpClient(settings)
        weakref.finalize(self, self._client.close)

    def __repr__(self) -> str:
        return f"SftpConnector({self.settings!r})"

    def _run(self, ask: Callable[[Remote], Any]) -> Any:
        return self._client.run(ask)

    def _sign_in(self, stages: Stages, facts: dict[str, str]) -> None:
        """Host key, login, and the right to list the root."""
        stages.enter("host key")
        try:
            self._call("use the server", "", _connected, once=True)
        except ConnectorAuthError:
            self._note_host_key(stages, facts)  # the key was right, or nothing would have been sent
            raise
        self._note_host_key(stages, facts)
        stages.done(f"user {self.settings.username!r} may sign in")
        stages.enter("rights")
        stages.done(self._call("use the server", "", lambda r: self._rights(r, facts), once=True))

    def _note_host_key(self, stages: Stages, facts: dict[str, str]) -> None:
        seen = self._client.seen
        facts["host key"] = seen.fingerprint
        stages.done(f"{seen.fingerprint} ({seen.algorithm}) is the one expected")
        stages.enter("login")

    async def _rights(self, remote: Remote, facts: dict[str, str]) -> str:
        """What the account may do at the root."""
        root = await self._root(remote)
        facts["root"] = root.decode(errors="replace")
        facts["empty"] = "yes" if await remote.is_empty(root) else "no"
        facts["writable"] = "the protocol does not say"
        return f"{facts['root']!r} can be read by {self.settings.username!r}"

    def _find(self, key: str) -> ObjectInfo | None:
        async def look(remote: Remote) -> ObjectInfo | None:
            facts = await remote.look(await self._existing(remote, key))
            return facts.describe(key) if facts and facts.kind == "file" else None

        return self._call("look at", key, look)

    def _check_root(self) -> None:
        self._call("list", "", self._root)

    def _folder(self, prefix: str, skipped: Skipped) -> FolderNames | None:
        return self._names(prefix, skipped, resolve=True)

    def _entries(self, selection: KeyPattern, skipped: Skipped) -> Entries:
        def entries(prefix: str) -> Iterator[tuple[str, bytes]]:
            is_literal = len(prefix) <= len(selection.folder) + 1
            try:
                names = self._names(prefix, skipped, is_literal=is_literal)
            except InputError:
                if is_literal:
                    raise
                skipped.add(prefix, "a link that leaves the folder")
                return
            if names is not None:  # removed meanwhile, or never there: nothing to list
                yield from names

        return entries

    def _listed(self, key: str, packed: bytes, skipped: Skipped) -> ObjectInfo | None:
        """A link is what it leads to."""
        facts = SftpFacts.unpack(packed)
        if facts.is_complete:
            return facts.describe(key)
        if facts.kind == "other":
            skipped.add(key, "not a regular file")
            return None
        try:
            return self.stat(key)
        except InputError:
            skipped.add(key, "a symlink that leaves the folder")
        except NotFoundError:
            if facts.kind == "link":
                skipped.add(key, "a symlink to no regular file")
        return None

    @contextmanager
    def ranges(self, item: ObjectInfo, scratch: Path) -> Iterator[ReadRange]:  # noqa: ARG002 - nothing is copied
        """Reads parts of the file while it is the one listed, each over the connection that all share."""

        def read(start: int, length: int) -> bytes:
            part = SftpPart(
                self.settings, item, lambda r: self._existing(r, item.key), start, length
            )
            return self._call("read", item.key, part)

        yield read

    def _new_download(self, item: ObjectInfo, path: Path) -> SftpDownload:
        return SftpDownload(
            self.settings, item, lambda remote: self._existing(remote, item.key), path
        )

    def _new_upload(self, key: str, source: Path) -> SftpUpload:
        folder, _, name = key.rpartition("/")

        async def target(remote: Remote) -> bytes:
            path = await self._folder_for(remote, folder)
            if folder not in self._swept:
                await sweep(remote, path)
                self._swept.add(folder)
            return path.rstrip(b"/") + b"/" + name.encode()

        return SftpUpload(self.settings, key, target, source)

    async def _root(self, remote: Remote) -> bytes:
        """The real path of the root.

        Raises:
            NotFoundError: it is no folder, or not there.
        """
        given = self.settings.root
        real = await remote.real_path((given.rstrip("/") or "/").encode() if given else b".")
        found = await remote.look(real) if real is not None else None
        if real is None or found is None or found.kind != "folder":
            raise NotFoundError(
                f"connector {self.name!r}: there is no folder {given or '.'!r} on {self.settings.address}",
                hint="Correct `root:`, or create the folder",
            )
        return real.rstrip(b"/") or b"/"

    async def _existing(self, remote: Remote, key: str) -> bytes:
        """The real path of what stands at `key`, proven to be below the root."""
        root = await self._root(remote)
        real = await remote.real_path(_join(root, key))
        if real is None:
            raise no_such(self.settings, key)
        _stay_inside(self.settings, root, real, key)
        return real

    async def _folder_for(self, remote: Remote, folder: str) -> bytes:
        """The real path of a folder to write to, made if it is missing; never through a symlink that leaves the root."""
        root = await self._root(remote)
        existing = folder
        while existing and await remote.look(_join(root, existing)) is None:
            existing = existing.rpartition("/")[0]
        real = await remote.real_path(_join(root, existing))
        if real is None:
            raise no_such(self.settings, existing)
        _stay_inside(self.settings, root, real, existing)
        path = _join(real, folder[len(existing) :].strip("/"))
        await remote.make_folders(path)
        return path

    def _names(
        self, prefix: str, skipped: Skipped, *, is_literal: bool = True, resolve: bool = False
    ) -> FolderNames | None:
        """What stands in the folder `prefix`; None when there is no such folder.

        Args:
            prefix: the key of the folder, ending in `/`; empty for the root.
            skipped: for what is left out.
            is_literal: the user named this very folder: it may be a link inside the root.
            resolve: show links to folders as folders.
        """

        async def read(remote: Remote) -> FolderNames | None:
            root = await self._root(remote)
            real = await remote.real_path(_join(root, prefix.rstrip("/")))
            if real is None:
                return None
            _stay_inside(self.settings, root, real, prefix)
            if (
                not is_literal
                and _join(root, prefix).startswith(real.rstrip(b"/") + b"/")
                and (real != _join(root, prefix.rstrip("/")))
            ):
                skipped.add(prefix, "a link to a folder above it")
                return None
            names = FolderNames(prefix, skipped)
            links: list[tuple[bytes, SftpFacts]] = []

            def take(name: bytes, facts: SftpFacts) -> None:
                if resolve and facts.kind == "link":
                    links.append((name, facts))
                else:
                    names.add(name, facts.pack(), is_folder=facts.kind == "folder")

            try:
                await remote.each_entry(real, take)
                for name, facts in links:
                    is_folder = await self._leads_to_folder(remote, root, real + b"/" + name)
                    names.add(name, facts.pack(), is_folder=is_folder)
            except Exception as error:
                found = (
                    None if not is_vendors(error) or is_missing(error) else await remote.look(real)
                )
                if is_missing(error) or (found is not None and found.kind != "folder"):
                    return None
                raise
            return names

        return self._call("list", prefix, read)

    async def _leads_to_folder(self, remote: Remote, root: bytes, path: bytes) -> bool:
        real = await remote.real_path(path)
        if real is None or not real.startswith(root.rstrip(b"/") + b"/"):
            return False
        found = await remote.look(real)
        return found is not None and found.kind == "folder"

    def _call(
        self,
        attempt: str,
        key: str,
        ask: Callable[[Remote], Awaitable[_T]],
        *,
        once: bool = False,
    ) -> _T:
        answer: _T = self._calls.run(attempt, key, lambda: self._run(ask), once=once)
        return answer


def _stay_inside(settings: SftpSettings, root: bytes, real: bytes, key: str) -> None:
    if real != root and not real.startswith(root.rstrip(b"/") + b"/"):
        raise InputError(
            f"connector {settings.name!r}: {shown(key)} is a symlink that leaves the folder {root.decode(errors='replace')!r}",
            hint="Put the file itself into the folder, or declare a connector for where it is",
            key=key,
        )


async def _connected(remote: Remote) -> None:
    """Nothing more than the connection."""


def _join(folder: bytes, key: str) -> bytes:
    return folder.rstrip(b"/") + b"/" + key.encode() if key else folder
