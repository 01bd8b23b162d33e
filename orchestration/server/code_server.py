"""Dagster's code server over definitions that are loaded already, in a fork of the process that loaded them.

A reload is asked of the supervisor by a file: it starts the next process, which loads the code anew, and points the
link that the web UI and the daemon follow at that one's socket once it answers.

    python -m orchestration.server.code_server SOCKET LINK RELOAD_FILE FAILURE_FILE TARGET...

is the way without a fork: the code is loaded here.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import grpc  # type: ignore[import-untyped]  # it has none
from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext
from dagster._core.utils import FuturesAwareThreadPoolExecutor
from dagster._grpc.__generated__ import dagster_api_pb2
from dagster._grpc.server import DagsterApiServer, DagsterGrpcServer

from orchestration.server.loading import Definitions, Target, load
from orchestration.server.threads import leave

RELOAD_SECONDS = 170.0
POLL_SECONDS = 0.05
PARENT_SECONDS = 0.5
# Open calls of the web UI would hold a code server for a minute. One that is replaced has the time: sensors and
# schedules that it evaluates come to their end.
STOP_GRACE_SECONDS, RETIRE_GRACE_SECONDS = "1", "120"
GRACE_VARIABLE = "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Address:
    """Where a code server answers.

    Args:
        socket: its own.
        link: a symbolic link to the socket of whichever server of the location is the newest.
        reload_file: made to ask for a newer one.
        failure_file: made by the supervisor when there will be no newer one; says why.
    """

    socket: Path
    link: Path
    reload_file: Path
    failure_file: Path


class LoadedServer(DagsterApiServer):
    """Answers from loaded definitions."""

    def __init__(self, definitions: Definitions, address: Address, ended: threading.Event) -> None:
        self._address = address
        context = DefinitionsLoadContext.get() if DefinitionsLoadContext.is_set() else None
        self.pool = FuturesAwareThreadPoolExecutor()
        super().__init__(
            server_termination_event=ended,
            logger=logger,
            server_threadpool_executor=self.pool,
            lazy_load_user_code=True,
            location_name=definitions.target.location,
        )
        if context is not None:
            DefinitionsLoadContext.set(context)
        self._loadable_target_origin = definitions.target.origin
        self._loaded_repositories = definitions.repositories
        self._serializable_load_error = definitions.error

    def ReloadCode(  # noqa: N802 - a name of Dagster's protocol
        self, _request: object, context: grpc.ServicerContext
    ) -> dagster_api_pb2.ReloadCodeReply:
        """Returns when another server has taken this one's place, with new code or with its error.

        Fails when the process that was to do so has died.
        """
        self._address.failure_file.unlink(missing_ok=True)
        self._address.reload_file.touch()
        end = time.monotonic() + RELOAD_SECONDS
        while time.monotonic() < end and self._is_newest():
            if not self._address.reload_file.exists() and self._address.failure_file.exists():
                text = self._address.failure_file.read_text(encoding="utf-8")
                context.abort(grpc.StatusCode.ABORTED, text)
            time.sleep(POLL_SECONDS)
        return dagster_api_pb2.ReloadCodeReply()

    def _is_newest(self) -> bool:
        return self._address.link.resolve() == self._address.socket.resolve()

    def retire(self, _number: int, _frame: FrameType | None) -> None:
        """Ends the server once no call is open and no run that it started is left."""
        os.environ[GRACE_VARIABLE] = RETIRE_GRACE_SECONDS
        self._shutdown_once_executions_finish_event.set()


def serve(definitions: Definitions, address: Address, parent: int) -> int:
    """Answers until SIGTERM or SIGINT, SIGUSR1 for an end without haste, or the death of `parent`."""
    os.environ[GRACE_VARIABLE] = STOP_GRACE_SECONDS
    ended = threading.Event()
    server = LoadedServer(definitions, address, ended)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: ended.set())
    signal.signal(signal.SIGUSR1, server.retire)
    threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()
    address.socket.unlink(missing_ok=True)
    DagsterGrpcServer(
        server_termination_event=ended,
        dagster_api_servicer=server,
        logger=logger,
        threadpool_executor=server.pool,
        socket=str(address.socket),
    ).serve()  # type: ignore[no-untyped-call]  # Dagster's
    return 0


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    leave(1)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    here = Address(*map(Path, sys.argv[1:5]))
    started_by = os.getppid()
    leave(serve(load(Target.parse(sys.argv[5:])), here, started_by))
