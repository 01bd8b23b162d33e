"""Runs: work that a server does, and how to wait for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestration.client.transport import Transport, named_error, part
from resources.kernel.errors import ConnectorUnavailableError

if TYPE_CHECKING:
    from orchestration.services.runs.detail import RunDetail
    from orchestration.services.runs.listing import RunSummary

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Run:
    """A run of a server.

    Args:
        transport: how it is asked.
        base: the project's place.
        id: of the run.
    """

    transport: Transport
    base: str
    id: str

    def show(self) -> RunDetail:
        """Its state, steps, errors in words, and what it made."""
        from orchestration.services.runs.detail import RunDetail

        return self.transport.get(self._path, RunDetail)

    def wait(self, seconds: float = 3600.0) -> RunDetail:
        """What became of it, once it has ended well.

        Raises:
            WaybillError: it failed or was stopped, with the reason; of the class that failed it, such as InputError.
            ConnectorUnavailableError: it has not ended in time; it goes on.
        """
        end = time.monotonic() + seconds
        while not (found := self.show()).summary.state.has_ended:
            if time.monotonic() > end:
                raise ConnectorUnavailableError(
                    f"run {self.id} has not ended in {seconds:g} s", hint="It goes on: wait again"
                )
            time.sleep(POLL_SECONDS)
        if found.summary.state != "done":
            raise named_error(found.problem).rebuild(
                f"run {self.id} {found.summary.state}: {found.error or 'no reason was given'}",
                "",
                {"run_id": self.id},
            )
        return found

    def cancel(self) -> None:
        """Asks it to stop.

        Raises:
            ConflictError: it has ended.
        """
        self.transport.send("POST", f"{self._path}/cancel", dict[str, Any])

    def retry(self) -> Run:
        """Runs again what failed of it.

        Raises:
            ConflictError: it has not failed.
        """
        return started(self.transport, self.base, f"{self._path}/retry", None)

    @property
    def _path(self) -> str:
        return f"{self.base}/runs/{part(self.id)}"


@dataclass(frozen=True)
class Runs:
    """The runs of a project."""

    transport: Transport
    base: str

    def list(self, **filters: Any) -> Iterator[RunSummary]:
        """Runs, newest first; filters as in the API: `state`, `pipeline`, `asset`, `actor`, `since`, `until`."""
        from orchestration.services.runs.listing import RunSummary

        return self.transport.pages(f"{self.base}/runs", RunSummary, **filters)

    def __getitem__(self, run_id: str) -> Run:
        """A run by its id."""
        return Run(self.transport, self.base, run_id)


def started(transport: Transport, base: str, path: str, body: Any, *, key: str = "") -> Run:
    """Asks for work; the run that does it."""
    told = transport.send("POST", path, dict[str, Any], body, key=key)
    return Run(transport, base, told["run_id"])
