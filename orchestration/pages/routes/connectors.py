"""Connectors in the browser: the list, one of them with its test, and a walk through what stands in it."""

from __future__ import annotations

from glob import escape
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.render import to_part
from orchestration.pages.trial import shown
from orchestration.pages.visit import Visit
from orchestration.services.asking.live import Live
from orchestration.services.connectors import BROWSE_LIMIT
from orchestration.services.declared_list import (
    connectors_of,
    find_connector,
    find_declaration,
)
from orchestration.services.paging import page_of_named
from orchestration.services.questions.connector import BROWSE, DESCRIBE, TEST
from resources.kernel.records import BrowseEntry

ENTRIES = 200
_DETAIL = "connectors/show.html"


async def _list(visit: Visit) -> Response:
    q = visit.query("q")
    chosen = page_of_named(
        connectors_of(visit.project.snapshot), q, cursor=visit.query("cursor") or None
    )
    return await visit.render(
        "connectors/list.html",
        page=chosen,
        q=q,
        declared=len(visit.project.snapshot.connectors),
    )


def _name(visit: Visit) -> str:
    return str(visit.request.path_params["name"])


async def _show(visit: Visit) -> Response:
    return await visit.render(_DETAIL, tested=None, **_facts(visit))


async def _test(visit: Visit) -> Response:
    facts = _facts(visit)
    return await shown(visit, Live(visit.asker(), TEST, name=_name(visit)), _DETAIL, **facts)


def _facts(visit: Visit) -> dict[str, Any]:
    snapshot, name = visit.project.snapshot, _name(visit)
    return {
        "connector": find_connector(snapshot, name),
        "declaration": find_declaration(snapshot, "connector", name),
    }


async def _browse(visit: Visit) -> Response:
    path, after = visit.query("path"), visit.query("after")
    limit = min(max(visit.number("limit", ENTRIES), 1), BROWSE_LIMIT)
    found = await visit.ask(BROWSE, name=_name(visit), path=path, limit=limit, after=after)
    return await visit.render(
        "connectors/browse.html",
        name=_name(visit),
        path=path,
        crumbs=_crumbs(path),
        rows=[(entry, _links(visit, entry)) for entry in found.entries],
        more=found.entries[-1].path if found.is_cut and found.entries else "",
    )


async def _describe(visit: Visit) -> Response:
    table = visit.query("table")
    found = await visit.ask(DESCRIBE, name=_name(visit), table=table)
    return await visit.render(
        "connectors/table.html",
        name=_name(visit),
        found=found,
        create=_create(visit, table=table),
        preview=_preview(visit, table=table),
    )


def _crumbs(path: str) -> list[tuple[str, str]]:
    """The way to a place: each part with the path that leads to it."""
    parts = [part for part in path.split("/") if part]
    return [(part, "/".join(parts[: n + 1]) + "/") for n, part in enumerate(parts)]


def _links(visit: Visit, entry: BrowseEntry) -> dict[str, str]:
    """Where an entry leads: into it, to its columns, to its first rows, to a data source of it."""
    here = f"{visit.base}/connectors/{to_part(_name(visit))}"
    if entry.kind in ("table", "view"):
        return {
            "open": f"{here}/table?{urlencode({'table': entry.path})}",
            "preview": _preview(visit, table=entry.path),
            "create": _create(visit, table=entry.path),
        }
    if entry.kind == "object":
        return {
            "open": _preview(visit, path=escape(entry.path)) if visit.may("datasource.try") else "",
            "preview": _preview(visit, path=escape(entry.path)),
            "create": _create(visit, path=escape(entry.path)),
        }
    return {"open": f"{here}/browse?{urlencode({'path': entry.path})}", "preview": "", "create": ""}


def _create(visit: Visit, **target: str) -> str:
    """The form of a new data source with the place filled in."""
    return f"{visit.base}/datasources/-/new?{urlencode({'connector': _name(visit), **target})}"


def _preview(visit: Visit, **target: str) -> str:
    return f"{visit.base}/datasources/-/try?{urlencode({'connector': _name(visit), **target})}"


ROUTES = [
    page("connector.list", "/connectors", _list),
    page("connector.show", "/connectors/{name}", _show),
    page("connector.test", "/connectors/{name}/test", _test, methods=["POST"]),
    page("connector.browse", "/connectors/{name}/browse", _browse),
    page("connector.describe", "/connectors/{name}/table", _describe),
]
