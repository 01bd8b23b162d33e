"""The HTTP API as an application, to be mounted at `/api/v1`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from orchestration.api import routes
from orchestration.api.conditional import Conditional
from orchestration.api.problems import add_problems
from orchestration.api.reference import router as reference
from orchestration.api.router import GuardedRouter
from orchestration.services.site.site import Site

PREFIX = "/api/v1"
DESCRIPTION = """\
The same use cases as the command line and the pages, with the same names, states and errors.
Starting work launches a Dagster run and answers at once with its id.
"""


class Api(FastAPI):
    """FastAPI, with problems in its document in place of its own errors."""

    def openapi(self) -> dict[str, object]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = get_openapi(
                title=self.title,
                version=self.version,
                description=self.description,
                routes=self.routes,
                servers=[{"url": PREFIX}],
            )
        return self.openapi_schema


def build_api(site: Site) -> Conditional:
    """The API over a server's view."""
    api = Api(
        title="Waybill",
        version=site.version,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.site = site
    add_problems(api)
    api.include_router(reference)
    for module in iter_modules(routes.__path__):
        router = import_module(f"{routes.__name__}.{module.name}").router
        if not isinstance(router, GuardedRouter):
            raise TypeError(f"the routes of {module.name} ask for no right: use `GuardedRouter`")
        api.router.routes.extend(router.routes)
    return Conditional(api)
