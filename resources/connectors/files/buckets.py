"""What buckets have in common, whatever protocol they speak: a prefix, pages of a listing, local copies, a test.

Here: keys below a prefix, listing and browsing by pages, files for downloads, the stages of a test of the connection.
Not here: requests and their errors, which each bucket's own folder makes (`s3/`, `gcs/`), sessions that renew their
credentials (`shared_session.py`), and bytes coming down in parts (`parts.py`).
"""

from __future__ import annotations

import contextlib
import re
import ssl
import threading
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from resources.connectors.base import FileConnector, ObjectInParts, ReadRange
from resources.connectors.files.key_patterns import (
    KEY_LIMIT_BYTES,
    KeyPattern,
    check_key,
    folder_prefix,
    is_hidden,
    shown,
)
from resources.connectors.files.listing_progress import BEYOND, looked_up_to
from resources.connectors.files.os_errors import translate_os_error
from resources.connectors.files.scratch_files import new_scratch_file
from resources.connectors.trial.reach import try_url
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import ConfigError, InputError, NotFoundError, WaybillError
from resources.kernel.records import BrowseEntry, CheckReport, ObjectInfo, TellStep

SMALL_BYTES = 1 << 20
"""Objects up to this size come in one request and are held in memory on the way."""

FIRST_BYTES = 32 << 10
"""Of an object that come with what it is: what a look at an image takes."""
FIRST_RANGE = f"bytes=0-{FIRST_BYTES - 1}"

_LARGE_AT_ONCE = 6
_UNTOLD = datetime.min.replace(tzinfo=UTC)
"""When an object changed that was not asked for this: nobody learns of it."""


@dataclass(frozen=True)
class PageRequest:
    """What of a listing is wanted; keys are those of the bucket."""

    prefix: str
    after: str = ""
    """Only keys greater than this."""
    by_folder: bool = False
    """Keys with a `/` behind the prefix come as one folder."""
    limit: int | None = None
    """At most so many entries in one page; the service's own number when None."""
    token: str = ""
    """Where the page before ended, in the service's words."""


@dataclass(frozen=True)
class ListingPage:
    """One answer of a listing; keys are those of the bucket."""

    objects: Sequence[ObjectInfo]
    folders: Sequence[str]
    """What keys have in common up to the next `/`."""
    next_token: str
    """Empty at the end."""


@dataclass(frozen=True)
class SignedIn:
    """What is known of a service once there are credentials for it."""

    found: str
    """Where the credentials were found."""
    url: str
    """Where the service is."""
    tls: ssl.SSLContext | None
    """What its certificate is checked by, where it has one."""
    facts: dict[str, str] = field(default_factory=dict)
    """What else a test shows of it."""


