"""Image folders: the list, the images of each, uploads, downloads, titles and removal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import Body, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from orchestration.api.answers import Started, started
from orchestration.api.given import GivenActor, GivenAsker, GivenList, GivenProject, GivenSite, Name
from orchestration.api.router import GuardedRouter
from orchestration.services.asking.passing import (
    NOT_KEPT,
    as_file,
    attachment,
    open_stream,
)
from orchestration.services.collections.thumbnails import ObjectRef, PictureWanted
from orchestration.services.dataset_list import DatasetTitle
from orchestration.services.dataset_removal import RemovalReport
from orchestration.services.image_folders.images import ImageDetail, ImagePage
from orchestration.services.image_folders.listing import ImageFolderDetail, ImageFolderSummary
from orchestration.services.imports.importer import importer_of
from orchestration.services.paging import LIMIT, MOST, Page, paged
from orchestration.services.questions.image_folder import (
    DOWNLOAD,
    FILE,
    FILES,
    IMAGE,
    ImageHead,
    ImagesHead,
)
from orchestration.services.site.image_folders import (
    check_holds,
    folder_of,
    list_folders,
    show_one,
)
from orchestration.services.site.image_folders import rename as rename_folder
from orchestration.services.site.picture_answers import answer_picture
from orchestration.services.site.removal import remove as remove_dataset

router = GuardedRouter()
BASE = "/projects/{project}/image-folders"
START_SECONDS = 0.7
"""How long the answer to an upload waits for its run: one into a folder that is known begins at once."""
ImagePath = Annotated[
    str, Query(max_length=4096, description="Path of the image: folder/file.png.")
]
Version = Annotated[
    int | None, Query(ge=1, le=10**15, description="Number of the version; the newest by default.")
]


@dataclass(frozen=True)
class ImageUpload:
    """A ZIP that is to become an image folder, or its next version."""

    name: str
    """Of the image folder; it is declared if there is none."""
    upload_id: str
    """Of a ZIP that was received: by `upload.create`, in one request or in pieces by tus."""


@dataclass(frozen=True)
class StartedUpload(Started):
    """An import on its way (202). Its run is there from the phase `started` on."""

    phase: str
    """`waiting`, `kept`, `started` or `failed`."""
    problem: str
    """Why it failed."""
    upload: str
    """Where its state is asked for."""


@router.get(BASE, operation_id="image-folder.list")
def list_all(site: GivenSite, project: GivenProject, wanted: GivenList) -> Page[ImageFolderSummary]:
    """List image folders: how the last upload of each ended, how many images it holds, the first of these."""
    found = [
        one
        for one in list_folders(site, project)
        if wanted.q.casefold() in f"{one.name}\n{one.title}".casefold()
    ]
    return paged(found, lambda one: [one.name], cursor=wanted.cursor, limit=wanted.limit)


@router.post(BASE, operation_id="image-folder.upload", status_code=202)
async def upload(
    site: GivenSite, project: GivenProject, actor: GivenActor, order: Annotated[ImageUpload, Body()]
) -> StartedUpload:
    """Make an image folder of a ZIP that was received, or its next version.

    The run begins when the ZIP is kept and the project knows the folder, which takes seconds when it is new. The same
    request again is the same import. What holds anything but images is refused by the run, with all their names.
    """
    importer = importer_of(site)
    asked = await importer.ask_images(project.name, actor, order.upload_id, order.name)
    pending = await importer.wait(order.upload_id, START_SECONDS) or asked
    run = started(project.name, pending.run_id)
    return StartedUpload(
        run_id=run.run_id,
        run=run.run,
        events=run.events,
        dagster=run.dagster,
        phase=pending.phase,
        problem=pending.error,
        upload=f"{run.run.rpartition('/runs/')[0]}/uploads/{order.upload_id}",
    )


@router.get(f"{BASE}/{{name}}", operation_id="image-folder.show")
def show(site: GivenSite, project: GivenProject, name: Name) -> ImageFolderDetail:
    """Show an image folder: what it holds, the ZIP that it was made of, its versions."""
    return show_one(site, project, name)


@dataclass(frozen=True)
class WantedImages:
    """Which images of a folder."""

    folder: Annotated[str, Query(max_length=4096, description="Only those below it.")] = ""
    only: Annotated[bool, Query(description="Leave out what is in folders of the folder.")] = False
    search: Annotated[str, Query(max_length=200, description="Part of the path, in any case.")] = ""
    version: Version = None
    cursor: Annotated[str, Query(max_length=8192, description="`next` of the page before.")] = ""
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most images of the page.")] = LIMIT


@router.get(f"{BASE}/{{name}}/files", operation_id="image-folder.files")
async def files(
    asker: GivenAsker,
    project: GivenProject,
    name: Name,
    wanted: Annotated[WantedImages, Depends()],
) -> ImagePage:
    """List the images of a version in the order of their paths, and the folders directly below the one asked for."""
    key = list(folder_of(project, name).key)
    return await asker.ask(FILES, key=key, wanted=asdict(wanted))


@router.get(f"{BASE}/{{name}}/file", operation_id="image-folder.file")
async def file(
    asker: GivenAsker, project: GivenProject, name: Name, path: ImagePath, version: Version = None
) -> ImageDetail:
    """Show an image: size, format, which others have the same bytes, its neighbours in the folder."""
    key = list(folder_of(project, name).key)
    return await asker.ask(FILE, key=key, path=path, version=version)


@router.get(
    f"{BASE}/{{name}}/image",
    operation_id="image-folder.image",
    response_class=StreamingResponse,
    responses={200: {"content": {"image/*": {}}, "description": "The file as it was uploaded."}},
)
async def image(
    request: Request,
    asker: GivenAsker,
    project: GivenProject,
    name: Name,
    path: ImagePath,
    version: Version = None,
    download: Annotated[bool, Query(description="Have a browser save it.")] = False,
) -> Response:
    """Send one image, the bytes that were uploaded, with its content type."""
    key = list(folder_of(project, name).key)
    opening = asker.stream(IMAGE, ImageHead, key=key, path=path, version=version)
    head, chunks = await open_stream(opening)
    headers = {
        "ETag": f'"{head.sha256}"',
        "Cache-Control": "private, no-cache",
        "Content-Length": str(head.size_bytes),
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if request.headers.get("if-none-match", "").removeprefix("W/") == headers["ETag"]:
        await chunks.aclose()  # type: ignore[attr-defined]  # it is a generator
        return Response(status_code=304, headers={**headers, "Content-Length": "0"})
    if head.is_shown and not download:
        headers["Content-Disposition"] = attachment(head.file_name).replace(
            "attachment", "inline", 1
        )
    return as_file(chunks, head.file_name, media_type=head.media_type, headers=headers)


@router.get(
    f"{BASE}/{{name}}/thumbnails/{{sha256}}",
    operation_id="image-folder.thumbnail",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}, "description": "The picture."}},
)
async def thumbnail(
    request: Request,
    site: GivenSite,
    project: GivenProject,
    name: Name,
    sha256: Annotated[str, Path(max_length=64, description="Of the image, as `files` has it.")],
) -> Response:
    """A small picture of an image: WebP, at most 320 pixels wide and high. It is made when it is first asked for."""
    await run_in_threadpool(check_holds, site, project, folder_of(project, name), sha256)
    wanted = PictureWanted(ObjectRef("image", name=f"{name}: {sha256[:12]}", sha256=sha256))
    return await answer_picture(request, site, project, wanted)


@router.get(
    f"{BASE}/{{name}}/download",
    operation_id="image-folder.download",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}, "description": "The ZIP."}},
)
async def download(
    asker: GivenAsker, project: GivenProject, name: Name, version: Version = None
) -> Response:
    """Download a version as a ZIP: the same images, byte for byte, under the same names.

    The same version gives the same bytes. A download that is cut off ends without its last chunk, and opens nowhere.
    """
    key = list(folder_of(project, name).key)
    head, chunks = await open_stream(asker.stream(DOWNLOAD, ImagesHead, key=key, version=version))
    headers = {"Waybill-Version": str(head.version), **NOT_KEPT}
    return as_file(chunks, head.file_name, media_type="application/zip", headers=headers)


@router.patch(f"{BASE}/{{name}}", operation_id="image-folder.rename")
def rename(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    title: Annotated[
        str | None, Body(description="What lists and pages call it; empty takes it back.")
    ] = None,
    description: Annotated[
        str | None, Body(description="What it is, in Markdown; empty takes it back.")
    ] = None,
) -> DatasetTitle:
    """Give an image folder a title and a description for people; its name stays."""
    return rename_folder(site, actor, folder_of(project, name), title, description)


@router.delete(f"{BASE}/{{name}}", operation_id="image-folder.remove")
async def remove(
    site: GivenSite,
    project: GivenProject,
    actor: GivenActor,
    name: Name,
    force: Annotated[
        bool, Query(description="Also when others are made from it, or a run is making it.")
    ] = False,
    definition: Annotated[
        bool, Query(description="Whether what declares it is taken out of the project's YAML.")
    ] = True,
) -> RemovalReport:
    """Remove an image folder: all versions, and what declares it.

    A definition that something uses stays, and all versions with it, forced or not.
    """
    entry = folder_of(project, name)
    return await remove_dataset(site, project, actor, entry, force=force, definition=definition)
