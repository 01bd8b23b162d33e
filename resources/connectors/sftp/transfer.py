"""Bringing one file down, and putting one up: each goes on, or begins anew, when the connection breaks on the way."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Any

from resources.connectors.files.key_patterns import shown
from resources.connectors.files.os_errors import translate_os_error
from resources.connectors.files.partial_names import (
    aside_name,
    is_abandoned,
    is_partial,
    new_partial_name,
)
from resources.connectors.files.server_errors import TransferCutError, no_such
from resources.connectors.files.server_transfers import (
    ServerDownload,
    ServerPart,
    ServerUpload,
    changed,
)
from resources.connectors.sftp.errors import is_a, may_pass
from resources.connectors.sftp.remote import Remote, SftpFacts, facts_of
from resources.connectors.sftp.settings import SftpSettings
from resources.kernel.records import ObjectInfo

SEGMENT_BYTES = 32 << 20
"""A download goes on after the last whole segment; within one, blocks come side by side and in any order."""

_UPLOAD_BYTES = 2 << 20

Locate = Callable[[Remote], Awaitable[bytes]]
"""The path on the server, which may need a question to it."""

_log = logging.getLogger(__name__)


class SftpDownload(ServerDownload[SftpSettings, Locate]):
    """A file on its way down."""

    async def __call__(self, remote: Remote) -> None:
        """Brings down what is missing.

        Raises:
            TransferCutError: fewer bytes came than were listed (E5).
            SourceChangedError: the file is not, or no longer, the one listed (E40).
            NotFoundError: it is gone (E41).
            asyncssh.Error, OSError: what else the network or the server refuses.
        """
        path = await self._locate(remote)
        handle = os.open(self._local, os.O_WRONLY)
        try:
            source = await _open(remote, path, self._settings, self._item)
            try:
                await self._fetch(remote, source, handle)
            finally:
                await _close_quietly(remote, source)
        finally:
            os.close(handle)

    async def _fetch(self, remote: Remote, source: Any, handle: int) -> None:
        total = self._item.size_bytes
        if total > SEGMENT_BYTES:
            await self._prove_unchanged(remote, source)  # not worth finding out at the end
        while self.reached < total:
            length = min(SEGMENT_BYTES, total - self.reached)
            count = await self._fetch_segment(remote, source, handle, length)
            if count < length:
                await self._prove_unchanged(remote, source)
                raise TransferCutError(self.reached + count, total)
            self.reached += length
        await self._prove_unchanged(remote, source)

    async def _fetch_segment(self, remote: Remote, source: Any, handle: int, length: int) -> int:
        """Brings down `length` bytes as blocks in any order; returns how many came."""
        count = 0
        try:
            pieces = await source.read_parallel(length, self.reached)
            while (piece := await remote.within(anext(pieces, None))) is not None:
                offset, block = piece
                self._write(handle, offset, block)
                count += len(block)
        except Exception as error:
            if isinstance(error, TimeoutError) or may_pass(error):
                raise TransferCutError(self.reached + count, self._item.size_bytes) from error
            raise
        return count

    async def _prove_unchanged(self, remote: Remote, source: Any) -> None:
        await _prove_unchanged(remote, source, self._settings, self._item)


class SftpPart(ServerPart[SftpSettings, Locate]):
    """Some bytes of a file."""

    async def __call__(self, remote: Remote) -> bytes:
        """Reads them; raises as `SftpDownload` does."""
        source = await _open(remote, await self._locate(remote), self._settings, self._item)
        try:
            await _prove_unchanged(remote, source, self._settings, self._item)
            got = await self._read(remote, source)
            await _prove_unchanged(remote, source, self._settings, self._item)
        finally:
            await _close_quietly(remote, source)
        return got

    async def _read(self, remote: Remote, source: Any) -> bytes:
        got = bytearray()
        while len(got) < self._length:
            wanted = self._length - len(got)
            block = await remote.within(source.read(wanted, self._start + len(got)))
            if not block:
                raise TransferCutError(self._start + len(got), self._item.size_bytes)
            got += block
        return bytes(got)


class SftpUpload(ServerUpload[SftpSettings, Locate, bytes]):
    """A file on its way up."""

    async def __call__(self, remote: Remote) -> None:
        """Replaces the file by the local one.

        Raises:
            InputError: a folder of that name is in the way.
            TransferCutError: the server stored fewer bytes than were sent.
            asyncssh.Error, OSError: what else the network or the server refuses.
        """
        await self.clean(remote)
        path = await self._locate(remote)
        found = await remote.look(path)
        if found is not None and found.kind == "folder":
            raise self._folder_in_the_way()
        folder, _, name = path.rpartition(b"/")
        part = folder + b"/" + new_partial_name(name.decode()).encode()
        self._left.append(part)
        size = await self._send(remote, part)
        stored = await remote.look(part)
        if stored is None or stored.size != size:
            raise TransferCutError(max(stored.size, 0) if stored else 0, size)
        await self._rename(remote, part, path, is_there=found is not None)
        self._left.remove(part)

    async def clean(self, remote: Remote) -> None:
        """Removes what attempts that failed left on the server, as far as it lets us (R7)."""
        for part in list(self._left):
            await _remove_quietly(remote, part)
            self._left.remove(part)

    async def _send(self, remote: Remote, part: bytes) -> int:
        target = await remote.within(remote.sftp.open(part, "xb"))
        size = 0
        try:
            while block := self._read(size):
                await remote.within(target.write(block, size))
                size += len(block)
            with contextlib.suppress(*_unsupported()):
                await remote.within(target.fsync())
        except BaseException:
            await _close_quietly(remote, target)
            raise
        await remote.within(target.close())
        return size

    def _read(self, offset: int) -> bytes:
        try:
            with self._local.open("rb") as source:
                source.seek(offset)
                return source.read(_UPLOAD_BYTES)
        except OSError as error:
            raise translate_os_error(
                error, f"connector {self._settings.name!r}: upload", self._local
            ) from error

    async def _rename(self, remote: Remote, part: bytes, path: bytes, *, is_there: bool) -> None:
        try:
            await remote.within(remote.sftp.posix_rename(part, path))
        except _unsupported():
            if is_there:
                await self._swap(remote, part, path)
            else:
                await remote.within(remote.sftp.rename(part, path))

    async def _swap(self, remote: Remote, part: bytes, path: bytes) -> None:
        """For servers whose rename replaces nothing: the old file steps aside, and back if the new one cannot follow."""
        _log.warning(
            "connector %r: %s cannot replace a file in one step: for a moment nothing stands at %s",
            self._settings.name,
            self._settings.address,
            shown(self._key),
        )
        folder, _, name = path.rpartition(b"/")
        aside = folder + b"/" + aside_name(name.decode()).encode()
        await _remove_quietly(remote, aside)
        await remote.within(remote.sftp.rename(path, aside))
        try:
            await remote.within(remote.sftp.rename(part, path))
        except BaseException:
            await remote.within(remote.sftp.rename(aside, path))
            raise
        await _remove_quietly(remote, aside)


async def sweep(remote: Remote, folder: bytes) -> None:
    """Removes partial files in `folder` whose writers are gone (R7)."""
    left: list[bytes] = []

    def take(name: bytes, facts: SftpFacts) -> None:
        text = name.decode(errors="replace")
        if (
            facts.kind == "file"
            and is_partial(text)
            and is_abandoned(text, facts.describe("").modified_at)
        ):
            left.append(name)

    await remote.each_entry(folder, take)
    for name in left:
        await _remove_quietly(remote, folder + b"/" + name)


async def _open(remote: Remote, path: bytes, settings: SftpSettings, item: ObjectInfo) -> Any:
    try:
        return await remote.within(remote.sftp.open(path, "rb"))
    except Exception as error:
        if is_a(error, "SFTPNoSuchFile", "SFTPNoSuchPath"):
            raise no_such(settings, item.key) from None
        raise


async def _prove_unchanged(
    remote: Remote, source: Any, settings: SftpSettings, item: ObjectInfo
) -> None:
    found = facts_of(await remote.within(source.stat())).describe(item.key)
    if found.etag != item.etag:
        sizes = f" ({item.size_bytes} bytes when listed, {found.size_bytes} bytes now)"
        raise changed(settings, item, sizes)


async def _close_quietly(remote: Remote, file: Any) -> None:
    """Closing what was read, or what an error left: that error is the one to report."""
    with contextlib.suppress(Exception):
        await remote.within(file.close())


async def _remove_quietly(remote: Remote, path: bytes) -> None:
    """Removing what may be gone already."""
    import asyncssh

    with contextlib.suppress(asyncssh.SFTPError):
        await remote.within(remote.sftp.remove(path))


def _unsupported() -> tuple[type[Exception], ...]:
    import asyncssh

    return (asyncssh.SFTPOpUnsupported,)
