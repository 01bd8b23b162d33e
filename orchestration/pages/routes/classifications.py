"""Classification sets: the list, one whole, a file checked before anything of it counts, applied, taken back."""

from __future__ import annotations

from dataclasses import asdict

from starlette.datastructures import UploadFile
from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.render import to_part
from orchestration.pages.visit import Visit
from orchestration.services.asking.passing import download
from orchestration.services.classification_history import HistoryQuery, errors_of, history
from orchestration.services.classification_runs import check_size, take_upload
from orchestration.services.classifications import (
    DeclaredSets,
    SetSummary,
    page_of_sets,
    show_set,
)
from orchestration.services.questions import classification as questions
from orchestration.services.questions.classification import Rows, SentFile
from orchestration.services.site.classifications import sets_of
from orchestration.services.site.noted import noted
from orchestration.services.uploads.names import shown_name
from resources.kernel.errors import ConfigError, InputError

ERRORS_SHOWN = 100
HISTORY_SHOWN = 50
_FORM_BYTES = 100_000
"""Room for the fields beside the file."""


async def _list(visit: Visit) -> Response:
    cursor = visit.query("cursor") or None
    shown = await visit.run(page_of_sets, _sets(visit), q=visit.query("q"), cursor=cursor)
    return await visit.render("classifications/list.html", page=shown)


async def _show(visit: Visit) -> Response:
    one, instance = await _set(visit), visit.site.instance
    query = HistoryQuery(one.name, limit=HISTORY_SHOWN)
    lines = await visit.run(history, _sets(visit), instance, query)
    key, found = visit.query("key"), None
    problem = ""
    if key:
        try:
            found = await visit.ask(questions.SHOW, name=one.name, key=key)
        except (ConfigError, LookupError) as error:
            problem = str(error)
    return await visit.render(
        "classifications/show.html", one=one, lines=lines, key=key, found=found, problem=problem
    )


async def _errors(visit: Visit) -> Response:
    name, run = visit.request.path_params["name"], visit.query("run")
    found = await visit.run(errors_of, _sets(visit), name, run_id=run)
    return await visit.render("classifications/errors.html", name=name, rejected=found)


async def _check(visit: Visit) -> Response:
    """A file that was sent, or a further page of the errors of one that is kept."""
    one = await _set(visit)
    if visit.request.method == "GET" and not visit.query("upload"):
        return _to_choice(visit)
    given = await _sent(visit, one) if visit.request.method == "POST" else _named(visit)
    after = visit.number("after", 0)
    found = await visit.ask(
        questions.CHECK, name=one.name, upload=asdict(given), after=after, limit=ERRORS_SHOWN
    )
    return await visit.render(
        "classifications/check.html", one=one, found=found, upload=given, after=after
    )


async def _report(visit: Visit) -> Response:
    if not visit.query("upload"):
        return _to_choice(visit)
    name, given = visit.request.path_params["name"], _named(visit)
    return await download(
        visit.asker(),
        questions.REPORT,
        name=name,
        upload=asdict(given),
        format=visit.query("format", "csv"),
    )


def _to_choice(visit: Visit) -> Response:
    """From an address without a file, such as one that was typed, to where one is chosen."""
    name = to_part(visit.request.path_params["name"])
    return visit.redirect(f"/classifications/{name}", notice="Choose a file to check first.")


async def _apply(visit: Visit) -> Response:
    name, form = visit.request.path_params["name"], await visit.form()
    fields = {field: str(form.get(field, "")) for field in _FIELDS}
    given, subject = _upload(fields), f"classifications/{name}"
    asking = visit.ask(questions.APPLY, name=name, upload=asdict(given))
    run_id = await noted(
        visit.site, visit.actor, "classification.apply", subject, asking, given.file_name
    )
    return visit.redirect(f"/runs/{run_id}")


async def _undo(visit: Visit) -> Response:
    name, form = visit.request.path_params["name"], await visit.form()
    given = str(form.get("version", ""))
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise InputError(f"{given[:40]!r} is no version", hint="0 is the empty set")
    asking = visit.ask(questions.UNDO, name=name, version=int(given))
    subject, detail = f"classifications/{name}", f"back to version {given}"
    run_id = await noted(visit.site, visit.actor, "classification.undo", subject, asking, detail)
    return visit.redirect(f"/runs/{run_id}")


async def _download(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    where = visit.query("column") + "=" + visit.query("value") if visit.query("column") else ""
    rows = Rows(
        format=visit.query("format", "csv"),
        key_regex=visit.query("key_regex"),
        where=(where,) if where else (),
        version=visit.number("version", -1) if visit.query("version") else None,
    )
    return await download(visit.asker(), questions.DOWNLOAD, name=name, rows=asdict(rows))


async def _template(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    return await download(
        visit.asker(), questions.TEMPLATE, name=name, format=visit.query("format", "csv")
    )


_FIELDS = ("upload", "file_name", "encoding", "list_delimiter", "blank_clears")


def _sets(visit: Visit) -> DeclaredSets:
    return sets_of(visit.site, visit.project)


async def _set(visit: Visit) -> SetSummary:
    return await visit.run(show_set, _sets(visit), visit.request.path_params["name"])


async def _sent(visit: Visit, one: SetSummary) -> SentFile:
    """The file of a form, kept."""
    length = visit.request.headers.get("content-length", "")
    if not length.isdigit():
        raise InputError("the browser has to say how large the file is")
    check_size("this file", int(length) - _FORM_BYTES, one.max_bytes)
    async with visit.request.form(max_files=1, max_fields=20) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise InputError("no file was chosen", hint="Choose a .json, .csv, .tsv or .tab file")
        name = shown_name(file.filename)
        sha256 = await visit.run(take_upload, file.file, name, one.max_bytes)
        fields = {field: str(form.get(field, "")) for field in _FIELDS}
    return _upload({**fields, "upload": sha256, "file_name": name})


def _named(visit: Visit) -> SentFile:
    """A file that is kept, by the address of the page."""
    return _upload({field: visit.query(field) for field in _FIELDS})


def _upload(fields: dict[str, str]) -> SentFile:
    blank = {"clears": True, "keeps": False}.get(fields["blank_clears"])
    delimiter, encoding = fields["list_delimiter"], fields["encoding"]
    return SentFile(fields["upload"], shown_name(fields["file_name"]), encoding, delimiter, blank)


_OWN = "/classifications/{name}"
ROUTES = [
    page("classification.list", "/classifications", _list),
    page("classification.show", _OWN, _show),
    page("classification.errors", f"{_OWN}/errors", _errors),
    page("classification.check", f"{_OWN}/check", _check, methods=("GET", "POST")),
    page("classification.check", f"{_OWN}/report", _report),
    page("classification.apply", f"{_OWN}/apply", _apply, methods=("POST",)),
    page("classification.undo", f"{_OWN}/undo", _undo, methods=("POST",)),
    page("classification.download", f"{_OWN}/download", _download),
    page("classification.template", f"{_OWN}/template", _template),
]
