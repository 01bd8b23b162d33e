"""A folder of an SFTP server as a place of files.

Here: listing, reading and replacing files without ever leaving the root (T19). Not here: the connection (`client.py`),
its requests (`remote.py`), transfers (`transfer.py`), what refusals mean (`errors.py`).
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, TypeVar

from resources.connectors.base import FileConnector
from resources.connectors.files.key_patterns import KeyPattern, check_key, folder_prefix, shown
from resources.connectors.files.partial_names import is_partial
from resources.connectors.files.scratch_files import new_scratch_file, open_source
from resources.connectors.files.skipped import Skipped
from resources.connectors.files.tree_listing import FolderNames, shown_entries, walk_tree
from resources.connectors.files.written import check_written
from resources.connectors.sftp.client import SftpClient
from resources.connectors.sftp.errors import (
    bare,
    is_vendors,
    may_pass,
    no_such,
    translate_sftp_error,
)
from resources.connectors.sftp.remote import Facts, Remote, is_missing
from resources.connectors.sftp.settings import SftpSettings
from resources.connectors.sftp.transfer import Download, Upload, sweep
from resources.connectors.trial.reach import try_to_reach
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import (
    ConnectorAuthError,
    InputError,
    NotFoundError,
    WaybillError,
)
from resources.kernel.records import BrowseEntry, CheckReport, ObjectInfo

TRIES = 3
PAUSE_SECONDS = 0.5
"""Before the second try; each further pause is four times as long."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class SftpConnector(FileConnector):
    """The files of an SFTP server below a folder.

    An etag is made of size and time of change. OpenSSH shows seconds: two contents of one length written within one
    second cannot be told apart; servers with a newer protocol show parts of it.
    Symlinks to files count when they stay below the root; symlinked folders are listed only when the pattern names
    them literally, so that no file is listed for ever or from elsewhere.

    Args:
        settings: where the server is, who signs in, which key it has.
    """

    kind: ClassVar[str] = "sftp"
    settle_seconds: ClassVar[int] = 10
    clock_doubt_seconds: ClassVar[int] = 3600
    """What a clock that nobody sets may be wrong by."""

    def __init__(self, settings: SftpSettings) -> None:
        self.name = settings.name
        self.settings = settings
        self._client = SftpClient(settings)
        self._swept: set[str] = set()
        weakref.finalize(self, self._client.close)

    def __repr__(self) -> str:
        return f"SftpConnector({self.settings!r})"

    def check(self) -> CheckReport:
        """Name, port, host key, login, and the right to list the root."""
        settings = self.settings
        facts = {"address": settings.address, "user": settings.username}
        stages = Stages(try_to_reach(settings.host, settings.port))
        if not stages.steps[-1].ok:
            failed = stages.steps.pop()
            stages.enter(failed.name)
            return stages.refused(failed.detail, facts)
        stages.enter("host key")
        try:
            self._call("use the server", "", self._connected, tries=1)
            self._note_host_key(stages, facts)
            stages.done(f"user {settings.username!r} may sign in")
            stages.enter("rights")
            stages.done(self._call("use the server", "", lambda r: self._look(r, facts), tries=1))
        except ConnectorAuthError as error:
            if len(stages.steps) == 2:  # the key was right, or nothing would have been sent
                self._note_host_key(stages, facts)
            return stages.refused(str(error), facts)
        except WaybillError as error:
            return stages.refused(str(error), facts)
        return stages.answered(f"{settings.address}: {stages.steps[-1].detail}", facts)

    def browse(self, path: str = "", *, limit: int = 1000) -> Iterator[BrowseEntry]:
        """Folders and files directly below the folder `path`; a symlinked folder inside the root is one.

        Raises:
            NotFoundError: no such folder.
            InputError: a path that leads out of the root.
            ConnectorAuthError: a folder that may not be listed.
        """
        prefix, skipped = folder_prefix(path), Skipped()
        names = self._names(prefix, skipped, resolve=True)
        if names is None:
            raise NotFoundError(
                f"connector {self.name!r}: no folder {shown(path)} on {self.settings.address}",
                hint="Browse the folder above it",
                key=path,
            )
        for key, packed in itertools.islice(shown_entries(names), limit):
            name = key.removesuffix("/").rpartition("/")[2]
            if key.endswith("/"):
                yield BrowseEntry(name, "folder", key)
                continue
            info = self._listed(key, packed, skipped)
            if info:
                yield BrowseEntry(
                    name, "object", key, size_bytes=info.size_bytes, modified_at=info.modified_at
                )
        skipped.report(self.name, path)

    def list_objects(self, pattern: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """The files that match, in ascending order of key; folder by folder, so memory holds one folder's names.

        What cannot be an object (a symlink that leaves the root, a pipe, a name that is no Unicode) is left
        out; one warning in the log says how many and why.

        Raises:
            ConfigError: a pattern that makes no sense.
            NotFoundError: the root is not there.
            ConnectorAuthError: a folder that may not be listed.
            ConnectorUnavailableError: unreachable, cut off.
        """
        selection = KeyPattern(pattern)
        if selection.is_key:
            return self._list_one(selection.text, after)
        return self._walk(selection, after)

    def stat(self, key: str) -> ObjectInfo:
        """The file at `key`.

        Raises:
            NotFoundError: there is none, or it is no regular file.
            InputError: a key or a symlink that leads out of the root.
        """
        check_key(key)
        if is_partial(key.rpartition("/")[2]):
            raise no_such(self.settings, key)

        async def look(remote: Remote) -> ObjectInfo:
            facts = await remote.look(await self._existing(remote, key))
            if facts is None or facts.kind != "file":
                raise no_such(self.settings, key)
            return facts.describe(key)

        return self._call("look at", key, look)

    @contextmanager
    def local_copy(self, item: ObjectInfo, scratch: Path) -> Iterator[Path]:
        """Downloads the file, going on after a cut; proves that size and time are those listed (E5, E40)."""
        check_key(item.key)
        with new_scratch_file(self.name, item.key, scratch) as path:
            download = Download(
                self.settings, item, lambda remote: self._existing(remote, item.key), path
            )
            self._call("read", item.key, download, progress=lambda: download.reached)
            yield path

    def put_file(self, key: str, source: Path) -> ObjectInfo:
        """Uploads `source` beside its target, compares the size and renames it there (2d).

        Raises:
            InputError: a key that leads out of the root, or names a folder.
            ConflictError: somebody else replaced the file at the same moment.
        """
        check_key(key)
        folder, _, name = key.rpartition("/")
        if is_partial(name):
            raise InputError(
                f"connector {self.name!r}: {shown(key)} is a name kept for files being written",
                hint="Choose another name",
            )
        size = open_source(self.name, source)

        async def target(remote: Remote) -> bytes:
            path = await self._folder_for(remote, folder)
            if folder not in self._swept:
                await sweep(remote, path)
                self._swept.add(folder)
            return path.rstrip(b"/") + b"/" + name.encode()

        upload = Upload(self.settings, key, target, source)
        try:
            self._call("write", key, upload)
        finally:
            if not upload.is_clean:
                with contextlib.suppress(WaybillError):  # the error under way is the one to report
                    self._call("clean up after", key, upload.clean, tries=1)
        stored = self.stat(key)
        check_written(self.name, stored, size)
        return stored

    async def _connected(self, remote: Remote) -> None:
        """Nothing more than the connection."""

    def _note_host_key(self, stages: Stages, facts: dict[str, str]) -> None:
        seen = self._client.seen
        facts["host key"] = seen.fingerprint
        stages.done(f"{seen.fingerprint} ({seen.algorithm}) is the one expected")
        stages.enter("login")

    async def _look(self, remote: Remote, facts: dict[str, str]) -> str:
        """What the account may do at the root."""
        root = await self._root(remote)
        facts["root"] = root.decode(errors="replace")
        facts["empty"] = "yes" if await remote.is_empty(root) else "no"
        facts["writable"] = "the protocol does not say"
        return f"{facts['root']!r} can be read by {self.settings.username!r}"

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
        self._stay_inside(root, real, key)
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
        self._stay_inside(root, real, existing)
        path = _join(real, folder[len(existing) :].strip("/"))
        await remote.make_folders(path)
        return path

    def _stay_inside(self, root: bytes, real: bytes, key: str) -> None:
        if real != root and not real.startswith(root.rstrip(b"/") + b"/"):
            raise InputError(
                f"connector {self.name!r}: {shown(key)} is a symlink that leaves the folder {root.decode(errors='replace')!r}",
                hint="Put the file itself into the folder, or declare a connector for where it is",
                key=key,
            )

    def _walk(self, selection: KeyPattern, after: str) -> Iterator[ObjectInfo]:
        skipped = Skipped()

        def entries(prefix: str) -> Iterator[tuple[str, bytes]]:
            try:
                names = self._names(
                    prefix, skipped, is_literal=len(prefix) <= len(selection.folder) + 1
                )
            except InputError:
                if len(prefix) <= len(selection.folder) + 1:
                    raise
                skipped.add(prefix, "a link that leaves the folder")
                return
            if names is not None:  # removed meanwhile, or never there: nothing to list
                yield from names

        for key, packed in walk_tree(selection, after, entries):
            info = self._listed(key, packed, skipped)
            if info:
                yield info
        skipped.report(self.name, selection.text)

    def _list_one(self, key: str, after: str) -> Iterator[ObjectInfo]:
        if key <= after:
            return
        try:
            found = self.stat(key)
        except NotFoundError:  # an empty listing, as long as there is a root
            self._call("list", "", self._root)
            return
        yield found

    def _listed(self, key: str, packed: bytes, skipped: Skipped) -> ObjectInfo | None:
        """The file as its folder's listing describes it; a link as what it leads to."""
        facts = Facts.unpack(packed)
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
            self._stay_inside(root, real, prefix)
            if (
                not is_literal
                and _join(root, prefix).startswith(real.rstrip(b"/") + b"/")
                and (real != _join(root, prefix.rstrip("/")))
            ):
                skipped.add(prefix, "a link to a folder above it")
                return None
            names = FolderNames(prefix, skipped)
            links: list[tuple[bytes, Facts]] = []

            def take(name: bytes, facts: Facts) -> None:
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
        progress: Callable[[], int] = lambda: 0,
        tries: int = TRIES,
    ) -> _T:
        """`ask` with a channel; again, with growing pauses, where that can help (E1, E2); errors in our words."""
        left, reached, pause = tries, 0, PAUSE_SECONDS
        while True:
            try:
                return self._client.run(ask)
            except Exception as error:
                if not is_vendors(error):
                    raise
                left -= 1
                if progress() > reached:
                    left, reached, pause = tries - 1, progress(), PAUSE_SECONDS
                refusal = translate_sftp_error(error, self.settings, attempt, key)
                if left <= 0 or not may_pass(error):
                    raise refusal from bare(error)
                _log.warning("%s; trying again in %g s", refusal.message, pause)
            time.sleep(pause)
            pause *= 4


def _join(folder: bytes, key: str) -> bytes:
    return folder.rstrip(b"/") + b"/" + key.encode() if key else folder
