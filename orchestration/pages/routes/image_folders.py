"""Image folders: the list, the gallery of each with its folders, one image, and what its menu does."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from orchestration.pages.page import page
from orchestration.pages.render import to_part, to_size
from orchestration.pages.tiles import Tile
from orchestration.pages.visit import Visit
from orchestration.services.collections.thumbnails import ObjectRef, PictureWanted
from orchestration.services.dataset_list import DAMAGED, QUEUED, RUNNING, DatasetEntry
from orchestration.services.image_folders.content import is_shown
from orchestration.services.image_folders.images import ImagePage
from orchestration.services.image_folders.listing import ImageFolderDetail
from orchestration.services.paging import paged
from orchestration.services.questions.image_folder import FILE, FILES
from orchestration.services.site.image_folders import (
    folder_of,
    list_folders,
    rename,
    show_one,
)
from orchestration.services.site.removal import remove
from orchestration.services.uploads.limits import upload_limit
from resources.kernel.errors import InputError, InUseError

IMAGES = 60
"""Images of a page of a gallery."""


async def _list(visit: Visit) -> Response:
    search = visit.query("q")
    found = [
        one
        for one in await visit.run(list_folders, visit.site, visit.project)
        if search.casefold() in f"{one.name}\n{one.title}".casefold()
    ]
    shown = paged(found, lambda one: [one.name], cursor=visit.query("cursor") or None)
    wanted = [_picture(one.name, first.sha256) for one in shown.items for first in one.first]
    await visit.site.pictures.expect(visit.project, wanted)
    return await visit.render(
        "image_folders/list.html",
        page=shown,
        q=search,
        api=_api(visit),
        uploads=_api(visit).replace("/image-folders", "/uploads"),
        limit=upload_limit(),
        is_busy=any(one.status in (QUEUED, RUNNING) for one in shown.items),
    )


def _picture(name: str, sha256: str) -> PictureWanted:
    return PictureWanted(ObjectRef("image", name=f"{name}: {sha256[:12]}", sha256=sha256))


def _api(visit: Visit) -> str:
    return f"/api/v1/projects/{to_part(visit.project.name)}/image-folders"


def _entry(visit: Visit) -> DatasetEntry:
    return folder_of(visit.project, visit.request.path_params["name"])


async def _render(visit: Visit, template: str, **values: Any) -> Response:
    """A page of one image folder."""
    entry = _entry(visit)
    found = values.pop("found", None) or await visit.run(
        show_one, visit.site, visit.project, entry.name
    )
    return await visit.render(
        f"image_folders/{template}",
        folder=found,
        name=entry.name,
        own=f"{visit.base}/image-folders/{to_part(entry.name)}",
        **values,
    )


async def _show(visit: Visit) -> Response:
    """The gallery; asked by its own script it is the state alone, and the page anew once that has changed."""
    entry = _entry(visit)
    found = await visit.run(show_one, visit.site, visit.project, entry.name)
    is_busy = found.summary.status in (QUEUED, RUNNING)
    if visit.is_fragment:
        answer = await _render(visit, "state.html", found=found, is_busy=is_busy)
        if not is_busy:
            answer.headers["HX-Refresh"] = "true"
        return answer
    images = await _images(visit, entry, found)
    return await _render(
        visit,
        "show.html",
        found=found,
        is_busy=is_busy,
        images=images,
        tiles=await _tiles(visit, entry, images) if images else [],
        at=visit.query("folder"),
        q=visit.query("q"),
        version=visit.query("version"),
        trail=_trail(visit.query("folder")),
    )


async def _images(visit: Visit, entry: DatasetEntry, found: ImageFolderDetail) -> ImagePage | None:
    if found.summary.version is None or found.summary.status == DAMAGED:
        return None
    search = visit.query("q")
    wanted = {
        "folder": visit.query("folder"),
        "only": not search,
        "search": search,
        "version": visit.number("version", 0) or None,
        "cursor": visit.query("cursor"),
        "limit": IMAGES,
    }
    return await visit.ask(FILES, key=list(entry.key), wanted=wanted)


async def _tiles(visit: Visit, entry: DatasetEntry, images: ImagePage) -> list[Tile]:
    wanted = [_picture(entry.name, one.sha256) for one in images.items]
    there = await visit.site.pictures.expect(visit.project, wanted)
    own = f"{visit.base}/image-folders/{to_part(entry.name)}"
    pictures = f"{_api(visit)}/{to_part(entry.name)}/thumbnails"
    version = visit.query("version")
    at = len(images.items[0].folder) + 1 if images.items and images.items[0].folder else 0
    return [
        Tile(
            href=f"{own}/file?{_query(path=one.path, version=version)}",
            title=one.path if visit.query("q") else one.path[at:],
            picture=f"{pictures}/{one.sha256}" if is_there else "",
            caption=f"{one.width} \u00d7 {one.height}, {to_size(one.size_bytes)}",
        )
        for one, is_there in zip(images.items, there, strict=True)
    ]


def _query(**given: str) -> str:
    return urlencode({name: value for name, value in given.items() if value}, quote_via=quote)


def _trail(folder: str) -> list[tuple[str, str]]:
    """Name and path of each folder on the way."""
    parts = folder.split("/") if folder else []
    return [(part, "/".join(parts[: place + 1])) for place, part in enumerate(parts)]


async def _file(visit: Visit) -> Response:
    entry, path = _entry(visit), visit.query("path")
    version = visit.number("version", 0) or None
    detail = await visit.ask(FILE, key=list(entry.key), path=path, version=version)
    place = f"{_api(visit)}/{to_part(entry.name)}"
    query = _query(path=path, version=visit.query("version"))
    image = f"{place}/image?{query}"
    small = f"{place}/thumbnails/{detail.image.sha256}"
    return await _render(
        visit,
        "file.html",
        detail=detail,
        picture=image if is_shown(detail.image.format) else small,
        save=f"{image}&download=true",
        version=visit.query("version"),
        trail=_trail(detail.image.folder),
    )


async def _download(visit: Visit) -> Response:
    """The bytes come from the API, whose answer cannot be taken for whole when it was cut off."""
    query = _query(version=visit.query("version"))
    place = f"{_api(visit)}/{to_part(_entry(visit).name)}/download"
    return RedirectResponse(f"{place}?{query}" if query else place, 303)


async def _rename_form(visit: Visit) -> Response:
    return await _ask_for_title(visit)


async def _ask_for_title(visit: Visit, status: int = 200, **given: str) -> Response:
    found = await visit.run(show_one, visit.site, visit.project, _entry(visit).name)
    title = "" if found.summary.title == found.summary.name else found.summary.title
    values = {"title": title, "description": found.description, "problem": "", **given}
    return await _render(visit, "rename.html", status=status, found=found, **values)


async def _rename(visit: Visit) -> Response:
    entry, form = _entry(visit), await visit.form()
    title, description = str(form.get("title", "")), str(form.get("description", ""))
    if description.strip() == entry.description.strip():
        description = ""  # what is declared shows without being written down once more
    try:
        await visit.run(rename, visit.site, visit.actor, entry, title, description)
    except InputError as error:  # what was typed stays in the form
        given = {"title": title, "description": description, "problem": str(error)}
        return await _ask_for_title(visit, 422, **given)
    notice = "Title and description are saved"
    return visit.redirect(f"/image-folders/{to_part(entry.name)}", notice=notice)


async def _remove_form(visit: Visit) -> Response:
    return await _ask_to_remove(visit)


async def _ask_to_remove(visit: Visit, status: int = 200, **given: Any) -> Response:
    values = {"problem": "", "force": False, "definition": True, **given}
    return await _render(visit, "remove.html", status=status, **values)


async def _remove(visit: Visit) -> Response:
    entry, form = _entry(visit), await visit.form()
    force, definition = form.get("force") == "true", form.get("definition") == "true"
    try:
        found = await remove(
            visit.site, visit.project, visit.actor, entry, force=force, definition=definition
        )
    except InUseError as error:
        given = {"problem": str(error), "force": force, "definition": definition}
        return await _ask_to_remove(visit, 409, **given)
    if found.definition:
        return visit.redirect("/image-folders", notice=f"{entry.name} was removed")
    told = f"All images of {entry.name} were removed; its definition stays"
    return visit.redirect("/image-folders", notice=told)


ONE = "/image-folders/{name}"
ROUTES = [
    page("image-folder.list", "/image-folders", _list),
    page("image-folder.show", ONE, _show),
    page("image-folder.file", f"{ONE}/file", _file),
    page("image-folder.download", f"{ONE}/download", _download),
    page("image-folder.rename", f"{ONE}/rename", _rename_form),
    page("image-folder.rename", f"{ONE}/rename", _rename, methods=["POST"]),
    page("image-folder.remove", f"{ONE}/remove", _remove_form),
    page("image-folder.remove", f"{ONE}/remove", _remove, methods=["POST"]),
]
