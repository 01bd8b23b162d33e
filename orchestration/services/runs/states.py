"""What a run is doing, in Waybill's words, and what may be asked of it then: one table for every face."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Literal

import dagster as dg

from resources.kernel.errors import ConflictError


class RunState(StrEnum):
    """What a run is doing."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def has_ended(self) -> bool:
        """Whether it stays so for ever."""
        return self in _ENDED


_ENDED = (RunState.DONE, RunState.FAILED, RunState.STOPPED)
_STATES: Mapping[dg.DagsterRunStatus, RunState] = {
    dg.DagsterRunStatus.NOT_STARTED: RunState.QUEUED,
    dg.DagsterRunStatus.QUEUED: RunState.QUEUED,
    dg.DagsterRunStatus.STARTING: RunState.STARTING,
    dg.DagsterRunStatus.STARTED: RunState.RUNNING,
    dg.DagsterRunStatus.MANAGED: RunState.RUNNING,
    dg.DagsterRunStatus.SUSPENDED: RunState.RUNNING,
    dg.DagsterRunStatus.CANCELING: RunState.STOPPING,
    dg.DagsterRunStatus.SUCCESS: RunState.DONE,
    dg.DagsterRunStatus.FAILURE: RunState.FAILED,
    dg.DagsterRunStatus.CANCELED: RunState.STOPPED,
}

Action = Literal["cancel", "retry"]
ACTIONS: Mapping[Action, frozenset[RunState]] = {
    # Stopping a run a second time asks its process again.
    "cancel": frozenset(RunState) - set(_ENDED),
    "retry": frozenset({RunState.FAILED, RunState.STOPPED}),
}
"""In which states what may be asked of a run."""
_HINTS: Mapping[Action, str] = {
    "cancel": "",
    "retry": "Stop it first, or wait for its end; what is done is run again by starting it anew",
}


def state_of(status: dg.DagsterRunStatus) -> RunState:
    """What a run of this status is doing."""
    return _STATES[status]


def statuses_of(states: Collection[RunState]) -> list[dg.DagsterRunStatus]:
    """Dagster's words for some of ours."""
    return [status for status, state in _STATES.items() if state in states]


def actions_in(state: RunState) -> list[Action]:
    """What may be asked of a run in a state."""
    return [action for action, states in ACTIONS.items() if state in states]


def check_action(action: Action, run: dg.DagsterRun) -> None:
    """Makes sure that what is asked of a run is possible now.

    Raises:
        ConflictError: it is not; its fact `state` is what the run is doing.
    """
    state = state_of(run.status)
    if state in ACTIONS[action]:
        return
    ended = "has ended already" if state.has_ended else "has not ended yet"
    raise ConflictError(
        f"run {run.run_id} {ended}: {state}",
        hint=_HINTS[action],
        state=state.value,
        run_id=run.run_id,
    )