class BucketConnector(FileConnector):
    """The objects of `bucket` below `prefix`; keys are relative to the prefix.

    Args:
        name: the user's name for the connector.
        bucket: the bucket's name.
        prefix: the part of the bucket that belongs to this connector; all of it when empty.

    Raises:
        ConfigError: a prefix with `..`.
    """

    parallel_copies: ClassVar[int] = 32

    def __init__(self, name: str, bucket: str, prefix: str) -> None:
        self.name = name
        self.bucket = _check_bucket(name, bucket)
        self.prefix = _check_prefix(name, prefix)
        self._large = threading.BoundedSemaphore(_LARGE_AT_ONCE)

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """Where the bucket is, as the user knows it."""

    @abstractmethod
    def _sign_in(self) -> SignedIn:
        """Finds the credentials and renews them where that is needed; asks nothing of the bucket yet.

        Raises:
            ConnectorAuthError: there are none.
        """

    def _rights(self) -> str:
        """What the account may do in the bucket, as the service says; empty where it cannot be asked."""
        return ""

    @abstractmethod
    def _read_first_byte(self, found: ObjectInfo) -> None:
        """Reads as little as can be of an object; its key is that of the bucket."""

    @abstractmethod
    def _page(self, request: PageRequest) -> ListingPage:
        """One answer of the service, in ascending order of key."""

    @abstractmethod
    def _download(self, item: ObjectInfo, full: str, path: Path) -> None:
        """Writes exactly the bytes of `item` to `path`, an existing empty file.

        Raises:
            SourceChangedError: the object is not, or no longer, the one listed (E40).
            ConnectorUnavailableError: cut off before its length (E5), or unreachable.
            NotFoundError: deleted since it was listed (E41).
            OSError: what the local disk refuses.
        """

    @abstractmethod
    def _part(self, item: ObjectInfo, full: str, start: int, end: int) -> bytes:
        """The bytes of `item` from `start` to before `end`; raises as `_download` does."""

    @abstractmethod
    def _beginning(self, key: str, full: str) -> tuple[ObjectInfo, bytes] | None:
        """An object and its first bytes, by one request; None: ask for the one and then the other.

        Raises:
            NotFoundError: there is none.
        """

    def check(self, tell: TellStep | None = None) -> CheckReport:
        """Credentials, the way to the service, the bucket, rights, a first byte (F036). It writes nothing.

        The first step that fails is the last, with its real reason.
        """
        facts = {"bucket": self.bucket, "endpoint": self.endpoint}
        if self.prefix:
            facts["prefix"] = self.prefix
        stages = Stages(tell)
        stages.enter("credentials")
        try:
            service = self._sign_in()
            stages.done(service.found)
            facts |= service.facts
            if not stages.walk(try_url(service.url, tls=service.tls)):
                return stages.stopped(
                    f"connector {self.name!r}: nothing answers at {self.endpoint} as it should:"
                    f" {stages.steps[-1].detail}",
                    facts,
                )
            self._look(stages, facts)
        except WaybillError as error:
            return stages.refused(str(error), facts)
        return stages.answered(f"bucket {self.bucket} at {self.endpoint} can be listed", facts)

    def list_objects(self, pattern: str, *, after: str = "") -> Iterator[ObjectInfo]:
        """The objects that match, in ascending order of key, a page at a time.

        The service leaves out what cannot match: other beginnings than the pattern's, and, where only the last part
        of the path varies, everything in folders below. Keys that end in `/` stand for folders and are left out.

        Raises:
            ConfigError: a pattern that makes no sense.
            NotFoundError: no such bucket.
            ConnectorAuthError: credentials or rights.
            ConnectorUnavailableError: unreachable.
        """
        selection = KeyPattern(pattern)
        return self._list(
            selection,
            PageRequest(
                self._full(selection.prefix),
                after=self._full(after) if after else "",
                by_folder=selection.is_one_folder,
                limit=1 if selection.is_key else None,  # keys that only begin like it come later
            ),
        )

    def browse(
        self, path: str = "", *, limit: int = 1000, after: str = ""
    ) -> Iterator[BrowseEntry]:
        """Folders and objects directly below the folder `path`, in order of path.

        What keys have in common up to a `/` is a folder; one without a name is left out, and what is hidden by a dot.

        Raises:
            NotFoundError: nothing is there, or no such bucket.
            InputError: a path that no folder can have.
        """
        prefix = self._full(folder_prefix(path))
        entries: list[BrowseEntry] = []
        # Behind a folder is behind all that stands in it: the service would tell of it once more.
        start = self._full(after + BEYOND * after.endswith("/")) if after else ""
        request = PageRequest(prefix, after=start, by_folder=True, limit=limit + 1)
        while True:
            page = self._page(request)
            if (
                path
                and not after
                and not (entries or page.objects or page.folders or page.next_token)
            ):
                raise NotFoundError(
                    f"connector {self.name!r}: no folder {path!r} in bucket {self.bucket!r}",
                    hint="Browse the folder above it",
                    key=path,
                )
            entries += [e for e in self._entries(page, prefix) if e.path > after]
            if len(entries) >= limit or not page.next_token:
                break
            request = replace(request, token=page.next_token)
        entries.sort(key=lambda entry: entry.path)
        yield from entries[:limit]

    @contextmanager
    def local_copy(self, item: ObjectInfo, scratch: Path) -> Iterator[Path]:
        """Downloads exactly the version that was listed, a large one in parts; removes the copy afterwards (E40)."""
        full = self._readable(item.key)
        with new_scratch_file(self.name, item.key, scratch) as path:
            try:
                # Small ones hold one connection; large ones several each, so only a few at a time.
                with contextlib.nullcontext() if item.size_bytes <= SMALL_BYTES else self._large:
                    self._download(item, full, path)
            except OSError as error:
                raise translate_os_error(
                    error, f"connector {self.name!r}: download to", path
                ) from error
            yield path

    @contextmanager
    def ranges(self, item: ObjectInfo, scratch: Path) -> Iterator[ReadRange]:  # noqa: ARG002 - nothing is copied
        """Reads parts of exactly the version that was listed: a request each (E40)."""
        full = self._readable(item.key)

        def read(start: int, length: int) -> bytes:
            end = min(start + length, item.size_bytes)
            return self._part(item, full, start, end) if start < end else b""

        yield read

    @contextmanager
    def open_object(self, key: str, scratch: Path) -> Iterator[ObjectInParts]:
        """The object at `key`: its beginning comes with what it is, in one request where the service tells both (E40)."""
        full = self._readable(key)
        found = self._beginning(key, full)
        if found is None:
            with super().open_object(key, scratch) as opened:
                yield opened
            return
        item, first = found

        def read(start: int, length: int) -> bytes:
            end = min(start + length, item.size_bytes)
            if start >= end:
                return b""
            return first[start:end] if end <= len(first) else self._part(item, full, start, end)

        yield ObjectInParts(item.size_bytes, item.etag, read)

    def _look(self, stages: Stages, facts: dict[str, str]) -> None:
        """The stages of a test that are about the bucket itself."""
        stages.enter("list")
        first = next(iter(self._page(PageRequest(self._full(""), limit=1)).objects), None)
        facts["empty"] = "no" if first else "yes"
        stages.done(f"bucket {self.bucket} can be listed")
        stages.enter("rights")
        rights = self._rights()
        if rights:
            facts["rights"] = rights
            stages.done(rights)
        stages.enter("read")
        if first:
            self._read_first_byte(first)
        read = f"{shown(first.key)} can be read" if first else "nothing is there that could be read"
        stages.done(read)
        if not rights:
            facts["write"] = "not tried: a test leaves the bucket as it is"

    def _list(self, selection: KeyPattern, request: PageRequest) -> Iterator[ObjectInfo]:
        skipped = len(self._full("")) if self.prefix else 0
        while True:
            page = self._page(request)
            for found in page.objects:
                key = found.key[skipped:]
                if key and not key.endswith("/") and selection.matches(key):
                    yield replace(found, key=key) if skipped else found
            if selection.is_key or not page.next_token:
                return
            looked_up_to(_end_of(page)[skipped:])
            request = replace(request, token=page.next_token)

    def _entries(self, page: ListingPage, prefix: str) -> Iterator[BrowseEntry]:
        skipped = len(self._full("")) if self.prefix else 0
        for folder in page.folders:
            name = folder[len(prefix) : -1]
            if name and not is_hidden(name):
                yield BrowseEntry(name, "folder", folder[skipped:])
        for found in page.objects:
            name = found.key[len(prefix) :]
            if name and not is_hidden(name):
                yield BrowseEntry(
                    name,
                    "object",
                    found.key[skipped:],
                    size_bytes=found.size_bytes,
                    modified_at=found.modified_at,
                )

    def _full(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _readable(self, key: str) -> str:
        """The whole key in the bucket. Any text is a key there, `..` too: nothing local is named after it (T19)."""
        full = self._full(key)
        if not key or len(full.encode(errors="replace")) > KEY_LIMIT_BYTES:
            raise InputError(
                f"connector {self.name!r}: {shown(key)} cannot be a key:"
                f" with the prefix it must have 1 to {KEY_LIMIT_BYTES} bytes",
                hint="Use a shorter key",
                key=key[:200],
            )
        return full


def beginning_of(
    key: str, etag: str, content_range: str, data: bytes
) -> tuple[ObjectInfo, bytes] | None:
    """An object by an answer that brought its first bytes; None when the answer does not tell all of it."""
    told = re.fullmatch(r"bytes 0-(\d+)/(\d+)", content_range)
    if told is None or not etag:
        return None
    last, size = int(told[1]), int(told[2])
    is_whole = len(data) == last + 1 == min(FIRST_BYTES, size)
    return (ObjectInfo(key, size, etag, _UNTOLD), data) if is_whole else None


def _end_of(page: ListingPage) -> str:
    """The last key that a page speaks of; a folder stands for all keys in it."""
    ends = [found.key for found in page.objects[-1:]]
    return max(ends + [folder + BEYOND for folder in page.folders[-1:]], default="")


def _check_bucket(name: str, bucket: str) -> str:
    """The bucket if it is a name; those of access points (`arn:...`) hold slashes."""
    is_name = bool(bucket) and bucket.isprintable() and not set(bucket) & set(" @?#")
    if not is_name or ("/" in bucket and not bucket.startswith("arn:")):
        raise ConfigError(
            f"connector {name!r}: `bucket:` must be the name of a bucket and nothing else",
            hint="Give `bucket: company-landing`; the part of it that counts is `prefix:`",
        )
    return bucket


def _check_prefix(name: str, prefix: str) -> str:
    trimmed = prefix.strip("/")
    if trimmed:
        try:
            check_key(trimmed)
        except InputError as error:
            raise ConfigError(
                f"connector {name!r}: `prefix:` {error.message}", hint=error.hint
            ) from error
    return trimmed
