"""New import tasks in the browser: where it comes from, where it goes, what is made of it; what is taken is told before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from glob import escape
from typing import Any
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from orchestration.pages import uploads
from orchestration.pages.import_form import NEW, TaskForm, told_at
from orchestration.pages.page import page
from orchestration.pages.render import to_number, to_part, to_size
from orchestration.pages.values import visible
from orchestration.pages.visit import FORM_FIELDS, Visit
from orchestration.services.access.rights import check_right
from orchestration.services.declared_list import connectors_of
from orchestration.services.definitions.change import DefinitionChange
from orchestration.services.import_tasks.asked import TaskOrder, parse_task_order
from orchestration.services.import_tasks.formats import TakenFormats, taken_formats
from orchestration.services.questions.connector import BROWSE
from orchestration.services.questions.definition import CHANGE, as_argument
from orchestration.services.reloading import reload_location
from orchestration.services.site.asked_tasks import (
    DECLARED_BY_TASKS,
    check_new_collection,
    create_asked,
)
from orchestration.services.uploads.form_settings import FORMAT_CHOICES, OFFERED
from orchestration.services.uploads.incoming import IncomingUploads
from orchestration.services.uploads.receiving import receive_files
from resources.documents.packages import missing_ocr
from resources.import_tasks.formats import GROUPS, FormatGroup, endings
from resources.kernel.errors import InputError, WaybillError

ENTRIES = 200
_MULTIPART = "multipart/form-data"
_GROUPS: Mapping[FormatGroup, str] = {
    "document": "Documents",
    "picture": "Pictures",
    "audio": "Sound",
    "video": "Video",
    "archive": "Archives",
}


async def _new(visit: Visit) -> Response:
    return await _form(visit, TaskForm(visit.request.query_params))


async def _create(visit: Visit) -> Response:
    """A form by a script, whose files are there already, or a plain one with files in it."""
    fields, brought = await _received(visit)
    form = TaskForm(fields, is_sent=True)
    try:
        wanted = parse_task_order(form.asked(brought))
        form = await _declared_for(visit, form, wanted)
        made = await create_asked(visit.site, visit.project, visit.actor, wanted, via="browser")
    except WaybillError as error:
        for upload_id in brought:
            await visit.run(IncomingUploads(visit.site.home).cancel, upload_id)
        kept = "" if form.fields is fields else form.text("new_name").strip()
        return await _form(visit, form, error, declared=kept)
    told = f"{made.name} was {'created and started' if wanted.start else 'created: start it when you like'}."
    return visit.redirect(f"/imports/{made.id}", notice=told)


async def _received(visit: Visit) -> tuple[dict[str, str], tuple[str, ...]]:
    """The fields of the form, and what came with it."""
    request = visit.request
    kind = request.headers.get("content-type", "")
    if not kind.startswith(_MULTIPART):
        form = await visit.form()
        return {name: str(value) for name, value in form.items()}, ()
    try:
        found, fields = await receive_files(
            IncomingUploads(visit.site.home),
            kind,
            request.stream(),
            by=visit.actor.name,
            project=visit.project.name,
            most_fields=FORM_FIELDS,
        )
    except ClientDisconnect:
        raise InputError("the connection was cut: nothing was kept") from None
    return fields, tuple(one.upload_id for one in found)


async def _declared_for(visit: Visit, form: TaskForm, wanted: TaskOrder) -> TaskForm:
    """The form with a collection that is there: one that is not yet is declared, and the project read anew."""
    name = form.new_collection
    if name is None:
        return form
    check_right(visit.actor, "collection.create")
    await check_new_collection(visit.site, visit.project, visit.actor, wanted)
    change = DefinitionChange("create", "collection", name, "assets.Collection", _declared(form))
    await visit.ask(CHANGE, change=as_argument(change), dry_run=False)
    await reload_location(visit.project.socket)
    return replace(form, fields={**form.fields, "target": f"collection:{name}"})


def _declared(form: TaskForm) -> dict[str, Any]:
    """What a new collection says of itself: as much as its first task needs. The rest is the user's to change."""
    source = form.text("source")
    values: dict[str, Any] = {"documents": {}}
    if source == "web":
        values["web"] = True
    if source == "connector":
        values["connectors"] = [form.text("connector")]
    return values


