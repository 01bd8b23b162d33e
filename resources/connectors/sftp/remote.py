"""The server's files as functions over one SFTP channel. Errors are the vendor's; nothing is retried here.

Paths are absolute bytes. No request waits longer than the time limit.
"""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeVar

from resources.connectors.sftp.errors import is_a
from resources.kernel.records import ObjectInfo

Kind = Literal["file", "folder", "link", "other"]

_T = TypeVar("_T")
_KINDS: dict[int, Kind] = {1: "file", 2: "folder", 3: "link"}  # numbers of SFTP 4 and newer
_ENTRIES_A_LOOK = 64  # at the clock
_LAST_SECOND = 253_402_300_799  # 9999-12-31: what a `datetime` holds


class SftpFacts(NamedTuple):
    """A file as the server describes it.

    Attributes:
        size: in bytes; -1 when the server does not say.
        mtime: the last change in seconds since 1970; -1 when the server does not say.
        nanos: the part of a second, -1 where the protocol's version has none.
    """

    kind: Kind
    size: int = -1
    mtime: int = -1
    nanos: int = -1

    @property
    def is_complete(self) -> bool:
        """Whether size and time are there, without which a change would go unseen."""
        return self.kind == "file" and self.size >= 0 and self.mtime >= 0

    def pack(self) -> bytes:
        """As few bytes as a listing of a million needs."""
        return f"{self.kind} {self.size} {self.mtime} {self.nanos}".encode()

    @classmethod
    def unpack(cls, packed: bytes) -> SftpFacts:
        """A file from `pack`."""
        kind, size, mtime, nanos = packed.decode().split(" ")
        return cls(kind, int(size), int(mtime), int(nanos))  # type: ignore[arg-type]  # a Kind, by `pack`

    def describe(self, key: str) -> ObjectInfo:
        """The object at `key`."""
        moment = datetime.fromtimestamp(min(max(self.mtime, 0), _LAST_SECOND), UTC)
        etag = f"{self.size:x}-{self.mtime:x}" + (f".{self.nanos:x}" if self.nanos >= 0 else "")
        return ObjectInfo(
            key, self.size, etag, moment.replace(microsecond=max(self.nanos, 0) // 1000)
        )


class Remote:
    """The requests of one channel.

    Args:
        sftp: an `asyncssh.SFTPClient` that takes paths as bytes.
        seconds: the longest wait for an answer.
        give_up: ends the connection.
    """

    def __init__(self, sftp: Any, seconds: float, give_up: Callable[[], None]) -> None:
        self.sftp = sftp
        self._seconds = seconds
        self._give_up = give_up

    async def within(self, answer: Awaitable[_T]) -> _T:
        """The answer, or a `TimeoutError`: then the connection is given up, or cleaning up would wait as long again."""
        try:
            return await asyncio.wait_for(answer, self._seconds)
        except TimeoutError:
            self._give_up()
            raise

    async def look(self, path: bytes) -> SftpFacts | None:
        """What stands at `path`, a link for itself; None for nothing."""
        try:
            return facts_of(await self.within(self.sftp.lstat(path)))
        except Exception as error:
            if is_missing(error):
                return None
            raise

    async def real_path(self, path: bytes) -> bytes | None:
        """Where `path` leads when all links are followed; None when it leads nowhere."""
        try:
            found = await self.within(self.sftp.realpath(path))
        except Exception as error:
            if is_missing(error) or is_a(error, "SFTPLinkLoop", "SFTPFailure"):
                return None  # OpenSSH calls a loop of links a failure
            raise
        return bytes(found)

    async def each_entry(self, path: bytes, take: Callable[[bytes, SftpFacts], None]) -> None:
        """Hands what stands in a folder to `take`, as the server sends it."""
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(self._seconds) as limit:
                count = 0
                async for entry in self.sftp.scandir(path):
                    count += 1
                    if count % _ENTRIES_A_LOOK == 0:
                        limit.reschedule(now() + self._seconds)
                    if entry.filename not in (b".", b".."):
                        take(entry.filename, facts_of(entry.attrs))
        except TimeoutError:
            self._give_up()
            raise

    async def is_empty(self, path: bytes) -> bool:
        """Whether nothing stands in a folder."""
        listing = self.sftp.scandir(path)
        while (entry := await self.within(anext(listing, None))) is not None:
            if entry.filename not in (b".", b".."):
                return False
        return True

    async def make_folders(self, path: bytes) -> None:
        """Makes the folder and those above it, as far as they are missing."""
        if await self.look(path) is not None:
            return
        above = path.rpartition(b"/")[0]
        if above:
            await self.make_folders(above)
        try:
            await self.within(self.sftp.mkdir(path))
        except Exception:
            if await self.look(path) is None:  # another client may have made it at the same moment
                raise


def facts_of(attrs: Any) -> SftpFacts:
    """What a server's attributes say."""
    mode = attrs.permissions
    kind: Kind = _KINDS.get(attrs.type, "other")
    if kind == "other" and mode is not None:
        kind = _kind_of_mode(mode)
    return SftpFacts(
        kind,
        -1 if attrs.size is None else attrs.size,
        -1 if attrs.mtime is None else attrs.mtime,
        -1 if attrs.mtime_ns is None else attrs.mtime_ns,
    )


def is_missing(error: BaseException) -> bool:
    """Whether an error means that nothing is there."""
    return is_a(error, "SFTPNoSuchFile", "SFTPNoSuchPath", "SFTPNotADirectory")


def _kind_of_mode(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"
