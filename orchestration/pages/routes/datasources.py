"""Data sources in the browser: the list, one of them with what was seen of it, and previews, also before it is saved."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.render import to_part, to_size, to_when
from orchestration.pages.visit import Visit
from orchestration.services.datasources import PREVIEW_LIMIT, DatasourceTest
from orchestration.services.declared_list import (
    datasources_of,
    find_datasource,
    find_declaration,
)
from orchestration.services.observations import list_observations
from orchestration.services.paging import page_of_named
from orchestration.services.questions.datasource import OBSERVE, TEST, TRY
from orchestration.services.site.datasources import observed_at
from orchestration.services.site.noted import noted

ROWS = 20
SEEN = 20
_TARGETS = ("connector", "path", "table", "query")


async def _list(visit: Visit) -> Response:
    q = visit.query("q")
    chosen = page_of_named(
        datasources_of(visit.project.snapshot), q, cursor=visit.query("cursor") or None
    )
    names = [d.name for d in chosen.items]
    return await visit.render(
        "datasources/list.html",
        page=chosen,
        q=q,
        seen=await visit.run(observed_at, visit.site, names),
        declared=len(visit.project.snapshot.datasources),
    )


def _name(visit: Visit) -> str:
    return str(visit.request.path_params["name"])


async def _show(visit: Visit) -> Response:
    snapshot, name = visit.project.snapshot, _name(visit)
    found = find_datasource(snapshot, name)
    cursor = visit.query("cursor") or None
    seen = await visit.run(list_observations, visit.site.instance, name, cursor=cursor, limit=SEEN)
    return await visit.render(
        "datasources/show.html",
        datasource=found,
        declaration=find_declaration(snapshot, "datasource", name),
        seen=seen,
    )


async def _test(visit: Visit) -> Response:
    find_datasource(visit.project.snapshot, _name(visit))
    rows = min(max(visit.number("rows", ROWS), 1), PREVIEW_LIMIT)
    tested = await visit.ask(TEST, name=_name(visit), rows=rows, fingerprint=None)
    back = f"{visit.base}/datasources/{to_part(_name(visit))}"
    return await _preview(visit, tested, rows, name=_name(visit), back=back, create="")


async def _try(visit: Visit) -> Response:
    given = {name: visit.query(name) for name in _TARGETS if visit.query(name)}
    rows = min(max(visit.number("rows", ROWS), 1), PREVIEW_LIMIT)
    tested = await visit.ask(TRY, kind="assets.Datasource", attributes=given, rows=rows)
    back = f"{visit.base}/connectors/{to_part(visit.query('connector'))}/browse"
    create = f"{visit.base}/datasources/-/new?{urlencode(given)}"
    return await _preview(visit, tested, rows, name=tested.target, back=back, create=create)


async def _preview(visit: Visit, tested: DatasourceTest, rows: int, **values: Any) -> Response:
    facts = [_shown(name, value) for name, value in tested.facts.items() if name != "keys"]
    return await visit.render(
        "datasources/preview.html", tested=tested, rows=rows, facts=facts, **values
    )


def _shown(name: str, value: Any) -> tuple[str, Any]:
    """A fact of a fingerprint as people read it."""
    if name == "size_bytes":
        return "size", to_size(value)
    return name, to_when(value) if name == "newest change" else value


async def _observe(visit: Visit) -> Response:
    name = _name(visit)
    find_datasource(visit.project.snapshot, name)
    form = await visit.form()
    asking = visit.ask(OBSERVE, name=name, key=str(form.get("key", "")))
    await noted(visit.site, visit.actor, "datasource.observe", f"datasources/{name}", asking)
    notice = "It is being looked at. What was seen stands here when the run has ended."
    return visit.redirect(f"/datasources/{to_part(name)}", notice=notice)


ROUTES = [
    page("datasource.list", "/datasources", _list),
    page("datasource.try", "/datasources/-/try", _try),
    page("datasource.show", "/datasources/{name}", _show),
    page("datasource.test", "/datasources/{name}/test", _test),
    page("datasource.observe", "/datasources/{name}/observe", _observe, methods=["POST"]),
]
