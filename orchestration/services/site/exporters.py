"""The list of exporters as the web process makes it: once for all who look at the same page of it."""

from __future__ import annotations

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
