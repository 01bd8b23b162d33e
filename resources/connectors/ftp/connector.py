"""A folder of an FTP server as a place of files: FTP with TLS, or, where somebody insists, without.

Here: listing, reading and replacing files without ever leaving the root (T19). Not here: the commands (`session.py`),
folders (`tree.py`), transfers (`transfer.py`), who may use a session when (`pool.py`), what refusals mean (`errors.py`).
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
import weakref
from collections.abc import Callable, Iterator
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
from resources.connectors.ftp.errors import (
    FTP_ERRORS,
    bare,
    may_pass,
    no_such,
    translate_ftp_error,
)
from resources.connectors.ftp.facts import Facts
from resources.connectors.ftp.pool import Pool
from resources.connectors.ftp.session import Session, open_session
from resources.connectors.ftp.settings import FtpSettings
from resources.connectors.ftp.transfer import Download, Upload, sweep
from resources.connectors.ftp.tree import Ancestors, read_names
from resources.connectors.trial.reach import try_to_reach
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import InputError, NotFoundError, WaybillError
from resources.kernel.records import BrowseEntry, CheckReport, ObjectInfo

TRIES = 3
PAUSE_SECONDS = 0.5
"""Before the second try; each further pause is four times as long."""

_RENEWING_BYTES = 1 << 20
"""A transfer that got as far as this since its last cut has all its tries again."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class FtpConnector(FileConnector):
    """The files of an FTP server below a folder.

    An etag is made of size, time of change and, where the server has one, its own name of the very file. Servers show
    seconds: two contents of one length written within one second can only be told apart by that name.

    Args:
        settings: where the server is, who signs in, how TLS is done.
    """

    kind: ClassVar[str] = "ftp"
    settle_seconds: ClassVar[int] = 10
    clock_doubt_seconds: ClassVar[int] = 26 * 3600
    """Some servers show local times where UTC is meant."""

    def __init__(self, settings: FtpSettings) -> None:
        self.name = settings.name
        self.settings = settings
        self._pool = Pool(self.name, lambda: open_session(settings, Stages()), settings.connections)
        self._swept: set[str] = set()
        self._is_warned = settings.tls != "none"
        weakref.finalize(self, self._pool.close)

    def __repr__(self) -> str:
        return f"FtpConnector({self.settings!r})"

    def check(self) -> CheckReport:
        """Name, port, TLS, login, the right to list the root and, as far as the server says, to write there."""
        settings = self.settings
        facts = {"address": settings.address, "user": settings.username, "TLS": settings.tls}
        stages = Stages(try_to_reach(settings.host, settings.real_port))
        if not stages.steps[-1].ok:
            failed = stages.steps.pop()
            stages.enter(failed.name)
            return stages.refused(failed.detail, facts)
        self._warn_if_plain()
        try:
            session = open_session(settings, stages)
            with contextlib.closing(session):
                stages.enter("rights")
                stages.done(self._look(session, facts))
        except WaybillError as error:
            return stages.refused(str(error), facts)
        except FTP_ERRORS as error:
            refusal = translate_ftp_error(bare(error, self.settings), settings, "use the server")
            return stages.refused(str(refusal), facts)
        return stages.answered(f"{settings.address}: {stages.steps[-1].detail}", facts)

    def browse(self, path: str = "", *, limit: int = 1000) -> Iterator[BrowseEntry]:
        """Folders and files directly below the folder `path`.

        Raises:
            NotFoundError: no such folder.
            InputError: a path that leads out of the root.
            ConnectorAuthError: a folder that may not be listed.
        """
        prefix, skipped = folder_prefix(path), Skipped()
        names = self._names(prefix, skipped)
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
            with contextlib.suppress(NotFoundError):  # deleted since its folder was listed
                info = self._listed(key, packed)
                yield BrowseEntry(
                    name,
                    "object",
                    key,
                    size_bytes=info.size_bytes,
                    modified_at=info.modified_at,
                )
        skipped.report(self.name, path)

    def list_objects(self, pattern: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """The files that match, in ascending order of key; folder by folder, so memory holds one folder's names.

        What cannot be an object (a link that the server shows as one, a device, a name that is no Unicode) is left
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
            InputError: a key that leads out of the root.
        """
        check_key(key)
        if _is_unsayable(key) or is_partial(key.rpartition("/")[2]):
            raise no_such(self.settings, key)
        facts = self._call("look at", key, lambda session: session.stat(self._path(session, key)))
        if facts is None:
            raise no_such(self.settings, key)
        return facts.describe(key)

    @contextmanager
    def local_copy(self, item: ObjectInfo, scratch: Path) -> Iterator[Path]:
        """Downloads the file, going on after a cut; proves that size and time are those listed (E5, E40)."""
        check_key(item.key)
        if _is_unsayable(item.key):
            raise no_such(self.settings, item.key)
        with new_scratch_file(self.name, item.key, scratch) as path:
            download = Download(
                self.settings, item, lambda session: self._path(session, item.key), path
            )
            self._call("read", item.key, download, progress=lambda: download.reached)
            yield path

    def put_file(self, key: str, source: Path) -> ObjectInfo:
        """Uploads `source` beside its target, compares the size and renames it there (2d).

        Raises:
            InputError: a key that no file here can have, or that names a folder.
            ConnectorError: a server that does not replace files by renaming; the old file stays.
            ConflictError: somebody else replaced the file at the same moment.
        """
        self._check_target(key)
        size = open_source(self.name, source)
        self._sweep(key)
        upload = Upload(self.settings, key, lambda session: self._path(session, key), source)
        try:
            self._call("write", key, upload)
        finally:
            if not upload.is_clean:
                with contextlib.suppress(WaybillError):  # the error under way is the one to report
                    self._call("clean up after", key, upload.clean, tries=1)
        stored = self.stat(key)
        check_written(self.name, stored, size)
        return stored

    def _look(self, session: Session, facts: dict[str, str]) -> str:
        """What the account may do at the root."""
        root = self._path(session, "")
        may_create = session.may_create(root)
        facts["root"] = root
        facts["empty"] = "yes" if session.is_empty(root) else "no"
        facts["writable"] = {True: "yes", False: "no", None: "the server does not say"}[may_create]
        suffix = {True: " and written", False: ", not written", None: ""}[may_create]
        return f"{root!r} can be read{suffix} by {self.settings.username!r}"

    def _walk(self, selection: KeyPattern, after: str) -> Iterator[ObjectInfo]:
        skipped = Skipped()
        root = self._call("list", "", lambda session: session.facts(self._path(session, "")))
        ancestors = Ancestors(root.unique if root else "")

        def entries(prefix: str) -> Iterator[tuple[str, bytes]]:
            names = self._names(prefix, skipped)
            if names is not None:  # removed meanwhile, or never there: nothing to list
                yield from ancestors.without_loops(prefix, names, skipped)

        for key, packed in walk_tree(selection, after, entries):
            with contextlib.suppress(NotFoundError):  # deleted since its folder was listed
                yield self._listed(key, packed)
        skipped.report(self.name, selection.text)

    def _listed(self, key: str, packed: bytes) -> ObjectInfo:
        """The file as its folder's listing describes it; asked for singly where that says too little."""
        facts = Facts.unpack(packed)
        return facts.describe(key) if facts.is_complete else self.stat(key)

    def _list_one(self, key: str, after: str) -> Iterator[ObjectInfo]:
        if key <= after:
            return
        try:
            found = self.stat(key)
        except NotFoundError:  # an empty listing, as long as there is a root
            self._call("list", "", self._enter_root)
            return
        yield found

    def _enter_root(self, session: Session) -> None:
        session.control.voidcmd(f"CWD {self._path(session, '')}")

    def _names(self, prefix: str, skipped: Skipped) -> FolderNames | None:
        if _is_unsayable(prefix):
            return None
        return self._call(
            "list", prefix, lambda session: read_names(session, self._path, prefix, skipped)
        )

    def _path(self, session: Session, key: str) -> str:
        """The path on the server of a key, or of the prefix of a folder."""
        given = self.settings.root
        root = given if given.startswith("/") else f"{session.home}/{given}"
        return f"/{root.strip('/')}/{key}".replace("//", "/").rstrip("/") or "/"

    def _check_target(self, key: str) -> None:
        check_key(key)
        if _is_unsayable(key):
            raise InputError(
                f"connector {self.name!r}: {shown(key)} holds a line break, which no name on an FTP server can",
                hint="Choose another name",
                key=key[:200],
            )
        if is_partial(key.rpartition("/")[2]):
            raise InputError(
                f"connector {self.name!r}: {shown(key)} is a name kept for files being written",
                hint="Choose another name",
            )

    def _sweep(self, key: str) -> None:
        folder = key.rpartition("/")[0]
        if folder not in self._swept:
            self._call(
                "clean up", folder, lambda session: sweep(session, self._path(session, folder))
            )
            self._swept.add(folder)

    def _warn_if_plain(self) -> None:
        if not self._is_warned:
            self._is_warned = True
            _log.warning(
                "connector %r: FTP without TLS: password and files can be read by anybody on the way to %s"
                " (`insecure_plain_ftp: true`)",
                self.name,
                self.settings.address,
            )

    def _call(
        self,
        attempt: str,
        key: str,
        ask: Callable[[Session], _T],
        *,
        progress: Callable[[], int] = lambda: 0,
        tries: int = TRIES,
    ) -> _T:
        """`ask` with a session; again, with growing pauses, where that can help (E1, E2); errors in our words."""
        self._warn_if_plain()
        left, reached, pause = tries, 0, PAUSE_SECONDS
        while True:
            try:
                with self._pool.session() as session:
                    return ask(session)
            except WaybillError:
                raise
            except FTP_ERRORS as error:
                left -= 1
                if progress() - reached >= _RENEWING_BYTES:
                    left, reached, pause = tries - 1, progress(), PAUSE_SECONDS
                refusal = translate_ftp_error(error, self.settings, attempt, key)
                if left <= 0 or not may_pass(error):
                    raise refusal from bare(error, self.settings)
                _log.warning("%s; trying again in %g s", refusal.message, pause)
            time.sleep(pause)
            pause *= 4


def _is_unsayable(key: str) -> bool:
    """Whether a name would be two commands."""
    return "\r" in key or "\n" in key
