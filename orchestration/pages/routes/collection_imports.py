"""Collections filled: a specification chosen, checked before anything of it counts, imported, followed to its end.

However a specification comes (sent, dropped, lying in a connector, made of a listing), it is kept first, and the page of its check
names it by its hash: so that page can be looked at again, and what was checked is what is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from urllib.parse import urlencode

from starlette.responses import Response

from assets.collections.declaration import CollectionSpec
from orchestration.pages import uploads
from orchestration.pages.page import page
from orchestration.pages.render import to_part
from orchestration.pages.visit import Visit
from orchestration.services.access.audit import audited
from orchestration.services.asking.passing import as_csv, download
from orchestration.services.collections.declared import summary_of
from orchestration.services.collections.import_runs import ResumeChoice
from orchestration.services.collections.imports import (
    ImportRecords,
    failures_csv,
    list_failures,
    list_imports,
    show_import,
    stop_import,
)
from orchestration.services.collections.making import SECTIONS
from orchestration.services.collections.specifications import keep_received
from orchestration.services.questions import collection_imports as questions
from orchestration.services.questions.collection_imports import SentSpecification
from orchestration.services.site.collection_imports import imports_of
from orchestration.services.site.collections import collections_of
from orchestration.services.site.noted import noted
from orchestration.services.uploads.limits import upload_limit
from resources.kernel.errors import InputError, WaybillError

PROBLEMS_SHOWN = 100


async def _dialog(visit: Visit) -> Response:
    return await _choose(visit)


async def _receive(visit: Visit) -> Response:
    """The file of a plain form, onto the disk as it comes."""
    try:
        found, fields = await uploads.receive(visit)
    except InputError as error:
        return uploads.refused(await _choose(visit, error))
    query = {"upload": found.upload_id, "folder": fields.get("folder", "")}
    return visit.redirect(f"{_own(visit)}/import/check?{urlencode(query)}")


async def _from_connector(visit: Visit) -> Response:
    form = await visit.form()
    connector, key = str(form.get("connector", "")), str(form.get("object_key", "")).strip()
    try:
        if not key:
            raise InputError("no key was given", hint="Say where the specification lies")
        kept = await visit.ask(
            questions.KEEP, name=_name(visit), connector=connector, object_key=key
        )
    except WaybillError as error:
        return await _choose(visit, error)
    return _to_check(visit, kept.sha256, kept.file_name, str(form.get("folder", "")))


async def _from_listing(visit: Visit) -> Response:
    """What was made of a listing: one file goes on to its check, of several one is chosen."""
    form = await visit.form()
    choice, folder = _listing(form), str(form.get("folder", ""))
    try:
        made = await visit.ask(questions.MAKE, choice=choice)
    except WaybillError as error:
        return await _choose(visit, error)
    if len(made.files) == 1 and not made.left_out:
        only = made.files[0]
        return _to_check(visit, only.upload, only.file_name, folder)
    return await visit.render(
        "collections/import_made.html", name=_name(visit), made=made, folder=folder
    )


async def _check(visit: Visit) -> Response:
    """What an import would do, or a page of what is wrong."""
    upload = visit.query("upload")
    if upload:  # received just now: kept by its hash, which the address has from now on
        kept = await visit.run(
            keep_received, visit.site.home, visit.project.name, upload, forget=True
        )
        return _to_check(visit, kept.sha256, kept.file_name, visit.query("folder"))
    sent, after = _sent(visit.query), visit.number("after", 0)
    found = await visit.ask(
        questions.CHECK, name=_name(visit), sent=asdict(sent), after=after, limit=PROBLEMS_SHOWN
    )
    return await visit.render(
        "collections/import_check.html",
        name=_name(visit),
        found=found,
        sent=sent,
        after=after,
        folder=visit.query("folder"),
    )


async def _problems(visit: Visit) -> Response:
    sent = _sent(visit.query)
    return await download(visit.asker(), questions.PROBLEMS, name=_name(visit), sent=asdict(sent))


async def _start(visit: Visit) -> Response:
    form = await visit.form()
    sent = _sent(lambda field: str(form.get(field, "")))
    asking = visit.ask(
        questions.START,
        name=_name(visit),
        sent=asdict(sent),
        ignore_errors=form.get("ignore_errors") == "true",
    )
    found = await noted(
        visit.site, visit.actor, "collection.import", _subject(visit), asking, sent.file_name
    )
    return visit.redirect(f"{_own(visit)}/imports/{found.import_id}")


async def _list(visit: Visit) -> Response:
    cursor = visit.query("cursor") or None
    found = await visit.run(list_imports, _records(visit), _name(visit), cursor=cursor)
    declared = collections_of(visit.site, visit.project)
    summary = await visit.run(summary_of, declared, declared.find(_name(visit)))
    return await visit.render(
        "collections/imports.html", name=_name(visit), page=found, collection=summary
    )


async def _show(visit: Visit) -> Response:
    found = await visit.run(show_import, _records(visit), _import_id(visit), _name(visit))
    template = "collections/import_live.html" if visit.is_fragment else "collections/import.html"
    return await visit.render(template, name=_name(visit), one=found)


async def _failures(visit: Visit) -> Response:
    records, import_id = _records(visit), _import_id(visit)
    one = await visit.run(show_import, records, import_id, _name(visit))
    if visit.query("format") == "csv":
        file_name = f"{one.collection}-import-{import_id}-failures.csv"
        return as_csv(failures_csv(records, import_id), file_name)
    cursor = visit.query("cursor") or None
    found = await visit.run(list_failures, records, import_id, cursor=cursor)
    return await visit.render(
        "collections/import_failures.html", name=_name(visit), one=one, page=found
    )


async def _resume(visit: Visit) -> Response:
    return await _go_on(visit, "collection.resume", retry_failed=False)


async def _retry(visit: Visit) -> Response:
    return await _go_on(visit, "collection.retry", retry_failed=True)


async def _go_on(visit: Visit, use_case: str, *, retry_failed: bool) -> Response:
    form, import_id = await visit.form(), _import_id(visit)
    choice = ResumeChoice(retry_failed, ignore_errors=form.get("ignore_errors") == "true")
    asking = visit.ask(
        questions.RESUME, import_id=import_id, name=_name(visit), choice=asdict(choice)
    )
    detail = f"import {import_id}"
    await noted(visit.site, visit.actor, use_case, _subject(visit), asking, detail)
    return visit.redirect(f"{_own(visit)}/imports/{import_id}")


async def _stop(visit: Visit) -> Response:
    import_id, records = _import_id(visit), _records(visit)

    def stop() -> None:
        with audited(visit.site.catalog, visit.actor, "collection.stop", _subject(visit)) as change:
            change.detail = f"import {import_id}"
            stop_import(records, import_id, _name(visit))

    await visit.run(stop)
    told = "The import was asked to stop. Resuming goes on with what is pending."
    return visit.redirect(f"{_own(visit)}/imports/{import_id}", notice=told)


async def _choose(visit: Visit, error: WaybillError | None = None) -> Response:
    """Where a specification is chosen."""
    return await visit.render(
        "collections/import_choose.html",
        status=422 if error else 200,
        name=_name(visit),
        spec=_spec(visit),
        limit=upload_limit(),
        api=f"/api/v1/projects/{to_part(visit.project.name)}/uploads",
        sections=SECTIONS,
        error=error,
    )


def _listing(form: Mapping[str, object]) -> dict[str, object]:
    def text(name: str) -> str:
        return str(form.get(name, "")).strip()

    globs = {name: tuple(text(name).split()) for name in ("include", "exclude")}
    flags = {name: form.get(name) == "true" for name in ("sequence", "probe", "skip_duplicates")}
    texts = {name: text(name) for name in ("connector", "path", "section", "group_by")}
    return {**texts, **globs, **flags}


def _to_check(visit: Visit, sha256: str, file_name: str, folder: str) -> Response:
    query = {"kept": sha256, "file_name": file_name, "folder": folder}
    return visit.redirect(f"{_own(visit)}/import/check?{urlencode(query)}")


def _sent(field: Callable[[str], str]) -> SentSpecification:
    """A kept specification as addresses and forms name it; an empty folder is the collection's own choice."""
    return SentSpecification(field("kept"), field("file_name"), field("folder").strip() or None)


