"""Three faces of one use case: what the command line, the HTTP API and the pages have, each under the same name."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

import pytest
import typer

from orchestration.api import routes as api_routes
from orchestration.cli.main import app
from orchestration.cli.noting import USE_CASES
from orchestration.pages import routes as page_routes
from orchestration.services.access.rights import RIGHTS

_OF_THE_MACHINE = "works on the machine or the project's folder, not on a server"
_FORM = (
    "the page of `create` or `edit` shows it; the command line has `--dry-run` and the reference"
)
_TUS = "a step of one upload, by the tus protocol; `dataset upload` does all of them"
_WITHIN = "part of the page of the thing itself"

EXCEPTIONS: dict[str, dict[str, str]] = {
    "backup": dict.fromkeys(("api", "page"), _OF_THE_MACHINE),
    "check": dict.fromkeys(("api", "page"), _OF_THE_MACHINE),
    "demo": dict.fromkeys(("api", "page"), _OF_THE_MACHINE),
    "init": dict.fromkeys(("api", "page"), _OF_THE_MACHINE),
    "up": dict.fromkeys(("api", "page"), _OF_THE_MACHINE),
    "access.me": {"cli": "a shell has no sign-in: it is the user of the machine"},
    "access.password": {"cli": "`user password` sets it"},
    "asset.page": {
        "cli": "where a link of Dagster's leads on to the right page",
        "api": "where a link of Dagster's leads on to the right page",
    },
    "audit.download": {"cli": "`audit list --csv`", "page": "a link to the API"},
    "audit.download.json": {"cli": "`audit list --json`", "page": "a link to the API"},
    "classification.history": {"page": _WITHIN},
    "collection.content": {"page": "a link to the API"},
    "collection.folders": {"page": _WITHIN},
    "collection.picture": dict.fromkeys(("cli", "page"), "a picture in the pages"),
    "collection.thumbnail": dict.fromkeys(("cli", "page"), "a picture in the pages"),
    "collection.frame": {"cli": "`collection frames` writes them", "page": _WITHIN},
    "schema.preview": {"cli": "`--dry-run` of each change"},
    "connector.try": {"cli": "`connector create --dry-run`, then `connector test`", "page": _FORM},
    "dataset.compute-profile": {"cli": "`dataset profile --compute`"},
    "dataset.sample": {"page": "the first page of rows"},
    "dataset.summary": {"page": "the counts beside the filters of the list"},
    "dataset.upload": {
        "api": "`upload.create`, `upload.preview` and `upload.import`, one after the other"
    },
    "datasource.observations": {"page": _WITHIN},
    "datasource.try": {"cli": "`datasource test` with options in place of a name"},
    "exporter.try": {"cli": "`exporter create --dry-run`, then `exporter test`", "page": _FORM},
    "image-folder.files": {"page": _WITHIN},
    "image-folder.image": {"page": "part of the page of `file`"},
    "image-folder.thumbnail": dict.fromkeys(("cli", "page"), "a picture in the pages"),
    "import.delete-all": {"cli": "`import delete` takes several"},
    "import.start-all": {"cli": "`import start` takes several"},
    "import.stop-all": {"cli": "`import stop` takes several"},
    "overview.show": {
        "cli": "`runs list`, `dataset list --status stale` and `exporter history` say it line by line"
    },
    "project.list": {"cli": "a shell is in one project", "page": "the choice at /data/"},
    "query.cancel": {"cli": "Ctrl-C"},
    "query.show": {"cli": "`query history` has every fact of each"},
    "run.watch": {"page": "the page of a run asks for itself anew"},
    "token.list": {"page": "part of the account's page"},
    "upload.cancel": {"cli": _TUS, "page": _TUS},
    "upload.create": {"cli": _TUS},
    "upload.discover": {"cli": _TUS, "page": _TUS},
    "upload.import": {"cli": _TUS},
    "upload.limits": {"cli": "told by the error", "page": "told beside the drop zone"},
    "upload.list": {"cli": _TUS, "page": _TUS},
    "upload.offset": {"cli": _TUS, "page": _TUS},
    "upload.preview": {"cli": "`dataset upload --preview`"},
    "upload.send": {"cli": _TUS, "page": _TUS},
    "upload.show": {"cli": _TUS},
}
"""Use case -> face that lacks it -> why."""


def commands(group: typer.Typer, prefix: str = "") -> Iterator[str]:
    for command in group.registered_commands:
        yield prefix + (command.name or command.callback.__name__.replace("_", "-"))
    for inner in group.registered_groups:
        yield from commands(inner.typer_instance, f"{prefix}{inner.name}.")


def modules(package) -> Iterator[object]:
    for module in iter_modules(package.__path__):
        yield import_module(f"{package.__name__}.{module.name}")


@pytest.fixture(scope="module")
def faces() -> dict[str, set[str]]:
    return {
        "cli": {USE_CASES.get(name, name) for name in commands(app)},
        "api": {r.operation_id for m in modules(api_routes) for r in m.router.routes},
        "page": {route.name for module in modules(page_routes) for route in module.ROUTES},
    }


def is_excepted(use_case: str, face: str) -> bool:
    if use_case.rpartition(".")[2] in ("form", "definition"):
        return face != "api"  # _FORM
    return face in EXCEPTIONS.get(use_case, {})


def test_what_one_face_has_all_have(faces):
    lacking = {
        f"{use_case}: {face}"
        for use_case in set().union(*faces.values())
        for face, has in faces.items()
        if use_case not in has and not is_excepted(use_case, face)
    }
    assert sorted(lacking) == []


def test_an_exception_is_one(faces):
    needless = {
        f"{use_case}: {face}"
        for use_case, lacking in EXCEPTIONS.items()
        for face in lacking
        if use_case in faces[face] or use_case not in set().union(*faces.values())
    }
    assert sorted(needless) == []


def test_every_route_and_page_has_a_right(faces):
    assert sorted((faces["api"] | faces["page"]) - set(RIGHTS)) == []


def test_every_route_has_a_name_of_its_own():
    names = [r.operation_id for m in modules(api_routes) for r in m.router.routes]
    assert len(names) == len(set(names))
