"""What every SQL connector is to whoever exports: the way in, and a rehearsal of it."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager

from resources.connectors.base import TableConnector
from resources.connectors.sql.config import SqlConfig
from resources.connectors.sql.writing.rehearsal import rehearse_export
from resources.connectors.sql.writing.run import Deliverer, run_export
from resources.kernel.errors import ConfigError
from resources.kernel.records import (
    BatchStream,
    CheckReport,
    ExportReceipt,
    ExportRequest,
    TellStep,
)


class WritingConnector(TableConnector):
    """A database that takes deliveries, unless its `deliverer` says why not."""

    config: SqlConfig

    @abstractmethod
    def translated(self, doing: str) -> AbstractContextManager[None]:
        """Turns what the driver raises inside the block into errors of ours."""

    def write(self, stream: BatchStream, request: ExportRequest) -> ExportReceipt:
        """Delivers a stream into a table, atomically and exactly once for its run (2b, 2c)."""
        return run_export(self, stream, request)

    def rehearse(
        self, stream: BatchStream, request: ExportRequest, tell: TellStep | None = None
    ) -> CheckReport:
        """Tries an export without making it; see `writing.rehearsal`."""
        return rehearse_export(self, stream, request, tell)

    def deliverer(self) -> Deliverer:
        """How this database takes deliveries.

        Raises:
            ConfigError: it is read only here.
        """
        spec = self.config.spec
        raise ConfigError(
            f"connector {self.name!r}: {spec.title} is read only here: {spec.refusal}",
            hint="Export to another database",
        )
