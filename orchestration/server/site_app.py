"""Which part of the server answers a path."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from orchestration.services.access.actor import Actor
from orchestration.services.site.site import Site


class SiteApp:
    """The data section below `/data`, the API below `/api/v1`, Dagster's UI everywhere else.

    The first two are made when they are first asked for: the web UI need not wait for their libraries.

    Args:
        ui: Dagster's web UI.
        site: what pages and routes answer from.
    """

    def __init__(self, ui: ASGIApp, site: Site) -> None:
        self._ui = ui
        self._site = site
        self._made: dict[str, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, with the path as the part knows it."""
        prefix = _prefix_of(scope)
        if not prefix:
            await self._ui(scope, receive, send)
            return
        below = {
            **scope,
            "root_path": scope.get("root_path", "") + prefix,
            "state": {"actor": Actor("local"), **scope.get("state", {})},
        }
        await self._part(prefix)(below, receive, send)

    def _part(self, prefix: str) -> ASGIApp:
        if prefix not in self._made:
            self._made[prefix] = _make(prefix, self._site)
        return self._made[prefix]


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
    for prefix in ("/data", "/api/v1"):
        if path == prefix or path.startswith(f"{prefix}/"):
            return prefix
    return ""
