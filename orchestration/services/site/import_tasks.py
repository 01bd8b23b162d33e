"""Import tasks of a project as the web process knows them: the catalog and Dagster's records have all of it."""

from __future__ import annotations

from orchestration.services.import_tasks.records import TaskRecords
from orchestration.services.site.projects import Project
from orchestration.services.site.site import Site


def tasks_of(site: Site, project: Project) -> TaskRecords:
    """The tasks of a project, whether its code loads or not."""
    return TaskRecords(project.name, site.catalog, site.instance)
