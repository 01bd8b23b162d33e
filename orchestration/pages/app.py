"""The pages as an application, to be mounted at `/data`."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from orchestration.pages import routes
from orchestration.pages.render import html, to_part
from orchestration.services.site.site import Site, site_of

STATIC = Path(__file__).parent / "static"
logger = logging.getLogger(__name__)


def build_pages(site: Site) -> Starlette:
    """The pages over a server's view."""
    found = sorted(
        (route for module in _modules() for route in module),
        key=lambda route: getattr(route, "path", "").count("{"),  # `/new` comes before `/{name}`
    )
    app = Starlette(
        routes=[
            Route("/", _choose, name="project.list"),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
            *found,
            Route("/{project}", _with_slash, name="project"),
        ],
        exception_handlers={HTTPException: _of_http, Exception: _of_bug},
    )
    app.router.redirect_slashes = False  # it names the server by http, also behind a proxy with TLS
    app.state.site = site
    app.state.page_names = {route.name for route in found if isinstance(route, Route)}
    return app


def _modules() -> list[list[BaseRoute]]:
    names = sorted(module.name for module in iter_modules(routes.__path__))
    return [import_module(f"{routes.__name__}.{name}").ROUTES for name in names]


async def _choose(request: Request) -> Response:
    projects = await site_of(request.app.state).projects.all()
    if len(projects) == 1:
        return RedirectResponse(f"/data/{to_part(projects[0].name)}/", 303)
    return html("projects.html", projects=projects)


async def _with_slash(request: Request) -> Response:
    return RedirectResponse(f"/data/{to_part(request.path_params['project'])}/", 303)


async def _of_http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404 and (elsewhere := _other_slash(request)):
        return RedirectResponse(elsewhere, 307)
    detail = error.detail if isinstance(error, HTTPException) else ""
    return html("error_alone.html", status, title=str(status), message=detail, hint="")


def _other_slash(request: Request) -> str:
    """The same address without the `/` at its end, or with the one that the section has; empty where that is no other."""
    path, root = request.url.path, request.scope["root_path"]
    other = f"{root}/" if path == root else path.rstrip("/")
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{quote(other)}{query}" if other != path else ""


async def _of_bug(request: Request, error: Exception) -> Response:
    logger.exception("%s %s", request.method, request.url.path, exc_info=error)
    return html(
        "error_alone.html",
        500,
        title="This is a bug",
        message="The server could not make this page.",
        hint="logs/web.log in the home folder has the details",
    )
