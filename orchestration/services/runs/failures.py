"""Why a run or a step failed, in one line: from what Dagster recorded to what a person can act on."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from orchestration.services.statuses import problem_of
from resources.kernel.errors import MESSAGE_LIMIT, WaybillError

_CHECKED = "dagster._core.errors.DagsterAssetCheckFailedError: "
"""Dagster's own error of a step whose checks stop what follows."""
_SEE_CHECKS = "`waybill dataset checks NAME` and its page show the rows that fail"


def has_error(event: dg.DagsterEvent) -> bool:
    """Whether an event says that something went wrong, and what."""
    return getattr(event.event_specific_data, "error", None) is not None


def error_text(event: dg.DagsterEvent) -> str:
    """Why a step failed, in one line: what was raised on purpose, the outermost first, else the innermost error."""
    data = event.event_specific_data
    failure = getattr(data, "user_failure_data", None)
    if failure is not None and failure.description:
        return _one_line(failure.description)
    error = getattr(data, "error", None)
    while error is not None:
        if error.message.startswith(_CHECKED):
            return _one_line(f"{error.message.removeprefix(_CHECKED).strip()}. {_SEE_CHECKS}")
        if (text := _raised_on_purpose(error.message)) is not None:
            return _one_line(text)
        if error.cause is None:
            break
        error = error.cause
    return _one_line(error.message if error is not None else event.message or "no reason was given")


def problem_name(event: dg.DagsterEvent) -> str:
    """What kind of error failed a step, by the name that problems of the API have; empty for an error that was not raised on purpose."""
    data = event.event_specific_data
    failure = getattr(data, "user_failure_data", None)
    told = failure.metadata.get("error") if failure is not None else None
    name = getattr(told, "value", None)
    return next((problem_of(kind) for kind in _kinds(WaybillError) if kind.__name__ == name), "")


def _raised_on_purpose(message: str) -> str | None:
    """The text of an error that Waybill or a user's asset raised to be read; an event keeps its class as text only."""
    kinds: list[type[Exception]] = [dg.Failure, *_kinds(WaybillError)]
    for kind in kinds:
        name = f"{kind.__module__}.{kind.__qualname__}: "
        if message.startswith(name):
            return message.removeprefix(name)
    return None


def _kinds(kind: type[WaybillError]) -> Iterator[type[WaybillError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:MESSAGE_LIMIT]