def _records(visit: Visit) -> ImportRecords:
    return imports_of(visit.site, visit.project)


def _spec(visit: Visit) -> CollectionSpec:
    return collections_of(visit.site, visit.project).find(_name(visit))


def _name(visit: Visit) -> str:
    return str(visit.request.path_params["name"])


def _import_id(visit: Visit) -> int:
    return min(int(visit.request.path_params["import_id"]), 2**31 - 1)


def _own(visit: Visit) -> str:
    return f"/collections/{to_part(_name(visit))}"


def _subject(visit: Visit) -> str:
    return f"collections/{_name(visit)}"


_OWN = "/collections/{name}"
_ONE = f"{_OWN}/imports/{{import_id:int}}"
_POST = ("POST",)
ROUTES = [
    page("collection.import", f"{_OWN}/import", _dialog),
    page("collection.import", f"{_OWN}/import", _receive, methods=_POST),
    page("collection.check-spec", f"{_OWN}/import/check", _check),
    page("collection.check-spec", f"{_OWN}/import/problems", _problems),
    page("collection.check-spec", f"{_OWN}/import/object", _from_connector, methods=_POST),
    page("collection.make-spec", f"{_OWN}/import/listing", _from_listing, methods=_POST),
    page("collection.import", f"{_OWN}/import/start", _start, methods=_POST),
    page("collection.imports", f"{_OWN}/imports", _list),
    page("collection.progress", _ONE, _show),
    page("collection.failures", f"{_ONE}/failures", _failures),
    page("collection.resume", f"{_ONE}/resume", _resume, methods=_POST),
    page("collection.retry", f"{_ONE}/retry", _retry, methods=_POST),
    page("collection.stop", f"{_ONE}/stop", _stop, methods=_POST),
]
