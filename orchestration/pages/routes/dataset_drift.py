"""Drift of a dataset: how far a version is from another one, which columns have moved, and both distributions of one over each other.

The address is the state: which version, against what, which columns. Without a script every part is a page.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.values import visible
from orchestration.pages.visit import Visit
from orchestration.services.dataset_download import FORMATS
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.dataset_versions import VersionSummary, list_versions
from orchestration.services.profiles import drift_bars, drift_charts, wording
from orchestration.services.site.datasets import dataset_of, show_one
from orchestration.services.site.drift import drift_of
from orchestration.services.statuses import status_of
from resources.drift import words
from resources.drift.declared import decode_declared
from resources.drift.record import ColumnDrift, Drift
from resources.kernel.errors import InputError, NotFoundError

SHOWN_COLUMNS = 200
"""Most columns of a page, those that drifted most; a search finds the others."""
_DATASETS = 50
"""Most datasets that the form suggests."""


async def _drift(visit: Visit) -> Response:
    entry = dataset_of(visit.project, visit.request.path_params["name"])
    versions = await _versions(visit, entry)
    given = {name: visit.query(name).strip() for name in ("version", "against", "column")}
    values: dict[str, Any] = {"found": None, "problem": ""}
    status = 200
    if versions and (len(versions) > 1 or any(given.values()) or entry.drift):
        try:
            store = visit.site.store(visit.project)
            values["found"] = await drift_of(visit.asker(), store, entry, **given)
        except (InputError, NotFoundError) as error:  # what was chosen stays in the form
            status, values["problem"] = status_of(error), str(error)
    found: Drift | None = values["found"]
    is_one = bool(given["column"]) and found is not None
    return await visit.render(
        "analysis/drift_column.html" if is_one else "analysis/drift.html",
        status=status,
        dataset=await visit.run(show_one, visit.site, visit.project, entry.name),
        entry=entry,
        formats=FORMATS,
        versions=versions,
        given=given,
        declared=decode_declared(entry.drift) if entry.drift else None,
        suggested=_suggested(visit, entry, versions),
        **_listed(visit, found),
        **_ways(visit, entry),
        **values,
    )


async def _versions(visit: Visit, entry: DatasetEntry) -> list[VersionSummary]:
    try:
        return await visit.run(list_versions, entry, visit.site.store(visit.project))
    except NotFoundError:
        return []


def _suggested(visit: Visit, entry: DatasetEntry, versions: list[VersionSummary]) -> list[str]:
    """What a version may be compared with, as the form's field takes it."""
    others = [e.name for e in visit.project.snapshot.datasets if e.name != entry.name]
    return [
        "previous",
        *(f"tag:{tag}" for version in versions for tag in version.tags),
        *(f"version:{version.version}" for version in versions),
        *(f"dataset:{name}" for name in others[:_DATASETS]),
    ]


def _listed(visit: Visit, found: Drift | None) -> dict[str, Any]:
    """The columns that are asked for, the furthest from their threshold first."""
    if found is None:
        return {"columns": [], "more": 0, "search": "", "only": ""}
    search, only = visit.query("q"), visit.query("only")
    columns = [
        column
        for column in sorted(found.columns, key=words.rank)
        if search.casefold() in column.name.casefold() and (only != "drifted" or column.drifted)
    ]
    more = max(len(columns) - SHOWN_COLUMNS, 0)
    return {"columns": columns[:SHOWN_COLUMNS], "more": more, "search": search, "only": only}


def _ways(visit: Visit, entry: DatasetEntry) -> dict[str, Any]:
    """What templates show figures with, and where their links lead."""
    own = f"{visit.base}/datasets/{quote(entry.name.replace('/', '~'), safe='~')}"
    kept = [(name, visit.query(name)) for name in ("version", "against") if visit.query(name)]

    def drift_of(column: ColumnDrift | None = None) -> str:
        query = urlencode([*kept, *([("column", column.name)] if column else [])])
        return f"{own}/analysis/drift{'?' if query else ''}{query}"

    return {
        "own": own,
        "drift_of": drift_of,
        "analysis_part": lambda path: f"{own}/analysis{path}",
        "bars_of": drift_bars.shared_bars,
        "charts": drift_charts,
        "words": wording,
        "said": words,
        "visible": visible,
    }


ROUTES = [page("dataset.drift", "/datasets/{name}/analysis/drift", _drift)]
