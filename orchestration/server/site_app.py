"""Which part of the server answers a path, and what the data section and the API are given."""

from __future__ import annotations

import asyncio
import os
import threading
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from pkgutil import iter_modules

from dagster._core.workspace.context import WorkspaceProcessContext
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestration.server.settings import RUNNERS_VARIABLE
from orchestration.server.workspace import runner_socket
from orchestration.services.home import open_home
from orchestration.services.site.projects import Projects
from orchestration.services.site.site import Site
from resources.stores.catalog.database import CatalogDatabase

PREFIXES = ("/data", "/api/v1")
_PARTS = ("orchestration.pages", "orchestration.api")


class SiteApp:
    """The data section below `/data`, the API below `/api/v1`, Dagster's UI everywhere else.

    The first two are made in a thread, begun by the first request of all: the server's start does not wait for their
    libraries, and no later request for a page does. `begin_to_import` spares the first one most of it.

    Args:
        ui: Dagster's web UI.
        site: what pages and routes answer from.
    """

    def __init__(self, ui: ASGIApp, site: Site) -> None:
        self._ui = ui
        self._site = site
        self._made: dict[str, ASGIApp] = {}
        self._making = threading.Lock()
        self._preparing = threading.Thread(target=self._prepare, name="site", daemon=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with the path as the part knows it."""
        if self._preparing.ident is None:
            self._preparing.start()
        prefix = _prefix_of(scope)
        if not prefix:
            await self._ui(scope, receive, send)
            return
        below = {**scope, "root_path": scope.get("root_path", "") + prefix}
        part = self._made.get(prefix)
        if part is None:
            part = await asyncio.to_thread(self._part, prefix)
        await part(below, receive, send)

    def _prepare(self) -> None:
        for prefix in PREFIXES:
            self._part(prefix)

    def _part(self, prefix: str) -> ASGIApp:
        with self._making:
            if prefix not in self._made:
                self._made[prefix] = _make(prefix, self._site)
            return self._made[prefix]


def begin_to_import() -> threading.Thread:
    """Imports what the data section and the API are made of, in a thread: for who waits for something else meanwhile.

    Nothing depends on it: what is not there when it is needed is imported then.
    """
    thread = threading.Thread(target=_import_parts, name="site imports", daemon=True)
    thread.start()
    return thread


def _import_parts() -> None:
    for part in _PARTS:
        import_module(f"{part}.app")
        routes = import_module(f"{part}.routes")
        for module in iter_modules(routes.__path__):
            import_module(f"{routes.__name__}.{module.name}")


def open_site(context: WorkspaceProcessContext, secret: str) -> Site:
    """What pages and routes answer from.

    Args:
        context: the code locations and the instance.
        secret: signs what the server gives to a browser and takes back.
    """
    home = open_home()
    folder = Path(os.environ.get(RUNNERS_VARIABLE, os.devnull))
    target = context.workspace_load_target
    origins = target.create_origins() if target is not None else ()
    own = [
        origin.location_name
        for origin in origins
        # Others are servers that were started elsewhere: they do not answer questions.
        if Path(getattr(origin, "socket", None) or "").parent == folder
    ]
    return Site(
        home=home,
        instance=context.instance,
        projects=Projects(home, {name: runner_socket(folder, name) for name in own}),
        catalog=CatalogDatabase.open(),
        version=version("waybill"),
        secret=secret,
    )


def _make(prefix: str, site: Site) -> ASGIApp:
    if prefix == "/data":
        from orchestration.pages.app import build_pages

        return build_pages(site)
    from orchestration.api.app import build_api

    return build_api(site)


def _prefix_of(scope: Scope) -> str:
    if scope["type"] != "http":
        return ""
    path = scope["path"]
    for prefix in PREFIXES:
        if path == prefix or path.startswith(f"{prefix}/"):
            return prefix
    return ""
