"""A folder of an FTP server as a place of files: FTP over TLS, or plain FTP on explicit request.

Here: what of files and folders only FTP asks for so, without ever leaving the root (T19). Not here: what it shares with
SFTP (`files/servers.py`), the commands (`session.py`), folders (`tree.py`), transfers (`transfer.py`), who may use a
session when (`pool.py`), what refusals mean (`errors.py`).
"""

from __future__ import annotations

import contextlib
import logging
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from resources.connectors.base import ReadRange
from resources.connectors.files.key_patterns import KeyPattern, shown
from resources.connectors.files.servers import Entries, FileServerConnector
from resources.connectors.files.skipped import Skipped
from resources.connectors.files.tree_listing import FolderNames
from resources.connectors.ftp.errors import error_table
from resources.connectors.ftp.facts import FtpFacts
from resources.connectors.ftp.pool import Pool
from resources.connectors.ftp.session import FtpSession, open_session
from resources.connectors.ftp.settings import FtpSettings
from resources.connectors.ftp.transfer import FtpDownload, FtpPart, FtpUpload, sweep
from resources.connectors.ftp.tree import Ancestors, read_names
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import InputError, NotFoundError
from resources.kernel.records import ObjectInfo
from resources.kernel.retries import RetryPolicy

_log = logging.getLogger(__name__)
_WHOLE_BYTES = 128 << 10
"""A part costs a connection for its data: so much comes whole in the same time."""
_T = TypeVar("_T")


class FtpConnector(FileServerConnector[FtpSession]):
    """The files of an FTP server below a folder.

    An etag is made of size, time of change and, where the server has one, its own name of the very file. Servers show
    seconds: two contents of one length written within one second can only be told apart by that name.

    Args:
        settings: where the server is, who signs in, how TLS is done.
    """

    kind: ClassVar[str] = "ftp"
    clock_doubt_seconds: ClassVar[int] = 26 * 3600
    """Some servers show local times where UTC is meant."""

    retries: ClassVar[RetryPolicy] = RetryPolicy(3, pause_seconds=0.5, growth=4, renewed_by=1 << 20)
    """A download that got a megabyte further since its last cut has all its tries again."""

    def __init__(self, settings: FtpSettings) -> None:
        schemes = ("ftps", "ftp") if settings.tls == "implicit" else ("ftp", "ftps")
        super().__init__(settings, error_table(settings), schemes)
        self.settings = settings
        self._pool = Pool(self.name, lambda: open_session(settings, Stages()), settings.connections)
        self._is_warned = settings.tls != "none"
        weakref.finalize(self, self._pool.close)

    def __repr__(self) -> str:
        return f"FtpConnector({self.settings!r})"

    def _run(self, ask: Callable[[FtpSession], Any]) -> Any:
        self._warn_if_plain()
        with self._pool.session() as session:
            return ask(session)

    def _sign_in(self, stages: Stages, facts: dict[str, str]) -> None:
        """TLS, login, the right to list the root and, as far as the server says, to write there."""
        self._warn_if_plain()

        def look() -> None:
            with contextlib.closing(open_session(self.settings, stages)) as session:
                stages.enter("rights")
                stages.done(self._rights(session, facts))

        self._calls.run("use the server", "", look, once=True)

    def _rights(self, session: FtpSession, facts: dict[str, str]) -> str:
        """What the account may do at the root."""
        root = self._path(session, "")
        may_create = session.may_create(root)
        facts["root"] = root
        facts["empty"] = "yes" if session.is_empty(root) else "no"
        facts["writable"] = {True: "yes", False: "no", None: "the server does not say"}[may_create]
        suffix = {True: " and written", False: ", not written", None: ""}[may_create]
        return f"{root!r} can be read{suffix} by {self.settings.username!r}"

    def _can_hold(self, key: str) -> bool:
        return not _is_unsayable(key)

    def _find(self, key: str) -> ObjectInfo | None:
        facts = self._call("look at", key, lambda session: session.stat(self._path(session, key)))
        return facts.describe(key) if facts else None

    def _check_root(self) -> None:
        self._call(
            "list", "", lambda session: session.control.voidcmd(f"CWD {self._path(session, '')}")
        )

    def _folder(self, prefix: str, skipped: Skipped) -> FolderNames | None:
        if _is_unsayable(prefix):
            return None
        return self._call(
            "list", prefix, lambda session: read_names(session, self._path, prefix, skipped)
        )

    def _entries(self, selection: KeyPattern, skipped: Skipped) -> Entries:  # noqa: ARG002 - all folders are read alike
        root = self._call("list", "", lambda session: session.facts(self._path(session, "")))
        ancestors = Ancestors(root.unique if root else "")

        def entries(prefix: str) -> Iterator[tuple[str, bytes]]:
            names = self._folder(prefix, skipped)
            if names is not None:  # removed meanwhile, or never there: nothing to list
                yield from ancestors.without_loops(prefix, names, skipped)

        return entries

    def _listed(self, key: str, packed: bytes, skipped: Skipped) -> ObjectInfo | None:  # noqa: ARG002 - folders skip what is no file
        facts = FtpFacts.unpack(packed)
        if facts.is_complete:
            return facts.describe(key)
        with contextlib.suppress(NotFoundError):  # deleted since its folder was listed
            return self.stat(key)
        return None

    def _new_download(self, item: ObjectInfo, path: Path) -> FtpDownload:
        return FtpDownload(self.settings, item, lambda session: self._path(session, item.key), path)

    @contextlib.contextmanager
    def ranges(self, item: ObjectInfo, scratch: Path) -> Iterator[ReadRange]:
        """Reads parts of the file while it is the one listed; a small file, or one of a server that cannot begin within one, comes whole."""
        if item.size_bytes <= _WHOLE_BYTES or not self._can_begin_within(item.key):
            with super().ranges(item, scratch) as read:
                yield read
            return

        def read_part(start: int, length: int) -> bytes:
            part = FtpPart(
                self.settings, item, lambda session: self._path(session, item.key), start, length
            )
            return self._call("read", item.key, part)

        yield read_part

    def _can_begin_within(self, key: str) -> bool:
        return self._call("look at", key, lambda session: session.can_resume)

    def _new_upload(self, key: str, source: Path) -> FtpUpload:
        self._sweep(key.rpartition("/")[0])
        return FtpUpload(self.settings, key, lambda session: self._path(session, key), source)

    def _check_target(self, key: str) -> None:
        super()._check_target(key)
        if _is_unsayable(key):
            raise InputError(
                f"connector {self.name!r}: {shown(key)} holds a line break, which no name on an FTP server can",
                hint="Choose another name",
                key=key[:200],
            )

    def _path(self, session: FtpSession, key: str) -> str:
        """The path on the server of a key, or of the prefix of a folder."""
        given = self.settings.root
        root = given if given.startswith("/") else f"{session.home}/{given}"
        return f"/{root.strip('/')}/{key}".replace("//", "/").rstrip("/") or "/"

    def _sweep(self, folder: str) -> None:
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

    def _call(self, attempt: str, key: str, ask: Callable[[FtpSession], _T]) -> _T:
        answer: _T = self._calls.run(attempt, key, lambda: self._run(ask))
        return answer


def _is_unsayable(key: str) -> bool:
    """Whether a name would be two commands."""
    return "\r" in key or "\n" in key
