"""One guarded address: Dagster's web UI at `/`, the data section at `/data/`, the HTTP API at `/api/v1/`.

Dagster's daemon works in the same process, which the supervisor starts. Users' code never runs here.

Uses calls of Dagster that are not public (`WorkspaceProcessContext`, its load target, and
`create_app_from_workspace_process_context`): a test pins them.

    python -m orchestration.server.web WORKSPACE_FILE SOCKET_FD
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__ as webserver_version
from starlette.types import ASGIApp

from orchestration.kept_engines import keep_engines
from orchestration.server.daemon import Daemon
from orchestration.server.guard import BODY_LIMIT_BYTES, Guard, GuardRules
from orchestration.server.guard.settings import read_rules
from orchestration.server.http_protocol import PunctualProtocol
from orchestration.server.kept_scripts import keep_scripts
from orchestration.server.permissions import RoleWorkspace
from orchestration.server.reconcile import report_interrupted_runs
from orchestration.server.site_app import SiteApp, begin_to_import, open_site
from orchestration.services.access.directory import Directory
from orchestration.services.home import open_home
from orchestration.services.import_tasks.rounds import TaskRounds
from orchestration.services.instance import opened_in_turn
from orchestration.services.webhooks.courier import Courier
from resources.stores.catalog.database import CatalogDatabase

SHUTDOWN_SECONDS = 3  # open websockets of browsers would hold the process for ever
DAEMON_SECONDS = (
    2  # what it is doing may be cut off: that is a crash, which loses and doubles nothing
)
STATEMENT_MILLISECONDS = 60_000  # for a page; the daemon's longest questions are shorter too
POLL_MILLISECONDS = 2_000


@contextmanager
def open_workspace(workspace_file: Path) -> Iterator[WorkspaceProcessContext]:
    """The code locations and the instance in `DAGSTER_HOME`, for as long as the context lives."""
    keep_engines()
    keep_scripts()
    with opened_in_turn(open_home()):
        opened = dg.DagsterInstance.get()
    with opened as instance:
        report_interrupted_runs(instance)
        instance.optimize_for_webserver(
            statement_timeout=STATEMENT_MILLISECONDS, pool_recycle=3_600, max_overflow=20
        )
        target = WorkspaceFileTarget(paths=[str(workspace_file)])
        with RoleWorkspace(
            instance, version=webserver_version, workspace_load_target=target
        ) as context:
            yield context


def guarded_app(
    context: WorkspaceProcessContext, rules: GuardRules, directory: Directory | None = None
) -> ASGIApp:
    """The web UI of a workspace, its data section and its API, behind the guard."""
    ui = create_app_from_workspace_process_context(context, live_data_poll_rate=POLL_MILLISECONDS)
    secret = rules.key.decode("latin-1")
    site = SiteApp(ui, open_site(context, secret))
    if not rules.has_metrics:
        return Guard(site, rules, directory)
    from orchestration.server.metrics import Metered, Metrics, MetricsPage

    metrics = Metrics(context.instance)
    return Metered(Guard(MetricsPage(site, metrics), rules, directory), metrics)


class _Server(uvicorn.Server):
    """Stops the daemon first: it would start runs, or try again those that end now."""

    def __init__(self, config: uvicorn.Config, daemon: Daemon) -> None:
        super().__init__(config)
        self._daemon = daemon

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._daemon.stop()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        await asyncio.to_thread(self._daemon.join, DAEMON_SECONDS)


def serve(workspace_file: Path, listener: socket.socket) -> None:
    """Answers on `listener`, which is bound already, until SIGTERM or SIGINT."""
    rules = read_rules(listener.getsockname()[1])
    directory = Directory(CatalogDatabase.open())
    with open_workspace(workspace_file) as context:
        config = uvicorn.Config(
            guarded_app(context, rules, directory),
            http=PunctualProtocol,
            log_level="warning",
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # the guard knows whom to believe
            ws_max_size=BODY_LIMIT_BYTES,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        with (
            Daemon(context) as daemon,
            Courier(directory.database, context.instance),
            TaskRounds(directory.database, context.instance),
        ):
            _Server(config, daemon).run(sockets=[listener])


def _wait_for_code_servers(sockets: list[Path]) -> None:
    # A code server makes its socket when its code is loaded. Dagster and this module are imported meanwhile, and then
    # what the first request for a page or of the API would else wait for.
    begin_to_import()
    while not all(path.exists() for path in sockets):
        time.sleep(0.05)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    file, descriptor = Path(sys.argv[1]), int(sys.argv[2])
    _wait_for_code_servers([Path(name) for name in sys.argv[3:]])
    serve(file, socket.socket(fileno=descriptor))
