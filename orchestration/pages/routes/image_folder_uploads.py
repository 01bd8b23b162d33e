"""Uploads of ZIPs for image folders: a place to drop one, and what becomes of it.

Below `/image-folders/-/`: nothing is called `-`.
"""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from orchestration.pages import uploads
from orchestration.pages.page import page
from orchestration.pages.render import to_part
from orchestration.pages.visit import Visit
from orchestration.services.imports.importer import importer_of
from orchestration.services.site.image_folders import show_one
from orchestration.services.uploads.incoming import Incoming, IncomingUploads
from orchestration.services.uploads.limits import upload_limit
from orchestration.services.uploads.names import proposed_name
from resources.kernel.errors import NotFoundError, UnknownNameError, WaybillError

PLACE = "/image-folders/-/upload"


async def _start(visit: Visit) -> Response:
    """Where a ZIP is chosen or dropped."""
    importer_of(visit.site)
    return await _form(visit, name=visit.query("name"))


async def _form(visit: Visit, *, name: str = "", error: str = "", status: int = 200) -> Response:
    api = f"/api/v1/projects/{to_part(visit.project.name)}"
    return await visit.render(
        "image_folders/new.html",
        status=status,
        limit=upload_limit(),
        api=f"{api}/uploads",
        claim=f"{api}/image-folders",
        given=name,
        error=error,
    )


async def _receive(visit: Visit) -> Response:
    """A ZIP of a plain form, with the name of its image folder."""
    try:
        found, fields = await uploads.receive(visit)
    except WaybillError as error:
        return uploads.refused(await _form(visit, error=str(error), status=422))
    name = fields.get("name", "").strip() or proposed_name(found.filename)
    try:
        await importer_of(visit.site).ask_images(
            visit.project.name, visit.actor, found.upload_id, name
        )
    except WaybillError as error:
        await visit.run(IncomingUploads(visit.site.home).cancel, found.upload_id)
        return await _form(visit, name=name, error=str(error), status=422)
    return visit.redirect(f"{PLACE}/{found.upload_id}")


async def _progress(visit: Visit) -> Response:
    """How far the import is."""
    found = await visit.run(_incoming, visit)
    pending = importer_of(visit.site).state(found.upload_id)
    if pending is None:
        return visit.redirect(PLACE)
    name = to_part(pending.dataset)
    return await uploads.show_progress(
        visit,
        found,
        pending,
        made=f"{visit.base}/image-folders/{name}",
        own=f"{visit.base}{PLACE}/{found.upload_id}",
        back=f"{visit.base}{PLACE}?name={name}",
        reason=partial(_reason, visit, pending.dataset),
    )


def _reason(visit: Visit, name: str) -> str:
    """Why the run failed, in words."""
    try:
        return show_one(visit.site, visit.project, name).summary.reason
    except UnknownNameError:
        return ""  # taken out of the definitions meanwhile


def _incoming(visit: Visit) -> Incoming:
    upload_id = visit.request.path_params["upload_id"]
    found = IncomingUploads(visit.site.home).state(upload_id)
    if found.project != visit.project.name:
        raise NotFoundError(f"there is no upload {upload_id[:40]!r} in this project")
    return found


ROUTES = [
    page("image-folder.upload", PLACE, _start),
    page("image-folder.upload", PLACE, _receive, methods=("POST",)),
    page("upload.show", f"{PLACE}/{{upload_id}}", _progress),
]
