"""Exporters and their exports as the web process lists them: once for all who look at the same page."""

from __future__ import annotations

from orchestration.services.exports.history import Export, HistoryFilter, export_history
from orchestration.services.exports.listing import (
    ExporterFilter,
    ExporterSummary,
    page_of_exporters,
)
from orchestration.services.paging import LIMIT, Page
from orchestration.services.site.projects import Project
from orchestration.services.site.records import kept_answer
from orchestration.services.site.site import Site


def list_page(
    site: Site,
    project: Project,
    wanted: ExporterFilter,
    *,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[ExporterSummary]:
    """A page of the list; raises as `page_of_exporters` does."""

    def read() -> Page[ExporterSummary]:
        exporters = project.snapshot.exporters
        return page_of_exporters(site.instance, exporters, wanted, cursor=cursor, limit=limit)

    asked = ("exporters", project.name, wanted, cursor, limit)
    return kept_answer(site, asked, project.snapshot, read)


def history_page(
    site: Site,
    project: Project,
    wanted: HistoryFilter,
    *,
    cursor: str | None = None,
    limit: int = LIMIT,
) -> Page[Export]:
    """A page of the exports; raises as `export_history` does."""

    def read() -> Page[Export]:
        exporters = project.snapshot.exporters
        return export_history(site.instance, exporters, wanted, cursor=cursor, limit=limit)

    asked = ("exports", project.name, wanted, cursor, limit)
    return kept_answer(site, asked, project.snapshot, read)
