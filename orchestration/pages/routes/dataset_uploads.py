"""Uploads: a place to drop files, a look at them before anything is kept, and what becomes of the import.

Stands before `datasets` in the alphabet: `/datasets/upload/{upload_id}` is found before `/datasets/{name}/...`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.datastructures import FormData
from starlette.responses import Response

from orchestration.pages import uploads
from orchestration.pages.page import page
from orchestration.pages.render import to_part
from orchestration.pages.visit import Visit
from orchestration.services.imports.importer import importer_of
from orchestration.services.questions.upload import PREVIEW, UploadPreview
from orchestration.services.uploads.form_settings import (
    FORMAT_CHOICES,
    TYPES,
    fields_of,
    format_of,
    offered,
    settings_of_form,
)
from orchestration.services.uploads.incoming import Incoming, IncomingUploads
from orchestration.services.uploads.limits import upload_limit
from orchestration.services.uploads.names import proposed_name
from orchestration.services.uploads.settings import UploadSettings
from resources.kernel.errors import InputError, NotFoundError, WaybillError

PREVIEW_ROWS = 20


async def start(visit: Visit) -> Response:
    """Where files are chosen or dropped."""
    importer_of(visit.site)
    return await visit.render(
        "uploads/new.html", limit=upload_limit(), api=_api(visit), error=visit.query("error")
    )


async def receive(visit: Visit) -> Response:
    """One file of a plain form."""
    try:
        found, _ = await uploads.receive(visit)
    except InputError as error:
        values = {"limit": upload_limit(), "api": _api(visit), "error": str(error)}
        return uploads.refused(await visit.render("uploads/new.html", status=422, **values))
    return visit.redirect(f"/datasets/upload/{found.upload_id}")


@dataclass(frozen=True)
class _Chosen:
    """What was filled in."""

    name: str
    fields: Mapping[str, str]
    columns: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, form: Mapping[str, Any], lists: Any) -> _Chosen:
        fields = {key: str(form[key]) for key in form if isinstance(form[key], str)}
        columns = zip(lists("column"), lists("to"), lists("type"), strict=False)
        return cls(fields.get("name", "").strip(), fields, tuple(columns))

    def query(self) -> str:
        """As an address has it."""
        kept = [
            (k, v) for k, v in self.fields.items() if (v and k in _KEPT) or (_is_option(k) and v)
        ]
        for column, new, kind in self.columns:
            if new or kind:
                kept += [("column", column), ("to", new), ("type", kind)]
        return urlencode([("asked", "1"), *kept])


_KEPT = ("name", "format", "member", "more")


def _is_option(name: str) -> bool:
    return name.startswith("option.")


async def look(visit: Visit) -> Response:
    """Typed rows and guesses, with the settings that may change them."""
    found = await visit.run(_incoming, visit)
    pending = importer_of(visit.site).state(found.upload_id)
    if pending is not None and pending.phase != "failed":
        return visit.redirect(f"/datasets/upload/{found.upload_id}/progress")
    query = visit.request.query_params
    return await _show(
        visit, found, _Chosen.of(query, query.getlist), pending.error if pending else ""
    )


async def decide(visit: Visit) -> Response:
    """Looks again with other settings, or imports."""
    found = await visit.run(_incoming, visit)
    form: FormData = await visit.form()
    chosen = _Chosen.of(form, form.getlist)
    place = f"/datasets/upload/{found.upload_id}"
    if form.get("act") == "discard":
        await visit.run(_throw_away, visit, found)
        return visit.redirect("/datasets/-/upload", notice=f"{found.filename} was thrown away")
    if form.get("act") != "import":
        return visit.redirect(f"{place}?{chosen.query()}")
    try:
        settings = settings_of_form(chosen.fields, chosen.columns, found.filename)
        parts = await visit.run(IncomingUploads(visit.site.home).parts, found.upload_id)
        await importer_of(visit.site).ask(
            visit.project.name, visit.actor, [found.upload_id, *parts], chosen.name, settings
        )
    except WaybillError as error:
        return await _show(visit, found, chosen, str(error), status=422)
    return visit.redirect(f"{place}/progress")


async def _show(
    visit: Visit, found: Incoming, chosen: _Chosen, error: str = "", status: int = 200
) -> Response:
    parts = await visit.run(IncomingUploads(visit.site.home).parts, found.upload_id)
    preview, settings = None, UploadSettings()
    try:
        settings = settings_of_form(chosen.fields, chosen.columns, found.filename)
        preview = await visit.ask(
            PREVIEW,
            upload_ids=[found.upload_id, *parts],
            name=chosen.name or proposed_name(found.filename),
            settings=settings.given or None,
            rows=PREVIEW_ROWS,
        )
    except WaybillError as refused:
        error = error or str(refused)
        status = max(status, 422)
    return await visit.render(
        "uploads/preview.html",
        status=status,
        found=found,
        further=len(parts),
        preview=preview,
        error=error,
        **_form(found, chosen, settings, preview),
    )


def _form(
    found: Incoming, chosen: _Chosen, settings: UploadSettings, preview: UploadPreview | None
) -> dict[str, Any]:
    declared = preview.declared if preview else None
    shown = settings if settings.given or declared is None else declared
    back = {new: old for old, new in shown.rename.items()}
    types = shown.options.get("types", {})
    columns = [
        (back.get(name, name), shown.rename.get(back.get(name, name), ""), kind)
        for name, kind in (preview.test.columns if preview else ())
    ]
    return {
        "name": chosen.name or proposed_name(found.filename),
        "fields": {**fields_of(shown), **{k: v for k, v in chosen.fields.items() if v}},
        "offered": offered(format_of(found.filename, shown.format)),
        "formats_shown": FORMAT_CHOICES,
        "types": ("", *TYPES),
        "columns": [(old, new, kind, types.get(old, "")) for old, new, kind in columns],
    }


async def progress(visit: Visit) -> Response:
    """How far the import is."""
    found = await visit.run(_incoming, visit)
    pending = importer_of(visit.site).state(found.upload_id)
    if pending is None:
        return visit.redirect(f"/datasets/upload/{found.upload_id}")
    look = f"{visit.base}/datasets/upload/{found.upload_id}"
    made = f"{visit.base}/datasets/{to_part(pending.dataset)}"
    return await uploads.show_progress(
        visit, found, pending, made=made, own=f"{look}/progress", back=look
    )


def _throw_away(visit: Visit, found: Incoming) -> None:
    uploads = IncomingUploads(visit.site.home)
    for upload_id in (*uploads.parts(found.upload_id), found.upload_id):
        with suppress(NotFoundError):
            uploads.cancel(upload_id)


def _incoming(visit: Visit) -> Incoming:
    found = IncomingUploads(visit.site.home).state(visit.request.path_params["upload_id"])
    if found.project not in ("", visit.project.name):
        raise NotFoundError(f"there is no upload {found.upload_id!r} in this project")
    return found


def _api(visit: Visit) -> str:
    return f"/api/v1/projects/{to_part(visit.project.name)}/uploads"


class _UploadId(StringConvertor):
    """A dataset may be called `upload`, and has pages below its name; none of them is called like an upload."""

    regex = "[0-9a-f]{32}"


register_url_convertor("upload", _UploadId())
_ONE = "/datasets/upload/{upload_id:upload}"
ROUTES = [
    page("dataset.upload", "/datasets/-/upload", start),
    page("upload.create", "/datasets/upload", receive, methods=("POST",)),
    page("upload.preview", _ONE, look),
    page("upload.import", _ONE, decide, methods=("POST",)),
    page("upload.show", f"{_ONE}/progress", progress),
]
