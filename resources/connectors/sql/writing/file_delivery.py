"""A delivery into a database that is one file: the writer has it alone, and creates the file if there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.writing.delivery import Delivery
from resources.connectors.sql.writing.job import ExportJob, Outcome
from resources.connectors.sql.writing.target_writer import Session
from resources.kernel.errors import ConfigError


class FileDelivery(Delivery[Session]):
    """What SQLite and DuckDB have in common."""

    def delivered(self) -> Outcome | None:
        """What this run delivered before, if it did; a new file has no ledger to ask."""
        return self.ledger.find() if self.ledger.exists() else None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """The transaction is the lock: it has the file's one writer. So the ledger can be made inside of it.

        A server's ledger is made ahead and by itself, since there others may make it at the same moment. Here nobody
        else can, and a first delivery that is killed leaves no ledger behind.
        """
        if not self.ledger.exists():
            self.ledger.create()
        yield


def check_folder(config: SqlConfig, job: ExportJob) -> None:
    """A database file is made where there is none, but never its folder.

    Raises:
        ConfigError: the folder is not there.
    """
    if config.path is None or not config.path.absolute().parent.is_dir():
        raise ConfigError(
            f"{job.doing}: there is no folder for the database file {config.path}",
            hint="Create it, or correct `path`",
        )