async def _browse(visit: Visit) -> Response:
    """A walk through a connector, at the end of which a path stands in the form."""
    name, path, after = visit.query("connector"), visit.query("path"), visit.query("after")
    found = None
    if name:
        found = await visit.ask(BROWSE, name=name, path=path, limit=ENTRIES, after=after)
    entries = found.entries if found else ()
    target = visit.query("target")
    taken = visit.project.snapshot.task_connectors.get(target)

    def choose(place: str, *, all_below: bool = False) -> str:
        """The form with one file chosen, or everything below a folder; its signs stand for themselves."""
        chosen = {"source": "connector", "connector": name, "target": target}
        return f"{visit.base}/imports/-/new?{urlencode({**chosen, 'path': escape(place) + '**' * all_below})}"

    return await visit.render(
        "imports/browse.html",
        name=name,
        path=path,
        target=target,
        crumbs=_crumbs(path),
        connectors=[one for one in _connectors(visit) if taken is None or one in taken],
        taken=taken,
        entries=entries,
        more=entries[-1].path if found and found.is_cut else "",
        choose=choose,
        visible=visible,
    )


async def _formats(visit: Visit) -> Response:
    return await visit.render("imports/formats.html", **_taken())


async def _form(
    visit: Visit, form: TaskForm, error: WaybillError | None = None, declared: str = ""
) -> Response:
    """The form as it is filled in, with what is wrong, and the collection that was declared all the same."""
    answer = await visit.render(
        "imports/new.html",
        status=422 if error else 200,
        given=form.values,
        fields=form.reading,
        offered=OFFERED,
        formats_shown=FORMAT_CHOICES,
        error=error,
        declared=declared,
        wrong=told_at(error),
        targets=_targets(visit),
        connectors=_connectors(visit),
        taken_from=visit.project.snapshot.task_connectors,
        missing_ocr=missing_ocr(),
        limit=taken_formats().max_bytes,
        endings=endings(),
        api=f"/api/v1/projects/{to_part(visit.project.name)}/uploads",
        visible=visible,
        **_taken(),
    )
    return uploads.refused(answer) if error and _is_multipart(visit) else answer


def _is_multipart(visit: Visit) -> bool:
    return visit.request.headers.get("content-type", "").startswith(_MULTIPART)


def _connectors(visit: Visit) -> list[str]:
    """What tasks can take from: places of files."""
    found = connectors_of(visit.project.snapshot)
    return [one.name for one in found if one.holds == "files"]


def _targets(visit: Visit) -> list[tuple[str, list[tuple[str, str]]]]:
    """What can be chosen as a target, by kind."""
    snapshot = visit.project.snapshot
    uploaded = [one.name for one in snapshot.datasets if one.maker == "upload"]
    named = {
        "collection": [str(one["name"]) for one in snapshot.collections],
        "dataset": uploaded,
        "image_folder": [one.name for one in snapshot.image_folders],
        "classification_set": [str(one["name"]) for one in snapshot.classifications],
    }
    titles = ("Collections", "Datasets", "Image folders", "Classification sets")
    found = []
    for (kind, names), title in zip(named.items(), titles, strict=True):
        choices = [(f"{kind}:{name}", name) for name in names]
        if kind in DECLARED_BY_TASKS or (kind == "collection" and visit.may("collection.create")):
            choices.append((f"{NEW}:{kind}", f"a new {kind.replace('_', ' ')}"))
        found.append((title, choices))
    return found


def _taken() -> dict[str, Any]:
    taken = taken_formats()
    by_group = [
        (_GROUPS[group], [one for one in taken.formats if one.group == group]) for group in GROUPS
    ]
    return {"formats": by_group, "limits": _limits(taken)}


def _limits(taken: TakenFormats) -> list[str]:
    return [
        f"One file may have {to_size(taken.max_bytes)}, a task {to_number(taken.max_files)} files; a ZIP may hold more.",
        f"A task may name {to_number(taken.max_addresses)} addresses, and a crawl take {to_number(taken.max_pages)} pages.",
    ]


def _crumbs(path: str) -> list[tuple[str, str]]:
    parts = [part for part in path.split("/") if part]
    return [(part, "/".join(parts[: n + 1]) + "/") for n, part in enumerate(parts)]


ROUTES = [
    page("import.create", "/imports/-/new", _new),
    page("import.create", "/imports", _create, methods=("POST",)),
    page("import.formats", "/imports/-/formats", _formats),
    page("connector.browse", "/imports/-/browse", _browse),
]
