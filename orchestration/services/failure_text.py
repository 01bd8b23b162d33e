"""Why a run failed, in one line, from its recorded events as plain JSON. Imports no Dagster.

`runs/watch.py` says the same of Dagster's own objects while a run goes on; `test_failure_text.py` compares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resources.kernel.errors import MESSAGE_LIMIT, WaybillError
from resources.kernel.keys import Key

_FAILURE = "dagster._core.definitions.events.Failure"
EVENT_TYPES = ("STEP_FAILURE", "PIPELINE_FAILURE", "ENGINE_EVENT")
"""Types of the events that are asked."""


def failure_text(events: Sequence[Mapping[str, Any]], step: str) -> str:
    """Why what `step` makes was not made.

    Args:
        events: of the run, of `EVENT_TYPES`, in order, as Dagster stores them.
        step: the step that makes it; when another one failed, that is named.
    """
    found = [event["dagster_event"] for event in events if event.get("dagster_event")]
    failed = [e for e in found if e["event_type_value"] == "STEP_FAILURE"]
    own = next((e for e in failed if e.get("step_key") == step), None)
    if own is not None:
        return error_of(own)
    if failed:
        return f"{str(failed[0].get('step_key')).replace('__', '/')}: {error_of(failed[0])}"
    broken = [e for e in found if (e.get("event_specific_data") or {}).get("error")]
    last = (broken or found)[-1:]
    return error_of(last[0]) if last else ""


def step_of(key: Key) -> str:
    """The step that makes an asset, as `AssetKey.to_python_identifier` names it."""
    return "__".join(key).replace("-", "_").replace(".", "_")


def error_of(event: Mapping[str, Any]) -> str:
    """Why an event tells of an error: what was raised on purpose, the outermost first, else the innermost."""
    data = event.get("event_specific_data") or {}
    described = (data.get("user_failure_data") or {}).get("description")
    if described:
        return _one_line(described)
    error = data.get("error")
    while error is not None:
        if (text := _raised_on_purpose(error["message"])) is not None:
            return _one_line(text)
        if error.get("cause") is None:
            break
        error = error["cause"]
    told = error["message"] if error is not None else event.get("message")
    return _one_line(told or "no reason was given")


def _raised_on_purpose(message: str) -> str | None:
    for name in (_FAILURE, *(f"{k.__module__}.{k.__qualname__}" for k in _kinds(WaybillError))):
        if message.startswith(f"{name}: "):
            return message.removeprefix(f"{name}: ")
    return None


def _kinds(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:MESSAGE_LIMIT]
