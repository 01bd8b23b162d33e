"""Where the tasks of a project stand, and those among them whose run is gone without a word: nobody has to wait for a round."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from orchestration.location import Location
from orchestration.services.import_tasks.lost import settle_lost
from resources.project import find_project
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.catalog.import_tasks.items import TaskItemCatalog
from resources.stores.catalog.import_tasks.listing import TaskListing
from resources.stores.catalog.import_tasks.records import StoredTask


@dataclass(frozen=True)
class TaskRecords:
    """Where the tasks of a project stand.

    Args:
        project: the name of its code location.
        database: the catalog, which has the tasks.
        instance: has their runs.
    """

    project: str
    database: CatalogDatabase
    instance: dg.DagsterInstance

    @classmethod
    def of(cls, location: Location, instance: dg.DagsterInstance) -> TaskRecords:
        """Those of the project of this process.

        Raises:
            ConfigError: its definitions have no catalog.
        """
        database = location.catalog().collections().database
        return cls(find_project().location, database, instance)

    @property
    def tasks(self) -> ImportTaskCatalog:
        """The tasks."""
        return ImportTaskCatalog(self.database)

    @property
    def items(self) -> TaskItemCatalog:
        """Their items."""
        return TaskItemCatalog(self.database)

    @property
    def listing(self) -> TaskListing:
        """What finds them."""
        return TaskListing(self.database)

    def find(self, task_id: int) -> StoredTask:
        """A task of the project, as it is: one whose run is gone is failed.

        Raises:
            NotFoundError: there is none.
        """
        stored = self.tasks.find(task_id, self.project)
        if self.settle([stored]):
            return self.tasks.find(task_id, self.project)
        return stored

    def settle(self, stored: Iterable[StoredTask]) -> int:
        """Ends those among some tasks whose run is gone; says how many."""
        return settle_lost(self.database, self.instance, stored)
