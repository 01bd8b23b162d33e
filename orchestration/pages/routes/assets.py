"""From an asset to its page: where the links of Dagster's UI lead, which know neither the address nor the project."""

from __future__ import annotations

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestration.services.site.projects import DESCRIBE_SECONDS, Project
from orchestration.services.site.site import site_of
from resources.kernel.errors import said
from resources.kernel.keys import NOUNS

_PAGES = {
    "dataset": "datasets",
    "datasource": "datasources",
    "exporter": "exporters",
    "embedding": "embeddings",
    "model": "models",
}


async def _asset(request: Request) -> Response:
    """On to the page in the project that has it; to Dagster's own where the data section shows no such thing."""
    first, _, name = str(request.path_params["key"]).partition("/")
    noun = NOUNS.get(first, "")  # type: ignore[call-overload]  # any text is asked
    place = _PAGES.get(noun, "")
    if not name or not place:
        raise HTTPException(404, "no such asset")
    if f"{noun}.show" not in request.app.state.page_names:
        return RedirectResponse(f"/assets/{quote(f'{first}/{name}')}", 303)
    for project in await site_of(request.app.state).projects.all(DESCRIBE_SECONDS):
        shown = place if _has(project, noun, name) else _folder_place(project, noun, name)
        if shown:
            path = f"{shown}/{quote(name.replace('/', '~'), safe='~')}"
            part = _part(request, noun)
            return RedirectResponse(f"/data/{quote(project.name, safe='')}/{path}{part}", 303)
    raise HTTPException(404, f"no project declares the {said(noun)} {name!r}")


def _part(request: Request, noun: str) -> str:
    """The part of the thing's page that a link is about; a link of a check of drift leads to the comparison."""
    is_drift = noun == "dataset" and request.query_params.get("part") == "drift"
    return "/analysis/drift" if is_drift else ""


def _folder_place(project: Project, noun: str, name: str) -> str:
    """Where an image folder is shown, whose key is that of a dataset."""
    folders = project.snapshot.image_folders if noun == "dataset" else ()
    return "image-folders" if any(entry.name == name for entry in folders) else ""


def _has(project: Project, noun: str, name: str) -> bool:
    snapshot = project.snapshot
    if noun == "dataset":
        return any(entry.name == name for entry in snapshot.datasets)
    if noun == "embedding":  # some come with collections
        return any(entry.name == name for entry in snapshot.embeddings)
    return any((one.noun, one.name) == (noun, name) for one in snapshot.declarations)


ROUTES = [Route("/-/assets/{key:path}", _asset, name="asset.page")]
