"""Why a run or a step failed, in one line: from what Dagster recorded to what a person can act on."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from resources.kernel.errors import MESSAGE_LIMIT, WaybillError


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
        if (text := _raised_on_purpose(error.message)) is not None:
            return _one_line(text)
        if error.cause is None:
            break
        error = error.cause
    return _one_line(error.message if error is not None else event.message or "no reason was given")


def _raised_on_purpose(message: str) -> str | None:
    """The text of an error that Waybill or a user's asset raised to be read; an event keeps its class as text only."""
    kinds: list[type[Exception]] = [dg.Failure, *_kinds(WaybillError)]
    for kind in kinds:
        name = f"{kind.__module__}.{kind.__qualname__}: "
        if message.startswith(name):
            return message.removeprefix(name)
    return None


def _kinds(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:MESSAGE_LIMIT]
