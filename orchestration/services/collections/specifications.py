"""Specifications on their way in: sent in one request, received in pieces, or lying in a connector. All are kept by their content.

What is kept is named by its SHA-256, so the file that was checked is the file that is imported. Bytes come through the room for uploads
(`services/uploads`): onto the disk as they arrive, up to its limit.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from assets.collections.keeping import SPECIFICATION_LIMIT, keep_object
from orchestration.location import Location
from orchestration.services.collections.declared import find_collection
from orchestration.services.home import Home
from orchestration.services.uploads.incoming import IncomingUploads
from orchestration.services.uploads.names import shown_name
from orchestration.services.uploads.receiving import receive_piece
from resources.connectors.base import FileConnector
from resources.kernel.errors import ConfigError, InputError, NotFoundError
from resources.stores.uploads import UploadStore

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class KeptSpecification:
    """A specification file that is kept until a run has taken it."""

    sha256: str
    file_name: str
    """As its sender calls it; the ending decides the format."""


def keep_received(
    home: Home, project: str, upload: str, file_name: str = "", *, forget: bool = False
) -> KeptSpecification:
    """The specification that an upload is, whether it was just received or is kept already.

    Args:
        home: where uploads are received.
        project: the one that it was sent to.
        upload: id of a received file, or the SHA-256 of a kept one.
        file_name: its name; the one that it was sent by when left out.
        forget: whether the received file is done with; else it goes after a day.

    Raises:
        NotFoundError: no such upload.
        ConflictError: it is still on its way.
        InputError: neither id nor hash; no name.
        StorageError: no room for it.
    """
    if not _UPLOAD_ID.fullmatch(upload):
        return KeptSpecification(upload, shown_name(file_name))
    uploads = IncomingUploads(home)
    found, path = uploads.received(upload, project)
    kept = UploadStore.open().stage(path, limit=SPECIFICATION_LIMIT)
    if forget:
        with suppress(NotFoundError):
            uploads.cancel(upload)
    return KeptSpecification(kept.sha256, shown_name(file_name or found.filename))


async def receive(
    home: Home,
    project: str,
    by: str,
    file_name: str,
    chunks: AsyncIterator[bytes],
    *,
    size_bytes: int | None,
) -> KeptSpecification:
    """Keeps what a request sends, whole or not at all.

    Args:
        home: where it is received.
        project: whom it is for.
        by: who sends it.
        file_name: as the sender calls it.
        chunks: its bytes.
        size_bytes: how many the sender says there are.

    Raises:
        InputError: none came, or more than the limit, or than was said.
        StorageError: no room for it.
    """
    uploads = IncomingUploads(home)
    made = await asyncio.to_thread(
        lambda: uploads.begin(file_name, size_bytes=size_bytes, by=by, project=project)
    )
    try:
        found = await receive_piece(uploads, made.upload_id, 0, chunks)
        if not found.offset:
            raise InputError(
                "the body is empty: it has to be the specification", hint="Or name an `upload`"
            )
        await asyncio.to_thread(uploads.finish, made.upload_id)
        return await asyncio.to_thread(keep_received, home, project, made.upload_id)
    finally:
        with suppress(NotFoundError):
            uploads.cancel(made.upload_id)


def keep_from_connector(
    location: Location, name: str, connector: str, key: str
) -> KeptSpecification:
    """Keeps a specification that lies in one of a collection's connectors.

    Raises:
        UnknownNameError: no such collection or connector.
        InputError: the connector is none of the collection's.
        NotFoundError: no such object.
        WaybillError: it cannot be read.
    """
    spec = find_collection(location, name)
    if connector not in spec.connectors:
        raise InputError(
            f"collection {name}: {connector[:80]!r} is none of its connectors",
            hint=f"Its connectors: {', '.join(spec.connectors) or 'none'}",
        )
    files = location.connector(connector)
    if not isinstance(files, FileConnector):
        raise ConfigError(f"connector {connector!r} holds tables, not files")
    sha256 = keep_object(files, key, UploadStore.open())
    return KeptSpecification(sha256, shown_name(key))
