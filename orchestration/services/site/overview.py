"""The overview as the web process makes it: what is stale comes from the datasets that it has at hand."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from orchestration.services.dataset_list import DatasetSummary
from orchestration.services.overview import Overview, show_overview
from orchestration.services.site.collection_imports import imports_of
from orchestration.services.site.datasets import view_datasets
from orchestration.services.site.projects import Project
from orchestration.services.site.records import kept_answer
from orchestration.services.site.site import Site
from resources.kernel.errors import WaybillError

logger = logging.getLogger(__name__)


def overview_of(site: Site, project: Project) -> Overview:
    """What a project is doing; of a store that does not answer nothing is told stale, and the list says why."""
    asked = ("overview", project.name)
    return kept_answer(site, asked, project.snapshot, lambda: _read(site, project))


def _read(site: Site, project: Project) -> Overview:
    try:
        datasets: Sequence[DatasetSummary] = view_datasets(site, project).items
    except WaybillError as error:
        logger.warning("what is stale in %s is not known: %s", project.name, error)
        datasets = ()
    imports = imports_of(site, project)
    return show_overview(site.instance, project.snapshot, project.name, datasets, imports)
