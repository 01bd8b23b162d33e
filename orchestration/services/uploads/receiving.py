"""Bytes from a connection onto the disk, without blocking other requests meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, suppress

from starlette.requests import ClientDisconnect

from orchestration.services.uploads.form_data import FIELDS, FormFile, FormStream
from orchestration.services.uploads.incoming import Incoming, IncomingUploads
from orchestration.services.uploads.writer import IncomingWriter
from resources.kernel.errors import InputError, WaybillError

PIECE_BYTES = 2 << 20
"""How much is gathered before it is written, in a thread."""
FORM_FILES = 1_000
"""How many files one form may hold; more of them come in pieces, each by itself."""
_PIECES_MAX = 1_000
CHECKSUMS = ("sha256", "sha1", "md5")


class ChecksumError(InputError):
    """A piece is not what its sender says it is."""


class _Gathering:
    """Gathers small pieces; many of them at once are written and hashed in a thread, while the next ones come."""

    def __init__(self, writer: IncomingWriter) -> None:
        self._writer = writer
        self._held: list[bytes] = []
        self._size = 0
        self._taking: asyncio.Future[None] | None = None

    async def write(self, data: bytes) -> None:
        self._held.append(data)  # as they are: to join them costs as much as to write them
        self._size += len(data)
        if self._size >= PIECE_BYTES or len(self._held) >= _PIECES_MAX:
            await self.flush()

    async def flush(self) -> None:
        """Hands on what is held once what was handed on before is written; raises what went wrong there."""
        if self._taking is not None:
            await asyncio.shield(self._taking)
        held, self._held, self._size = self._held, [], 0
        self._taking = asyncio.ensure_future(asyncio.to_thread(self._take, held)) if held else None

    async def close(self) -> None:
        """Writes what is left."""
        await self.flush()
        await self.flush()

    async def rest(self) -> None:
        """Waits until no thread writes any more. Who is cancelled waits all the same: the file is closed after that."""
        while self._taking is not None and not self._taking.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([self._taking])
        if self._taking is not None and not self._taking.cancelled():
            self._taking.exception()  # it was told already, or something else ended this

    def _take(self, held: list[bytes]) -> None:
        for data in held:
            self._writer.write(data)
        if self._writer.hashed is not None:
            self._writer.hashed.take(held)


async def receive_piece(
    uploads: IncomingUploads,
    upload_id: str,
    offset: int,
    chunks: AsyncIterator[bytes],
    *,
    checksum: tuple[str, bytes] | None = None,
) -> Incoming:
    """Appends a piece; what came before the connection was cut stays, unless the piece has a checksum.

    Args:
        uploads: where to.
        upload_id: which file.
        offset: where the piece begins.
        chunks: its bytes.
        checksum: one of `CHECKSUMS`, and the digest of the whole piece.

    Raises:
        ConflictError: see `IncomingUploads.writer`.
        InputError: more bytes than were announced: none of the piece stays.
        ChecksumError: the piece is another one: none of it stays.
    """
    digest = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
    with uploads.writer(upload_id, offset) as writer:
        gathering = _Gathering(writer)
        try:
            async for chunk in chunks:
                if digest is not None:
                    digest.update(chunk)
                await gathering.write(chunk)
            await gathering.close()
        except ClientDisconnect:
            if digest is not None:
                await gathering.rest()
                writer.take_back()
            else:
                await gathering.close()
            raise
        except WaybillError:
            await gathering.rest()
            writer.take_back()
            raise
        finally:
            await gathering.rest()
        if digest is not None and checksum is not None and digest.digest() != checksum[1]:
            writer.take_back()
            raise ChecksumError("the piece does not fit its checksum", hint="Send it again")
    return uploads.state(upload_id)


class _FormFiles:
    """The files of a form on their way to the disk, one after the other.

    Args:
        uploads: where to.
        by: whose they are.
        project: whom they are for.
    """

    def __init__(self, uploads: IncomingUploads, *, by: str, project: str) -> None:
        self._uploads = uploads
        self._by, self._project = by, project
        self._ids: list[str] = []
        self._whole: list[Incoming] = []
        self._open: tuple[ExitStack, _Gathering] | None = None

    async def open(self, file: FormFile) -> Callable[[bytes], Awaitable[None]]:
        """Begins with a file; what came before it is whole."""
        await self.close()
        made = self._uploads.begin(
            file.filename, size_bytes=None, by=self._by, project=self._project
        )
        self._ids.append(made.upload_id)
        stack = ExitStack()
        writer = stack.enter_context(self._uploads.writer(made.upload_id, 0))
        gathering = _Gathering(writer)
        self._open = (stack, gathering)
        return gathering.write

    async def close(self) -> None:
        """Takes the file that is open for whole."""
        if self._open is None:
            return
        stack, gathering = self._open
        await gathering.close()
        self._open = None
        stack.close()
        self._whole.append(await asyncio.to_thread(self._uploads.finish, self._ids[-1]))

    async def throw_away(self) -> None:
        """Removes all of them, once no thread writes any more."""
        if self._open is not None:
            stack, gathering = self._open
            await gathering.rest()
            stack.close()
        for upload_id in self._ids:
            self._uploads.cancel(upload_id)

    @property
    def whole(self) -> list[Incoming]:
        """Those that are whole, in the order of the form."""
        return self._whole


async def receive_files(
    uploads: IncomingUploads,
    content_type: str,
    chunks: AsyncIterator[bytes],
    *,
    by: str,
    project: str,
    most: int = FORM_FILES,
    most_fields: int = FIELDS,
) -> tuple[list[Incoming], dict[str, str]]:
    """Receives the files of a form, all whole or none at all; the files, and the fields of the form.

    Raises:
        InputError: no form, too many files, or one that is too large.
        StorageError: no room for them.
    """
    form = FormStream(content_type, most_files=most, most_fields=most_fields)
    files = _FormFiles(uploads, by=by, project=project)
    try:
        fields = await form.receive(chunks, files.open)
        await files.close()
    except BaseException:
        await files.throw_away()
        raise
    return files.whole, fields


async def receive_form(
    uploads: IncomingUploads,
    content_type: str,
    chunks: AsyncIterator[bytes],
    *,
    by: str,
    project: str,
) -> tuple[Incoming, dict[str, str]]:
    """Receives the file of a form, whole or not at all; the file, and the fields of the form.

    Raises:
        InputError: no form, no file, a file that is too large, or one that begins otherwise than its name says.
        StorageError: no room for it.
    """
    found, fields = await receive_files(
        uploads, content_type, chunks, by=by, project=project, most=1
    )
    if not found:
        raise InputError("there is no file in the form", hint="Choose a file")
    [whole] = found
    if whole.problem:
        uploads.cancel(whole.upload_id)
        raise InputError(whole.problem)
    return whole, fields
