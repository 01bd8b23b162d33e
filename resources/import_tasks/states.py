"""The states of a task, and every way from one to another: one table, which docs/imports.md shows and a test walks through.

A person asks for an *action*: start, stop, retry, delete. What a run, its death or the machine does to a task is an *event*.
Both change a state by compare-and-set: of two who want the same at one moment one does it, and the other one sees what holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

TaskState = Literal[
    "not_started", "importing", "stopping", "stopped", "completed", "failed", "deleting"
]
TaskAction = Literal["start", "stop", "retry", "delete"]
TaskEvent = Literal["create", "complete", "halt", "fail", "interrupt", "remove"]
"""`halt`: its run ended because it was to stop; `interrupt`: its run ended or died without a word; `remove`: it is gone."""

STATES: tuple[TaskState, ...] = get_args(TaskState)
ACTIONS: tuple[TaskAction, ...] = get_args(TaskAction)
EVENTS: tuple[TaskEvent, ...] = get_args(TaskEvent)
WORKING: frozenset[TaskState] = frozenset({"importing", "stopping"})
"""A run is at work on it, waits for its turn, or has died and nobody has seen it yet."""
GOING: frozenset[TaskState] = WORKING | {"deleting"}
"""It goes into another state by itself."""
TITLES: Mapping[TaskState, str] = {
    "not_started": "Not started",
    "importing": "Importing",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "completed": "Completed",
    "failed": "Import failed",
    "deleting": "Deleting",
}
"""What people read."""


class Step(msgspec.Struct, frozen=True):
    """What an action does in a state."""

    to: TaskState | None = None
    """The state after it; None: it changes nothing."""
    refusal: str = ""
    """Why it is refused; empty: it is taken."""
    needs_failed: bool = False
    """Whether it is taken only of a task with failed items."""

    @property
    def is_taken(self) -> bool:
        """Whether it is no error."""
        return not self.refusal


_NO_EFFECT = Step()
_DELETING = Step("deleting")
_LEAVING = "it is being deleted"
_UNSTARTED = "it was not started yet: start it"
_RUNNING = "it is already running"
_NO_RUN = "no run is at work on it"
_STOPPING = "it is being stopped: wait for that"
_FAILED = "it failed: retry takes what failed or is left"
_DONE = "it is completed"

TABLE: Mapping[TaskState, Mapping[TaskAction, Step]] = {
    "not_started": {
        "start": Step("importing"),
        "stop": Step(refusal=_UNSTARTED),
        "retry": Step(refusal=_UNSTARTED),
        "delete": _DELETING,
    },
    "importing": {
        "start": Step(refusal=_RUNNING),
        "stop": Step("stopping"),
        "retry": Step(refusal=_RUNNING),
        "delete": _DELETING,
    },
    "stopping": {
        "start": Step(refusal=_STOPPING),
        "stop": _NO_EFFECT,
        "retry": Step(refusal=_STOPPING),
        "delete": _DELETING,
    },
    "stopped": {
        "start": Step("importing"),
        "stop": _NO_EFFECT,
        "retry": Step(refusal="it was stopped: start goes on with what is not done"),
        "delete": _DELETING,
    },
    "completed": {
        "start": Step(refusal=_DONE),
        "stop": Step(refusal=_DONE),
        "retry": Step("importing", needs_failed=True),
        "delete": _DELETING,
    },
    "failed": {
        "start": Step(refusal=_FAILED),
        "stop": Step(refusal=_NO_RUN),
        "retry": Step("importing"),
        "delete": _DELETING,
    },
    "deleting": {
        "start": Step(refusal=_LEAVING),
        "stop": Step(refusal=_LEAVING),
        "retry": Step(refusal=_LEAVING),
        "delete": _NO_EFFECT,
    },
}
"""What each action does in each state."""

ENDS: Mapping[TaskState, Mapping[TaskEvent, TaskState]] = {
    "importing": {
        "complete": "completed",
        "halt": "stopped",  # its run was cancelled where runs are
        "fail": "failed",
        "interrupt": "failed",
    },
    "stopping": {
        "complete": "completed",  # it was done before it saw that it should stop
        "halt": "stopped",
        "fail": "failed",
        "interrupt": "stopped",  # what was asked for has come about
    },
}
"""What becomes of a task when its run ends, by how it ended. In every other state the end of a run changes nothing."""


def step_of(state: TaskState, action: TaskAction, *, failed: int) -> Step:
    """What an action does to a task.

    Args:
        state: of the task.
        action: what is asked for.
        failed: how many of its items failed.
    """
    step = TABLE[state][action]
    if step.needs_failed and not failed:
        return Step(refusal=f"{_DONE}, and no item failed")
    return step


def actions_in(state: TaskState, *, failed: int) -> tuple[TaskAction, ...]:
    """The actions that would change something now, in the order of buttons."""
    steps = ((action, step_of(state, action, failed=failed)) for action in ACTIONS)
    return tuple(action for action, step in steps if step.is_taken and step.to is not None)
