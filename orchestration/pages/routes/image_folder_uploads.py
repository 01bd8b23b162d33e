"""Uploads of ZIPs for image folders: a place to drop one, and what becomes of it.

Below `/image-folders/-/`: nothing is called `-`.
"""

from __future__ import annotations

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.render import to_part
from orchestration.pages.visit import Visit
from orchestration.services.imports.importer import importer_of
from orchestration.services.site.image_folders import show_one
from orchestration.services.uploads.incoming import Incoming, IncomingUploads
from orchestration.services.uploads.limits import upload_limit
from orchestration.services.uploads.names import proposed_name
from orchestration.services.uploads.receiving import receive_form
from resources.kernel.errors import NotFoundError, UnknownNameError, WaybillError

PLACE = "/image-folders/-/upload"
_ENDED = {"SUCCESS": "succeeded", "FAILURE": "failed", "CANCELED": "canceled"}


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
    uploads = IncomingUploads(visit.site.home)
    try:
        found, fields = await receive_form(
            uploads,
            visit.request.headers.get("content-type", ""),
            visit.request.stream(),
            by=visit.actor.name,
            project=visit.project.name,
        )
    except WaybillError as error:
        refused = await _form(visit, error=str(error), status=422)
        refused.headers["Connection"] = "close"  # the rest of the body would else be waited for
        return refused
    name = fields.get("name", "").strip() or proposed_name(found.filename)
    try:
        await importer_of(visit.site).ask_images(
            visit.project.name, visit.actor, found.upload_id, name
        )
    except WaybillError as error:
        await visit.run(uploads.cancel, found.upload_id)
        return await _form(visit, name=name, error=str(error), status=422)
    return visit.redirect(f"{PLACE}/{found.upload_id}")


async def _progress(visit: Visit) -> Response:
    """How far the import is."""
    found = await visit.run(_incoming, visit)
    pending = importer_of(visit.site).state(found.upload_id)
    if pending is None:
        return visit.redirect(PLACE)
    run = await visit.run(visit.site.instance.get_run_by_id, pending.run_id)
    ended = _ENDED.get(run.status.value, "") if run else ""
    folder = f"{visit.base}/image-folders/{to_part(pending.dataset)}"
    if ended == "succeeded" and visit.is_fragment:
        return Response(status_code=200, headers={"HX-Redirect": folder})
    return await visit.render(
        "uploads/state.html" if visit.is_fragment else "uploads/progress.html",
        found=found,
        pending=pending,
        ended=ended,
        has_run=run is not None,
        made=folder,
        progress=f"{visit.base}{PLACE}/{found.upload_id}",
        back=f"{visit.base}{PLACE}?name={to_part(pending.dataset)}",
        reason=await visit.run(_reason, visit, pending.dataset) if ended == "failed" else "",
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
