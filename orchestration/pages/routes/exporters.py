"""Exporters in the browser: the list, one of them with its test, an export now, and every export that was."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.render import to_part
from orchestration.pages.trial import shown
from orchestration.pages.visit import Visit
from orchestration.services.asking.live import Live
from orchestration.services.declared_list import find_declaration
from orchestration.services.exports.history import ExportStatus, HistoryFilter
from orchestration.services.exports.listing import (
    NEVER,
    ExporterFilter,
    show_exporter,
)
from orchestration.services.paging import LIMIT
from orchestration.services.questions.exporter import RUN, TEST
from orchestration.services.site.exporters import history_page, list_page
from orchestration.services.site.noted import noted
from resources.kernel.errors import InputError, UnknownNameError

_RECENT = 10
_DETAIL = "exporters/show.html"


async def _list(visit: Visit) -> Response:
    wanted = ExporterFilter(visit.query("q"), visit.query("status"), visit.query("connector"))
    found = await visit.run(
        list_page,
        visit.site,
        visit.project,
        wanted,
        cursor=visit.query("cursor") or None,
    )
    return await visit.render(
        "exporters/list.html",
        page=found,
        wanted=wanted,
        statuses=[NEVER, *ExportStatus],
        declared=len(visit.project.snapshot.exporters),
    )


def _name(visit: Visit) -> str:
    return str(visit.request.path_params["name"])


async def _show(visit: Visit) -> Response:
    return await visit.render(_DETAIL, tested=None, **await _facts(visit))


async def _test(visit: Visit) -> Response:
    facts = await _facts(visit)
    live = Live(visit.asker(), TEST, name=_name(visit), dataset="", version=None)
    return await shown(visit, live, _DETAIL, **facts)


async def _facts(visit: Visit) -> dict[str, Any]:
    entries, name, instance = visit.project.snapshot.exporters, _name(visit), visit.site.instance
    exporter = await visit.run(show_exporter, instance, entries, name)
    wanted = HistoryFilter(name)
    recent = await visit.run(history_page, visit.site, visit.project, wanted, limit=_RECENT)
    declaration = find_declaration(visit.project.snapshot, "exporter", name)
    return {"exporter": exporter, "recent": recent, "declaration": declaration}


async def _run(visit: Visit) -> Response:
    form = await visit.form()
    key = str(form.get("key", ""))
    asking = visit.ask(RUN, name=_name(visit), dataset="", version=None, key=key)
    subject = f"exports/{_name(visit)}"
    run_id = await noted(visit.site, visit.actor, "exporter.run", subject, asking)
    return _to_run(visit, run_id)


async def _history(visit: Visit) -> Response:
    wanted = HistoryFilter(visit.query("exporter"), visit.query("status"))
    found = await visit.run(
        history_page,
        visit.site,
        visit.project,
        wanted,
        cursor=visit.query("cursor") or None,
        limit=LIMIT,
    )
    return await visit.render(
        "exporters/history.html",
        page=found,
        wanted=wanted,
        statuses=list(ExportStatus),
        exporters=[entry.name for entry in visit.project.snapshot.exporters],
    )


async def _choose(visit: Visit) -> Response:
    """The form of the row menu of a dataset."""
    return await _form(
        visit, {"exporter": visit.query("exporter"), "version": visit.query("version")}
    )


async def _form(visit: Visit, given: dict[str, str], error: str = "") -> Response:
    name = _name(visit)
    known = [entry.name for entry in visit.project.snapshot.datasets]
    if name not in known:
        raise UnknownNameError("dataset", name, known)
    return await visit.render(
        "exporters/export_dataset.html",
        status=422 if error else 200,
        name=name,
        exporters=visit.project.snapshot.exporters,
        given=given,
        error=error,
    )


async def _export(visit: Visit) -> Response:
    form = await visit.form()
    given = {name: str(form.get(name, "")).strip() for name in ("exporter", "version", "key")}
    try:
        version = _version(given["version"])
        asking = visit.ask(
            RUN, name=given["exporter"], dataset=_name(visit), version=version, key=given["key"]
        )
        subject, detail = f"datasets/{_name(visit)}", f"by exporter {given['exporter']}"
        run_id = await noted(visit.site, visit.actor, "dataset.export", subject, asking, detail)
    except (InputError, LookupError) as error:
        return await _form(visit, given, str(error))
    return _to_run(visit, run_id)


def _version(text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    raise InputError(f"{text[:40]!r} is no number of a version", hint="Leave it out for the newest")


def _to_run(visit: Visit, run_id: str) -> Response:
    return visit.redirect(f"/runs/{to_part(run_id)}", notice="The export is on its way.")


ROUTES = [
    page("exporter.list", "/exporters", _list),
    page("exporter.history", "/exporters/-/history", _history),
    page("exporter.show", "/exporters/{name}", _show),
    page("exporter.test", "/exporters/{name}/test", _test, methods=["POST"]),
    page("exporter.run", "/exporters/{name}/run", _run, methods=["POST"]),
    page("dataset.export", "/datasets/{name}/export", _choose),
    page("dataset.export", "/datasets/{name}/export", _export, methods=["POST"]),
]
