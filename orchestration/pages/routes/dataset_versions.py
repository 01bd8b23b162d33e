"""Versions of a dataset: the list with what keeps them, two compared by a link, restored, tagged and pinned; what used which."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.values import shown, visible
from orchestration.pages.visit import Visit
from orchestration.services.dataset_compare import compared_by
from orchestration.services.dataset_download import FORMATS
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.dataset_uses import dataset_uses
from orchestration.services.dataset_versions import VersionSummary, list_versions
from orchestration.services.questions.dataset import COMPARE, RESTORE
from orchestration.services.site.dataset_versions import pin, tag, unpin, untag
from orchestration.services.site.datasets import dataset_of, forget_view, show_one
from orchestration.services.site.noted import noted
from orchestration.services.statuses import status_of
from resources.kernel.errors import ConflictError, InputError, NotFoundError


def _entry(visit: Visit) -> DatasetEntry:
    return dataset_of(visit.project, visit.request.path_params["name"])


def _path(entry: DatasetEntry) -> str:
    return f"/datasets/{quote(entry.name.replace('/', '~'), safe='~')}"


async def _render(visit: Visit, template: str, **values: Any) -> Response:
    entry = _entry(visit)
    return await visit.render(
        f"datasets/{template}",
        dataset=await visit.run(show_one, visit.site, visit.project, entry.name),
        entry=entry,
        own=f"{visit.base}{_path(entry)}",
        formats=FORMATS,
        shown=shown,
        visible=visible,
        **values,
    )


async def _list(visit: Visit) -> list[VersionSummary]:
    try:
        return await visit.run(list_versions, _entry(visit), visit.site.store(visit.project))
    except NotFoundError:
        return []


async def _versions(visit: Visit) -> Response:
    return await _ask_to_tag(visit)


async def _ask_to_tag(
    visit: Visit, status: int = 200, problem: str = "", tag: str = "", version: str = ""
) -> Response:
    given = {"problem": problem, "tag": tag, "version": version}
    versions = await _list(visit)
    return await _render(visit, "versions.html", status=status, versions=versions, **given)


async def _compare(visit: Visit) -> Response:
    entry, before = _entry(visit), visit.query("from")
    key = compared_by(
        entry.row_key, [part for text in visit.queries("key") for part in text.split(",")]
    )
    given = {"before": before, "after": visit.query("to"), "key": ", ".join(key)}
    values: dict[str, Any] = {"given": given, "found": None, "problem": ""}
    status = 200
    if before:
        try:
            values["found"] = await visit.ask(
                COMPARE,
                key=list(entry.key),
                before=before,
                after=given["after"],
                by=key,
            )
        except (InputError, NotFoundError) as error:  # what was chosen stays in the form
            status, values["problem"] = status_of(error), str(error)
    return await _render(
        visit, "compare.html", status=status, versions=await _list(visit), **values
    )


async def _restore(visit: Visit) -> Response:
    entry, form = _entry(visit), await visit.form()
    version = str(form.get("version", ""))
    asking = visit.ask(RESTORE, name=entry.name, version=version)
    subject = f"datasets/{entry.name}"
    run_id = await noted(
        visit.site, visit.actor, "dataset.restore", subject, asking, detail=f"version {version}"
    )
    forget_view(visit.site, visit.project)
    return visit.redirect(f"/runs/{run_id}")


async def _tag(visit: Visit) -> Response:
    form = await visit.form()
    name, version = str(form.get("tag", "")).strip(), str(form.get("version", ""))
    given = (visit.site, visit.project, visit.actor, _entry(visit), name, version)
    try:
        found = await visit.run(tag, *given, move=form.get("move") == "true")
    except (InputError, ConflictError) as error:
        return await _ask_to_tag(visit, status_of(error), str(error), name, version)
    return _back(visit, f"{name} is at version {found.version}")


async def _untag(visit: Visit) -> Response:
    name = str((await visit.form()).get("tag", ""))
    found = await visit.run(untag, visit.site, visit.project, visit.actor, _entry(visit), name)
    return _back(visit, f"{name} was taken from version {found.version}")


async def _pin(visit: Visit) -> Response:
    version = str((await visit.form()).get("version", ""))
    await visit.run(pin, visit.site, visit.project, visit.actor, _entry(visit), version)
    return _back(visit, f"Version {version} is pinned")


async def _unpin(visit: Visit) -> Response:
    version = str((await visit.form()).get("version", ""))
    await visit.run(unpin, visit.site, visit.project, visit.actor, _entry(visit), version)
    return _back(visit, f"Version {version} is not pinned any more")


def _back(visit: Visit, notice: str) -> Response:
    return visit.redirect(f"{_path(_entry(visit))}/versions", notice=notice)


async def _uses(visit: Visit) -> Response:
    asked = visit.query("version")
    version = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 16 else None
    store = visit.site.store(visit.project)
    found = await visit.run(
        dataset_uses,
        _entry(visit),
        store,
        visit.site.instance,
        visit.project.snapshot.exporters,
        version,
        declared={one.key for one in visit.project.snapshot.datasets},
    )
    return await _render(visit, "uses.html", found=found)


ONE = "/datasets/{name}"
ROUTES = [
    page("dataset.versions", f"{ONE}/versions", _versions),
    page("dataset.compare", f"{ONE}/versions/compare", _compare),
    page("dataset.uses", f"{ONE}/uses", _uses),
    page("dataset.restore", f"{ONE}/restore", _restore, methods=["POST"]),
    page("dataset.tag", f"{ONE}/tag", _tag, methods=["POST"]),
    page("dataset.untag", f"{ONE}/untag", _untag, methods=["POST"]),
    page("dataset.pin", f"{ONE}/pin", _pin, methods=["POST"]),
    page("dataset.unpin", f"{ONE}/unpin", _unpin, methods=["POST"]),
]
