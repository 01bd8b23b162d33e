"""Dagster's daemon: schedules, sensors, the queue, retries and monitoring, in threads of the web UI's process.

Two processes would each hold Dagster and what the code servers say of the definitions, and the daemon's would ask for
all of that anew every minute. Here it works on the workspace that the web UI has anyway, which follows a reload by
itself. What it costs: one interpreter for both, so a tick over thousands of assets slows the web UI meanwhile. What
either computes for users' code runs elsewhere, in code servers and runs.

The calls of Dagster here (`create_daemons_from_instance`, `run_daemon_loop`) are not public: a test pins them.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from contextlib import ExitStack
from typing import Any, Self

from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._daemon.controller import (
    DEFAULT_DAEMON_ERROR_INTERVAL_SECONDS,
    DEFAULT_HEARTBEAT_INTERVAL_SECONDS,
    create_daemons_from_instance,
)

from orchestration.dagster_warnings import leave_out_first_start
from orchestration.server.threads import leave

logger = logging.getLogger(__name__)


class Daemon:
    """The daemon's loops over a workspace, as long as the context lives.

    A loop that ends without being asked to ends the process: the supervisor starts a new one.
    """

    def __init__(self, workspace: WorkspaceProcessContext) -> None:
        self._workspace = workspace
        self._id = str(uuid.uuid4())
        self._stop = threading.Event()
        self._stack = ExitStack()
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        leave_out_first_start()
        for daemon in create_daemons_from_instance(self._workspace.instance):
            loop = self._stack.enter_context(daemon)
            name = f"daemon {daemon.daemon_type()}"
            self.threads.append(
                threading.Thread(target=self._run, args=(loop,), name=name, daemon=True)
            )
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        self.join()
        self._stack.close()

    def stop(self) -> None:
        """Has the loops end after what they are doing."""
        self._stop.set()

    def join(self, seconds: float | None = None) -> None:
        """Waits for the ends of the loops, at most `seconds`."""
        end = None if seconds is None else time.monotonic() + seconds
        for thread in self.threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))

    def _run(self, loop: Any) -> None:
        try:
            loop.run_daemon_loop(
                self._workspace,
                self._id,
                self._stop,
                DEFAULT_HEARTBEAT_INTERVAL_SECONDS,
                DEFAULT_DAEMON_ERROR_INTERVAL_SECONDS,
            )
        except Exception:
            logger.exception("%s", threading.current_thread().name)
        if not self._stop.is_set():
            logger.error("the loop of the %s ended", threading.current_thread().name)
            leave(1)
