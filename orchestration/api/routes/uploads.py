"""Uploads: files received as a form or in pieces by the tus protocol 1.0, looked at, and imported.

tus is spoken here and not by a library: those that there are write files and check limits their own way, beside the
ones that uploads have anyway. What is left is headers.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import Body, Depends, Header, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from orchestration.api.given import (
    GivenActor,
    GivenAsker,
    GivenProject,
    GivenSite,
    IdempotencyKey,
)
from orchestration.api.router import GuardedRouter
from orchestration.api.tus import (
    CHECKSUM_MISMATCH,
    PIECE,
    TUS,
    check_version,
    discovery,
    parse_checksum,
    parse_metadata,
    tus_answer,
)
from orchestration.services.imports.importer import importer_of
from orchestration.services.questions.upload import PREVIEW, UploadPreview
from orchestration.services.uploads.incoming import PART_OF, Incoming, IncomingUploads
from orchestration.services.uploads.limits import upload_limit
from orchestration.services.uploads.pending import PendingImport
from orchestration.services.uploads.receiving import (
    ChecksumError,
    receive_form,
    receive_piece,
)
from orchestration.services.uploads.settings import UploadSettings
from resources.kernel.errors import ConflictError, InputError

router = GuardedRouter()
ANSWER_SECONDS = 0.7
"""How long the answer to an import waits for its run: one into a dataset that is known begins at once."""


@dataclass(frozen=True)
class UploadState:
    """A file on its way in, and what became of it."""

    id: str
    file: str
    """Its name, without folders and control characters."""
    size_bytes: int | None
    offset: int
    """How many bytes have come."""
    phase: Literal["receiving", "received", "waiting", "kept", "started", "failed"]
    problem: str
    """Why it cannot be imported."""
    expires_at: str
    dataset: str = ""
    """What it becomes: the name of a dataset, or of an image folder."""
    noun: str = ""
    """Which of these: `dataset` or `image folder`."""
    run_id: str = ""
    """The run that imports it; it is there from the phase `started` on."""
    location: str = ""


@dataclass(frozen=True)
class Announcement:
    """A file that will come by tus."""

    version: Annotated[
        str | None, Header(alias="Tus-Resumable", description="`1.0.0`: the tus protocol.")
    ] = None
    size_bytes: Annotated[
        int | None,
        Header(alias="Upload-Length", ge=0, description="tus: how many bytes will come."),
    ] = None
    metadata: Annotated[
        str, Header(alias="Upload-Metadata", description="tus: `filename`, its value in Base64.")
    ] = ""
    key: IdempotencyKey = None


@dataclass(frozen=True)
class UploadLimits:
    """What may be uploaded, to be known before anything is sent."""

    max_bytes: int
    formats: tuple[str, ...] = ("csv", "tsv", "excel", "json", "jsonl", "parquet")
    packed: tuple[str, ...] = (".gz", ".bz2", ".zst", ".zip")
    piece_bytes: int = 8_000_000
    """A size of pieces that passes any proxy."""
    kept_hours: int = 24
    """How long a file waits for its rest, or for its import."""


@dataclass(frozen=True)
class ReadingSettings:
    """How files are read, as a dataset declares it."""

    format: str = ""
    member: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    rename: dict[str, str] = field(default_factory=dict)

    def to_settings(self) -> UploadSettings:
        """As services have it."""
        return UploadSettings(self.format, self.member, self.options, self.rename)


@dataclass(frozen=True)
class UploadLook:
    """What to look at, and how to read it."""

    name: str = ""
    """Of the dataset that it is for; its own settings count unless others are given."""
    settings: ReadingSettings | None = None
    more: tuple[str, ...] = ()
    """Ids of further files of the same table."""
    rows: int = 20


@dataclass(frozen=True)
class UploadImport:
    """What a file is to become."""

    name: str
    """Of the dataset; it is declared if there is none."""
    settings: ReadingSettings = field(default_factory=ReadingSettings)
    more: tuple[str, ...] = ()
    """Ids of further files of the same table."""


def _uploads(site: GivenSite) -> IncomingUploads:
    return IncomingUploads(site.home)


def _place(project: str, upload_id: str = "") -> str:
    return f"/api/v1/projects/{quote(project, safe='')}/uploads" + (
        f"/{upload_id}" if upload_id else ""
    )


def _state(found: Incoming, pending: PendingImport | None) -> UploadState:
    return UploadState(
        id=found.upload_id,
        file=found.filename,
        size_bytes=found.size_bytes,
        offset=found.offset,
        phase=pending.phase if pending else "received" if found.is_received else "receiving",
        problem=(pending.error if pending else "") or found.problem,
        expires_at=found.expires_at.isoformat(timespec="seconds"),
        dataset=pending.dataset if pending else "",
        noun=pending.noun if pending else "",
        run_id=pending.run_id if pending and pending.phase == "started" else "",
        location=_place(found.project, found.upload_id),
    )


@router.get("/projects/{project}/uploads/limits", operation_id="upload.limits")
async def limits(project: GivenProject) -> UploadLimits:  # noqa: ARG001 - the same for all projects
    """Say how much one file may have, and of which formats it may be."""
    return UploadLimits(upload_limit())


@router.options("/projects/{project}/uploads", operation_id="upload.discover", status_code=204)
async def discover(project: GivenProject) -> Response:  # noqa: ARG001 - the same for all projects
    """Say what of the tus protocol is spoken here."""
    return Response(None, 204, discovery(upload_limit()))


@router.get("/projects/{project}/uploads", operation_id="upload.list")
async def list_uploads(project: GivenProject, site: GivenSite) -> list[UploadState]:
    """List the files that are on their way in, or wait to be imported."""
    importer = importer_of(site)
    found = await asyncio.to_thread(_uploads(site).all)
    return [
        _state(one, importer.state(one.upload_id)) for one in found if one.project == project.name
    ]


_BODIES = {
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            },
            PIECE: {"schema": {"type": "string", "format": "binary"}},
        }
    }
}


@router.post(
    "/projects/{project}/uploads",
    operation_id="upload.create",
    status_code=201,
    response_model=UploadState,
    openapi_extra=_BODIES,
)
async def create(
    request: Request,
    project: GivenProject,
    site: GivenSite,
    actor: GivenActor,
    given: Annotated[Announcement, Depends()],
) -> Response:
    """Upload a file: as a form (`multipart/form-data`) in one request, or in pieces by the tus protocol 1.0.

    A form is answered when the file is whole. By tus the answer to the announcement names, in `Location`, where pieces go;
    announced again with the same `Idempotency-Key` it is the same file, and `Upload-Offset` says where it stands.
    """
    uploads, kind = _uploads(site), request.headers.get("content-type", "")
    importer_of(site)
    if given.version is None:
        if not kind.startswith("multipart/form-data"):
            raise HTTPException(415, "send a form (multipart/form-data), or speak tus 1.0.0")
        try:
            found, _ = await receive_form(
                uploads, kind, request.stream(), by=actor.name, project=project.name
            )
        except InputError as error:
            raise _refused(error) from error
        shown = _state(found, None)
        return JSONResponse(
            asdict(shown), 201, {"Location": shown.location, "Cache-Control": "no-store"}
        )
    found = await _announce(uploads, given, actor.name, project.name)
    if found.is_received or found.offset:  # begun before, with the same key
        await _pass_over(request)
    elif kind == PIECE:
        found = await _receive(uploads, found.upload_id, 0, request, None)
    elif found.size_bytes == 0:
        found = await asyncio.to_thread(uploads.finish, found.upload_id)
    return tus_answer(found, 201, Location=_place(project.name, found.upload_id))


async def _pass_over(request: Request) -> None:
    async for _ in request.stream():
        pass


async def _announce(
    uploads: IncomingUploads, given: Announcement, by: str, project: str
) -> Incoming:
    check_version(given.version)
    said = parse_metadata(given.metadata)
    name = said.get("filename") or said.get("name") or ""
    size_bytes = given.size_bytes
    if size_bytes is None:
        raise HTTPException(400, "Upload-Length says how many bytes will come")
    if size_bytes > uploads.limit:
        raise HTTPException(413, f"one file may have {uploads.limit:,} bytes")
    note = {PART_OF: said[PART_OF]} if PART_OF in said else {}
    return await asyncio.to_thread(
        lambda: uploads.begin(
            name, size_bytes=size_bytes, by=by, project=project, note=note, key=given.key or ""
        )
    )


@router.head("/projects/{project}/uploads/{upload_id}", operation_id="upload.offset")
async def offset(project: GivenProject, site: GivenSite, upload_id: str) -> Response:
    """Say, by the tus protocol, how many bytes have come."""
    found = await asyncio.to_thread(_uploads(site).state, upload_id, project.name)
    return tus_answer(found, 200)


@router.get("/projects/{project}/uploads/{upload_id}", operation_id="upload.show")
async def show(project: GivenProject, site: GivenSite, upload_id: str) -> UploadState:
    """Show how far a file is: on its way, received, or in which phase its import is."""
    found = await asyncio.to_thread(_uploads(site).state, upload_id, project.name)
    return _state(found, importer_of(site).state(upload_id))


@router.patch(
    "/projects/{project}/uploads/{upload_id}",
    operation_id="upload.send",
    status_code=204,
    response_class=Response,
    openapi_extra={
        "requestBody": {"content": {PIECE: {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def send(
    request: Request,
    project: GivenProject,
    site: GivenSite,
    upload_id: str,
    upload_offset: Annotated[int, Header(ge=0, description="Where the piece begins.")],
    tus_resumable: Annotated[str | None, Header(description="`1.0.0`.")] = None,
    upload_checksum: Annotated[
        str | None, Header(description="`sha256`, `sha1` or `md5`, and the digest in Base64.")
    ] = None,
) -> Response:
    """Send a piece of a file, by the tus protocol. The last one makes it whole."""
    check_version(tus_resumable)
    if request.headers.get("content-type") != PIECE:
        raise HTTPException(415, f"a piece is {PIECE}")
    checksum = parse_checksum(upload_checksum)
    await asyncio.to_thread(_uploads(site).state, upload_id, project.name)
    try:
        found = await _receive(_uploads(site), upload_id, upload_offset, request, checksum)
    except ChecksumError as error:
        return Response(str(error), CHECKSUM_MISMATCH, {"Tus-Resumable": TUS})
    return tus_answer(found, 204)


def _refused(error: InputError) -> HTTPException:
    """Hangs up as well: the rest of an unwanted body would else be waited for."""
    status = 413 if "limit" in error.facts else 422
    return HTTPException(status, str(error), {"Connection": "close"})


async def _receive(
    uploads: IncomingUploads,
    upload_id: str,
    start: int,
    request: Request,
    checksum: tuple[str, bytes] | None,
) -> Incoming:
    try:
        found = await receive_piece(uploads, upload_id, start, request.stream(), checksum=checksum)
    except ChecksumError:
        raise
    except ConflictError as error:
        if error.facts.get("locked"):
            raise HTTPException(423, str(error)) from error
        raise
    except InputError as error:
        raise _refused(error) from error
    except ClientDisconnect:
        raise HTTPException(400, "the connection was cut; what had come is kept") from None
    if found.offset == found.size_bytes:
        return await asyncio.to_thread(uploads.finish, upload_id)
    return found


@router.delete(
    "/projects/{project}/uploads/{upload_id}",
    operation_id="upload.cancel",
    status_code=204,
    response_class=Response,
)
async def cancel(project: GivenProject, site: GivenSite, upload_id: str) -> Response:
    """Throw a file away that was not imported."""
    await asyncio.to_thread(_uploads(site).state, upload_id, project.name)
    pending = importer_of(site).state(upload_id)
    if pending is not None and pending.is_open:
        raise ConflictError("its import has begun", hint="Cancel the run", state=pending.phase)
    await asyncio.to_thread(_uploads(site).cancel, upload_id)
    return Response(None, 204, {"Tus-Resumable": TUS})


@router.post("/projects/{project}/uploads/{upload_id}/preview", operation_id="upload.preview")
async def preview(
    asker: GivenAsker, upload_id: str, look: Annotated[UploadLook, Body()]
) -> UploadPreview:
    """Look at a file before anything of it is kept: typed rows, columns, and every guess with what settles it."""
    return await asker.ask(
        PREVIEW,
        upload_ids=[upload_id, *look.more],
        name=look.name,
        settings=look.settings.to_settings().given if look.settings else None,
        rows=look.rows,
    )


@router.post(
    "/projects/{project}/uploads/{upload_id}/import",
    operation_id="upload.import",
    status_code=202,
)
async def start_import(
    project: GivenProject,
    site: GivenSite,
    actor: GivenActor,
    upload_id: str,
    order: Annotated[UploadImport, Body()],
) -> UploadState:
    """Import a file as a dataset, which is declared if there is none; a second one becomes its next version.

    The run begins when the file is kept and the project knows the dataset, which takes seconds when it is new: then the
    upload's `phase` is `started` and it has a `run_id`. The same request again is the same import.
    """
    importer = importer_of(site)
    await importer.ask(
        project.name,
        actor,
        [upload_id, *order.more],
        order.name,
        order.settings.to_settings(),
    )
    pending = await importer.wait(upload_id, ANSWER_SECONDS)
    return _state(await asyncio.to_thread(_uploads(site).state, upload_id), pending)
