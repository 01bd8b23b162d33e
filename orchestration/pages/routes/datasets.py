"""Datasets: the list with its filters, one whole, its versions, checks and runs, and what its menu does."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from orchestration.pages.page import page
from orchestration.pages.visit import Visit
from orchestration.services.dataset_checks import CheckOutcome
from orchestration.services.dataset_download import FORMATS
from orchestration.services.dataset_list import (
    ORIGINS,
    QUEUED,
    RUNNING,
    DatasetEntry,
    DatasetTitle,
)
from orchestration.services.dataset_query import FILTERS, DatasetQuery
from orchestration.services.paging import LIMIT, MOST, paged
from orchestration.services.questions.dataset import REFRESH, SUGGEST_CHECKS
from orchestration.services.site.datasets import (
    checks_of,
    dataset_of,
    forget_view,
    list_datasets,
    runs_of,
    show_one,
    title_of,
)
from orchestration.services.site.noted import noted
from orchestration.services.site.removal import remove
from orchestration.services.site.titles import retitle
from orchestration.services.suggested_checks import SuggestedChecks
from resources.kernel.errors import InputError, InUseError, NotFoundError


async def _list(visit: Visit) -> Response:
    sort = visit.query("sort", "name")
    query = DatasetQuery.of(
        origins=visit.queries("origin"),
        statuses=visit.queries("status"),
        search=visit.query("q"),
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        limit=min(max(visit.number("limit", LIMIT), 1), MOST),
        cursor=visit.query("cursor"),
    )
    found = await visit.run(list_datasets, visit.site, visit.project, query)
    entries = {entry.name: entry for entry in visit.project.snapshot.datasets}
    return await visit.render(
        "datasets/list.html",
        page=found,
        entries=entries,
        query=query,
        sort=sort,
        origins=ORIGINS,
        statuses=FILTERS,
        formats=FORMATS,
        is_busy=any(found.statuses[status] for status in (QUEUED, RUNNING)),
    )


def _entry(visit: Visit) -> DatasetEntry:
    return dataset_of(visit.project, visit.request.path_params["name"])


async def _render(visit: Visit, template: str, **values: Any) -> Response:
    """A page of one dataset, with its tabs."""
    entry = _entry(visit)
    found = await visit.run(show_one, visit.site, visit.project, entry.name)
    return await visit.render(
        f"datasets/{template}",
        dataset=found,
        entry=entry,
        own=f"{visit.base}/datasets/{quote(entry.name.replace('/', '~'))}",
        formats=FORMATS,
        **values,
    )


async def _show(visit: Visit) -> Response:
    entry, site = _entry(visit), visit.site
    runs = await visit.run(runs_of, site, entry, limit=5)
    checks = await visit.run(checks_of, site, visit.project, entry)
    failed = [check for check in checks if check.outcome not in ("passed", "never run")]
    return await _render(visit, "show.html", runs=runs, checks=checks, failed=failed)


async def _checks(visit: Visit) -> Response:
    found = await visit.run(checks_of, visit.site, visit.project, _entry(visit))
    counts = Counter("warning" if one.severity == "warning" else one.outcome for one in found)
    numbered = list(enumerate(found))
    listed = paged(numbered, _place, cursor=visit.query("cursor") or None, limit=_CHECKS)
    checks = [check for _, check in listed.items]
    return await _render(visit, "checks.html", checks=checks, counts=counts, page=listed)


_CHECKS = 100
"""Checks on a page: 3,000 with examples would be megabytes of HTML."""


def _place(numbered: tuple[int, CheckOutcome]) -> tuple[int, int]:
    """Those that failed first, else as declared."""
    number, check = numbered
    return (check.outcome in ("passed", "never run"), number)


async def _suggested_checks(visit: Visit) -> Response:
    entry, problem = _entry(visit), ""
    declared = [check.name for check in entry.checks]
    found: SuggestedChecks | None = None
    try:
        found = await visit.ask(SUGGEST_CHECKS, key=list(entry.key), declared=declared)
    except NotFoundError as error:
        problem = str(error)
    return await _render(visit, "suggested_checks.html", suggested=found, problem=problem)


async def _runs(visit: Visit) -> Response:
    limit = min(max(visit.number("limit", 50), 1), MOST)
    found = await visit.run(runs_of, visit.site, _entry(visit), limit=limit)
    return await _render(visit, "runs.html", runs=found)


async def _columns(visit: Visit) -> Response:
    return await _render(visit, "columns.html")


async def _download(visit: Visit) -> Response:
    """The bytes come from the API, whose answer cannot be taken for whole when it was cut off."""
    entry = _entry(visit)
    name = quote(entry.name.replace("/", "~"), safe="~")
    project = quote(visit.project.name, safe="")
    wanted = {k: v for k in ("format", "version", "raw") if (v := visit.query(k))}
    return RedirectResponse(
        f"/api/v1/projects/{project}/datasets/{name}/download?{urlencode(wanted)}", 303
    )


async def _refresh(visit: Visit) -> Response:
    name = _entry(visit).name
    asking = visit.ask(REFRESH, name=name)
    run_id = await noted(visit.site, visit.actor, "dataset.refresh", f"datasets/{name}", asking)
    forget_view(visit.site, visit.project)
    return visit.redirect(f"/runs/{run_id}")


async def _rename_form(visit: Visit) -> Response:
    title = await visit.run(title_of, _entry(visit))
    return await _render(visit, "rename.html", given=title or DatasetTitle(), problem="")


async def _rename(visit: Visit) -> Response:
    entry, form = _entry(visit), await visit.form()
    given = DatasetTitle(str(form.get("title", "")), str(form.get("description", "")))
    wanted = ("dataset.rename", entry, given.title, given.description)
    try:
        await visit.run(retitle, visit.site, visit.actor, *wanted)
    except InputError as error:  # what was typed stays in the form
        return await _render(visit, "rename.html", status=422, given=given, problem=str(error))
    forget_view(visit.site, visit.project)
    return visit.redirect(_path(entry), notice="Title and description are saved")


async def _remove_form(visit: Visit) -> Response:
    return await _ask_to_remove(visit)


async def _ask_to_remove(visit: Visit, status: int = 200, **given: Any) -> Response:
    """The form; a definition goes too only where somebody may delete it, and YAML declares the dataset."""
    declared = {one.name for one in visit.project.snapshot.declarations if one.noun == "dataset"}
    values = {"problem": "", "force": False, "definition": False, "with_tags": False, **given}
    values["tags"] = await visit.run(_kept_by, visit)
    is_offered = visit.may("dataset.delete") and _entry(visit).name in declared
    return await _render(visit, "remove.html", status=status, offers_both=is_offered, **values)


def _kept_by(visit: Visit) -> list[str]:
    """What keeps versions of it: whoever removes it has to say that they may go."""
    said = visit.site.store(visit.project).item(_entry(visit).key).tagging.read()
    return [*sorted(said.tags), *(f"a pin at version {number}" for number in sorted(said.pins))]


async def _remove(visit: Visit) -> Response:
    entry, form = _entry(visit), await visit.form()
    chosen = {name: form.get(name) == "true" for name in ("force", "with_tags", "definition")}
    try:
        found = await remove(visit.site, visit.project, visit.actor, entry, **chosen)
    except InUseError as error:
        return await _ask_to_remove(visit, 409, problem=str(error), **chosen)
    count = len(found.versions)
    words = "1 version was removed" if count == 1 else f"{count} versions were removed"
    if found.definition:
        told = f"{words}, and {entry.name} was taken out of {found.definition}"
        return visit.redirect("/datasets", notice=told)
    return visit.redirect(_path(entry), notice=words)


def _path(entry: DatasetEntry) -> str:
    return f"/datasets/{quote(entry.name.replace('/', '~'), safe='~')}"


ONE = "/datasets/{name}"
ROUTES = [
    page("dataset.list", "/datasets", _list),
    page("dataset.show", ONE, _show),
    page("dataset.columns", f"{ONE}/columns", _columns),
    page("dataset.checks", f"{ONE}/checks", _checks),
    page("dataset.suggest-checks", f"{ONE}/suggested-checks", _suggested_checks),
    page("dataset.runs", f"{ONE}/runs", _runs),
    page("dataset.download", f"{ONE}/download", _download),
    page("dataset.refresh", f"{ONE}/refresh", _refresh, methods=["POST"]),
    page("dataset.rename", f"{ONE}/rename", _rename_form),
    page("dataset.rename", f"{ONE}/rename", _rename, methods=["POST"]),
    page("dataset.remove", f"{ONE}/remove", _remove_form),
    page("dataset.remove", f"{ONE}/remove", _remove, methods=["POST"]),
]
