"""The round of `waybill up` that settles tasks: none waits for somebody to look at it."""

from __future__ import annotations

import logging
import threading
import time
from typing import Self

import dagster as dg

from orchestration.services.import_tasks.lost import settle_all
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.catalog.import_tasks.catalog import ImportTaskCatalog
from resources.stores.task_uploads import TaskUploads

EVERY_SECONDS = 5.0
SWEEP_SECONDS = 3_600.0
"""How often uploads are looked for whose task is gone."""
logger = logging.getLogger(__name__)


class TaskRounds:
    """Settles the tasks of a catalog every few seconds, as long as the context lives: the first time at once.

    Args:
        database: has the tasks.
        instance: has their runs.
        every_seconds: between two rounds.
    """

    def __init__(
        self,
        database: CatalogDatabase,
        instance: dg.DagsterInstance,
        *,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._database = database
        self._instance = instance
        self._every = every_seconds
        self._stop = threading.Event()
        self._swept: float | None = None
        self._thread = threading.Thread(target=self._run, name="import tasks", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                self._look()
            except Exception:
                logger.exception("import tasks could not be settled; the next round tries again")
            if self._stop.wait(self._every):
                return

    def _look(self) -> None:
        if not self._database.exists():
            return
        settle_all(self._database, self._instance)
        if self._swept is None or time.monotonic() - self._swept > SWEEP_SECONDS:
            self._swept = time.monotonic()
            TaskUploads.open().sweep(ImportTaskCatalog(self._database).ids())
