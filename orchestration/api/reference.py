"""The API's own reference, a page that needs nothing but this server."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

from orchestration.services.statuses import REFUSALS, STATUSES

router = APIRouter(include_in_schema=False)
_PAGES = Environment(
    loader=PackageLoader("orchestration.api", "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
CSP = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"


@router.get("/")
def reference(request: Request) -> HTMLResponse:
    """What can be asked for, with parameters, answers and problems."""
    document = request.app.openapi()
    page = _PAGES.get_template("reference.html")
    problems = sorted({(name, status) for status, name in (*STATUSES.values(), *REFUSALS.items())})
    text = page.render(info=document["info"], groups=_groups(document), problems=problems)
    return HTMLResponse(text, headers={"Content-Security-Policy": CSP})


def _groups(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            noun = operation["operationId"].partition(".")[0]
            found = {"method": method.upper(), "path": f"/api/v1{path}", **operation}
            groups.setdefault(noun, []).append(found)
    return dict(sorted(groups.items()))
