"""The SQL page: a statement, its result, one's own history, a file of all rows, a transform of it.

A link only fills the statement in; it runs when somebody presses the button. The id of a query is made with the page, so
that it can be stopped while its answer is awaited.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.values import shown, visible
from orchestration.pages.visit import Visit
from orchestration.services.asking.passing import as_file, open_stream
from orchestration.services.queries.download import FORMATS, ResultFile
from orchestration.services.queries.history import QueryEntry, history_page, log_of, new_query_id
from orchestration.services.queries.record import Asked, recorded_while, run_recorded
from orchestration.services.queries.running import RUNNING
from orchestration.services.queries.tables import query_tables
from orchestration.services.questions.query import DOWNLOAD, RUN, TRANSFORM
from orchestration.services.rows.cells import CUT_AT
from orchestration.services.statuses import status_of
from resources.kernel.errors import WaybillError

ROWS = 200
HISTORY = 10
LINK_LIMIT = 6_000
"""Characters of an address that every browser and proxy takes."""


async def _show(visit: Visit) -> Response:
    return await _page(visit, visit.query("q"))


async def _run(visit: Visit) -> Response:
    sent = await visit.form()
    sql = _text(sent.get("sql"))
    try:
        asked = Asked(visit.project.name, visit.actor.name, sql, _text(sent.get("id"))).checked()
        found = await run_recorded(
            log_of(visit.site.catalog),
            asked,
            lambda: visit.ask(RUN, sql=sql, limit=ROWS, cut_at=CUT_AT),
            lambda answer: len(answer.rows),
            visit.request.is_disconnected,
        )
    except WaybillError as error:
        return await _page(visit, sql, status=status_of(error), error=error)
    return await _page(visit, sql, found=found, query_id=asked.query_id)


async def _find(visit: Visit) -> Response:
    query_id = visit.request.path_params["query_id"]
    entry = await visit.run(log_of(visit.site.catalog).find, visit.project.name, query_id)
    return await _page(visit, entry.statement, entry=entry)


async def _cancel(visit: Visit) -> Response:
    RUNNING.stop(visit.request.path_params["query_id"], visit.actor.name)
    return visit.redirect("/sql/history", notice="The query was stopped")


async def _history(visit: Visit) -> Response:
    found = await visit.run(
        history_page,
        log_of(visit.site.catalog),
        visit.project.name,
        visit.actor.name,
        cursor=visit.query("cursor") or None,
        limit=50,
    )
    return await visit.render("sql/history.html", found=found, visible=visible)


async def _download(visit: Visit) -> Response:
    sent = await visit.form()
    kind, sql = _text(sent.get("format")), _text(sent.get("sql"))
    try:
        asked = Asked(visit.project.name, visit.actor.name, sql).checked()
        head, chunks = await open_stream(
            visit.asker().stream(
                DOWNLOAD, ResultFile, sql=sql, file_format=kind, raw=bool(sent.get("raw"))
            ),
            recorded_while(log_of(visit.site.catalog), asked),
        )
    except WaybillError as error:
        return await _page(visit, sql, status=status_of(error), error=error)
    return as_file(chunks, head.file_name, media_type=head.media_type)


async def _transform(visit: Visit) -> Response:
    sent = await visit.form()
    sql, name = _text(sent.get("sql")), _text(sent.get("name")).strip()
    try:
        found = await visit.ask(TRANSFORM, sql=sql, name=name)
    except WaybillError as error:
        return await _page(visit, sql, status=status_of(error), error=error, name=name)
    given = {"type": "assets.SqlTransform", "name": name, "sql": sql}
    form = f"{visit.base}/transforms/-/new?{urlencode(given)}"
    return await visit.render(
        "sql/transform.html",
        found=found,
        sql=sql,
        form=form if visit.may("transform.create") and len(form) <= LINK_LIMIT else "",
    )


async def _page(visit: Visit, sql: str, *, status: int = 200, **given: Any) -> Response:
    snapshot, store = visit.project.snapshot, visit.site.store(visit.project)
    tables = await visit.run(query_tables, snapshot.datasets, store, visit.query("table"))
    history = await visit.run(
        log_of(visit.site.catalog).history, visit.project.name, visit.actor.name, limit=HISTORY
    )
    found: dict[str, Any] = {
        "found": None,
        "error": None,
        "entry": None,
        "query_id": "",
        "name": "",
    }
    return await visit.render(
        "sql/sql.html",
        status=status,
        sql=sql,
        tables=tables,
        history=history,
        new_id=new_query_id(),
        formats=FORMATS,
        share=_share(visit, sql),
        line=_line,
        is_number=lambda kind: (
            kind.endswith("INT") or kind.startswith(("INTEGER", "FLOAT", "DOUBLE", "DECIMAL"))
        ),
        shown=shown,
        visible=visible,
        **{**found, **given},
    )


def _share(visit: Visit, sql: str) -> str:
    """An address that holds the statement; none where it would be too long."""
    found = f"{visit.base}/sql?{urlencode({'q': sql})}"
    return found if sql and len(found) <= LINK_LIMIT else ""


def _line(entry: QueryEntry) -> str:
    """A statement in one short line."""
    text = re.sub(r"\s+", " ", entry.statement).strip()
    return text if len(text) <= 90 else f"{text[:89]}…"


def _text(value: object) -> str:
    """A field as it was typed, with the line ends of the rest of the world."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


ROUTES = [
    page("query.run", "/sql", _show),
    page("query.run", "/sql", _run, methods=["POST"]),
    page("query.download", "/sql/download", _download, methods=["POST"]),
    page("query.transform", "/sql/transform", _transform, methods=["POST"]),
    page("query.history", "/sql/history", _history),
    page("query.show", "/sql/{query_id}", _find),
    page("query.cancel", "/sql/{query_id}/cancel", _cancel, methods=["POST"]),
]
