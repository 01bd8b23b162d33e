"""Names and limits that the server's processes agree on; imports nothing of ours."""

import signal
from dataclasses import dataclass
from enum import Enum

PASSWORD_VARIABLE = "WAYBILL_UI_PASSWORD"  # noqa: S105 - the name of a variable, not a password
"""Asked by HTTP Basic when set."""

PUBLIC_URL_VARIABLE = "WAYBILL_PUBLIC_URL"
"""Where a reverse proxy offers the server to others: `https://waybill.example.com`."""

METRICS_VARIABLE = "WAYBILL_METRICS"
"""Set to 1: /metrics is answered, for Prometheus."""

UPLOADS_AT_ONCE = 16
"""Of one user, where nothing else is set."""

REQUESTS_A_SECOND = 100.0
"""Of one user to the HTTP API, on average, where nothing else is set."""

PROBE_VARIABLE = "WAYBILL_PROBE"
"""A secret between the supervisor and the web UI, with which it is asked whether it is ready."""

STOP_SECONDS = 7
"""How long the server's processes may take to end by themselves before they are killed."""

RUNNERS_VARIABLE = "WAYBILL_RUNNERS"
"""Names the folder with the sockets of processes that fork runs to the processes that launch runs."""

INTERRUPTED_VARIABLE = "WAYBILL_INTERRUPTED_RUNS"
"""What becomes of runs that are at work when the server is stopped: a value of `Interrupted`."""


RETIRE = signal.SIGUSR1
"""Tells the process of a code location that another one has taken its place: it ends with its last run."""

STOP = signal.SIGUSR2
"""Tells the process of a code location that the server is stopped on purpose."""


class Interrupted(Enum):
    """What becomes of a run that a stop of the server interrupts."""

    RESUME = "resume"
    CANCEL = "cancel"

    @property
    def consequence(self) -> str:
        """What it means for the run, for a person."""
        if self is Interrupted.RESUME:
            return "It is tried again, from where it failed, when the server is started again."
        return "It is not tried again."


@dataclass(frozen=True)
class PublicAddress:
    """Where a reverse proxy offers the server.

    Args:
        host: as browsers send it in Host: `waybill.example.com`.
        origin: as they send it in Origin: `https://waybill.example.com`.
    """

    host: str
    origin: str
