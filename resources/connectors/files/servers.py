"""What file servers have in common, whatever protocol they speak: FTP and SFTP.

Here: listing and browsing a tree of folders, downloads that go on after a cut, uploads that are seen whole or not at all,
tries and their errors, the stages of a test of the connection. Not here: the requests to a server, which each protocol
makes (`ftp/`, `sftp/`), the walk over folders (`tree_listing.py`), and what refusals mean (`server_errors.py`).
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from resources.connectors.base import FileConnector
from resources.connectors.files.addresses import ServerAddresses
from resources.connectors.files.key_patterns import KeyPattern, check_key, folder_prefix, shown
from resources.connectors.files.partial_names import is_partial
from resources.connectors.files.scratch_files import new_scratch_file, open_source
from resources.connectors.files.server_errors import ErrorTable, ServerSettings, no_such
from resources.connectors.files.server_transfers import ServerDownload, ServerUpload
from resources.connectors.files.skipped import Skipped
from resources.connectors.files.tree_listing import FolderNames, shown_entries, walk_tree
from resources.connectors.files.written import check_written
from resources.connectors.trial.reach import try_to_reach
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import InputError, NotFoundError, WaybillError
from resources.kernel.records import BrowseEntry, CheckReport, ObjectInfo, TellStep
from resources.kernel.retries import RetryPolicy

_ONCE = RetryPolicy(1)

Entries = Callable[[str], Iterator[tuple[str, bytes]]]
"""What stands in the folder of a key prefix: keys and packed facts, in the order of keys, folders ending in `/`."""

_Channel = TypeVar("_Channel")
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


class ServerCalls:
    """What is asked of a server: tried again where that can help (E1, E2), errors in our words.

    Args:
        errors: what the library's errors mean.
        retries: how often; progress is in bytes.
    """

    def __init__(self, errors: ErrorTable, retries: RetryPolicy) -> None:
        self._errors = errors
        self._retries = retries

    def run(
        self,
        attempt: str,
        key: str,
        step: Callable[[], _Result],
        *,
        progress: Callable[[], int] | None = None,
        once: bool = False,
    ) -> _Result:
        """What `step` returns.

        Args:
            attempt: what is attempted, for the error: `read`, `list`.
            key: what it is about.
            step: what to do.
            progress: how many bytes it has got in all its tries.
            once: do not try again.

        Raises:
            WaybillError: what the server, the network or we refuse.
        """
        errors = self._errors

        def warn(error: Exception, seconds: float) -> None:
            message = errors.translate(error, attempt, key).message
            _log.warning("%s; trying again in %g s", message, seconds)

        try:
            return (_ONCE if once else self._retries).run(
                step,
                may_pass=lambda error: errors.is_vendors(error) and errors.may_pass(error),
                before_pause=warn,
                progress=progress,
            )
        except Exception as error:
            if not errors.is_vendors(error):
                raise
            raise errors.translate(error, attempt, key) from errors.bare(error)


class FileServerConnector(FileConnector, Generic[_Channel]):
    """The files of a server below a folder, asked for over channels.

    Args:
        settings: where the server is and who signs in.
        errors: what the errors of the protocol's library mean.
        schemes: of URLs that lead to such a server, the usual one first.
    """

    retries: ClassVar[RetryPolicy]
    settle_seconds: ClassVar[int] = 10

    def __init__(
        self, settings: ServerSettings, errors: ErrorTable, schemes: Sequence[str]
    ) -> None:
        self.name = settings.name
        self.addresses = ServerAddresses(
            schemes, settings.host, settings.real_port, settings.username, settings.root
        )
        self._server = settings
        self._calls = ServerCalls(errors, self.retries)
        self._swept: set[str] = set()
        """Folders in which partial files of writers that are gone were looked for."""

    @abstractmethod
    def _run(self, ask: Callable[[_Channel], Any]) -> Any:
        """What `ask` makes of a channel, waited for. Raises what the library or the network does."""

    @abstractmethod
    def _sign_in(self, stages: Stages, facts: dict[str, str]) -> None:
        """The stages of a test from the first byte sent to the right to list the root; adds facts.

        Raises:
            WaybillError: the stage under way failed.
        """

    @abstractmethod
    def _find(self, key: str) -> ObjectInfo | None:
        """The file at `key`; None when there is none."""

    @abstractmethod
    def _check_root(self) -> None:
        """Refuses a root that is not there."""

    @abstractmethod
    def _folder(self, prefix: str, skipped: Skipped) -> FolderNames | None:
        """What stands in a folder, for a look at it; None when there is no such folder."""

    @abstractmethod
    def _entries(self, selection: KeyPattern, skipped: Skipped) -> Entries:
        """How folders are read during one listing."""

    @abstractmethod
    def _listed(self, key: str, packed: bytes, skipped: Skipped) -> ObjectInfo | None:
        """The file as its folder's listing describes it, asked for singly where that says too little; None when it is none."""

    @abstractmethod
    def _new_download(self, item: ObjectInfo, path: Path) -> ServerDownload[Any, Any]:
        """A file on its way down to `path`."""

    @abstractmethod
    def _new_upload(self, key: str, source: Path) -> ServerUpload[Any, Any, Any]:
        """A local file on its way up."""

    def _can_hold(self, key: str) -> bool:  # noqa: ARG002 - most protocols can
        """Whether the protocol can name such a file at all."""
        return True

    def check(self, tell: TellStep | None = None) -> CheckReport:
        """Name, port, and the stages of signing in up to the right to list the root (F036)."""
        server = self._server
        facts = dict(server.facts)
        stages = Stages(tell)
        if not stages.walk(try_to_reach(server.host, server.real_port)):
            return stages.stopped(stages.steps[-1].detail, facts)
        try:
            self._sign_in(stages, facts)
        except WaybillError as error:
            return stages.refused(str(error), facts)
        return stages.answered(f"{server.address}: {stages.steps[-1].detail}", facts)

    def browse(
        self, path: str = "", *, limit: int = 1000, after: str = ""
    ) -> Iterator[BrowseEntry]:
        """Folders and files directly below the folder `path`.

        Raises:
            NotFoundError: no such folder.
            InputError: a path that leads out of the root.
            ConnectorAuthError: a folder that may not be listed.
        """
        prefix, skipped = folder_prefix(path), Skipped()
        names = self._folder(prefix, skipped)
        if names is None:
            raise NotFoundError(
                f"connector {self.name!r}: no folder {shown(path)} on {self._server.address}",
                hint="Browse the folder above it",
                key=path,
            )
        wanted = (entry for entry in shown_entries(names) if entry[0] > after)
        for key, packed in itertools.islice(wanted, limit):
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

        What cannot be an object (a link that leads nowhere or out of the root, a device, a name that is no Unicode) is
        left out; one warning in the log says how many and why.

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
            InputError: a key or a link that leads out of the root.
        """
        check_key(key)
        is_possible = self._can_hold(key) and not is_partial(key.rpartition("/")[2])
        found = self._find(key) if is_possible else None
        if found is None:
            raise no_such(self._server, key)
        return found

    @contextmanager
    def local_copy(self, item: ObjectInfo, scratch: Path) -> Iterator[Path]:
        """Downloads the file, going on after a cut; proves that size and time are those listed (E5, E40)."""
        check_key(item.key)
        if not self._can_hold(item.key):
            raise no_such(self._server, item.key)
        with new_scratch_file(self.name, item.key, scratch) as path:
            download = self._new_download(item, path)
            self._calls.run(
                "read", item.key, lambda: self._run(download), progress=lambda: download.reached
            )
            yield path

    def put_file(self, key: str, source: Path) -> ObjectInfo:
        """Uploads `source` beside its target, compares the size and renames it there (2d).

        Raises:
            InputError: a key that no file here can have, or that names a folder.
            ConnectorError: a server that does not replace files by renaming; the old file stays.
            ConflictError: another writer replaced the file at the same moment.
        """
        self._check_target(key)
        size = open_source(self.name, source)
        upload = self._new_upload(key, source)
        try:
            self._calls.run("write", key, lambda: self._run(upload))
        finally:
            if not upload.is_clean:
                with contextlib.suppress(WaybillError):  # the error under way is the one to report
                    self._calls.run(
                        "clean up after", key, lambda: self._run(upload.clean), once=True
                    )
        stored = self.stat(key)
        check_written(self.name, stored, size)
        return stored

    def _check_target(self, key: str) -> None:
        check_key(key)
        if is_partial(key.rpartition("/")[2]):
            raise InputError(
                f"connector {self.name!r}: {shown(key)} is a name kept for files being written",
                hint="Choose another name",
            )

    def _walk(self, selection: KeyPattern, after: str) -> Iterator[ObjectInfo]:
        skipped = Skipped()
        for key, packed in walk_tree(selection, after, self._entries(selection, skipped)):
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
            self._check_root()
            return
        yield found
