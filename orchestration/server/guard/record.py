"""What is changed through Dagster's own address is noted in the audit log, with what became of it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from orchestration.server.guard.asgi import App, Message, Receive, Refusal, Scope, Send
from orchestration.server.guard.graphql import Operation
from orchestration.server.guard.mutations import right_of_mutation
from orchestration.services.access.actor import Actor
from orchestration.services.access.audit import Change, note
from orchestration.services.access.rights import LOOK
from resources.kernel.errors import WaybillError
from resources.stores.catalog.database import CatalogDatabase

_KEPT_BYTES = 100_000
"""Of an answer, to see what became of the mutation."""

_LEFT_OUT = ("runConfigData", "runConfig")
"""Of the variables: what a run is given may be long, and Dagster keeps it with the run."""

_log = logging.getLogger(__name__)


class Recorder:
    """Notes changes.

    Args:
        database: the catalog; None where nothing is noted.
    """

    def __init__(self, database: CatalogDatabase | None) -> None:
        self._database = database

    async def run(
        self,
        app: App,
        actor: Actor,
        operation: Operation,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Has `app` answer, and notes what it changed."""
        actions = _actions(operation, scope)
        if not actions or self._database is None:
            await app(scope, receive, send)
            return
        answer = _Kept(send)
        try:
            await app(scope, receive, answer.send)
        finally:
            for action in actions:
                change, problem = _change(operation, scope), answer.problem()
                if problem:
                    change.outcome, change.detail = "failed", f"{problem} {change.detail}".strip()
                await self._note(actor, action, change)

    async def note_refused(self, actor: Actor, operation: Operation, refusal: Refusal) -> None:
        """Notes mutations that were not passed on."""
        for name in operation.mutations:
            change = Change(_subject(operation.variables), refusal.reason)
            change.outcome = "refused"
            await self._note(actor, f"graphql.{name}", change)

    async def _note(self, actor: Actor, action: str, change: Change) -> None:
        if self._database is None:
            return
        try:
            await asyncio.to_thread(note, self._database, actor, action, change)
        except WaybillError as error:
            _log.error("not in the audit log: %s by %s: %s", action, actor.name, error)


class _Kept:
    """An answer that is passed on, its start kept."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif len(self._body) < _KEPT_BYTES:
            self._body += message.get("body", b"")
        await self._send(message)

    def problem(self) -> str:
        """What went wrong, as far as the answer says it; empty where nothing did."""
        if not self.status or self.status >= 400:
            return f"answered with {self.status}." if self.status else "no answer."
        try:
            answer = json.loads(self._body)
        except ValueError:
            return ""
        data = answer.get("data") if isinstance(answer, dict) else None
        for found in data.values() if isinstance(data, dict) else ():
            kind = found.get("__typename", "") if isinstance(found, dict) else ""
            if kind.endswith(("Error", "NotFound", "Conflict", "Invalid", "Failure")):
                return f"{kind}: {found.get('message', '')}".strip(": ")
        return ""


def _actions(operation: Operation, scope: Scope) -> list[str]:
    if scope["path"].startswith("/report_"):
        return ["asset.report"]
    changing = [name for name in operation.mutations if right_of_mutation(name) != LOOK]
    return [f"graphql.{name}" for name in changing]


def _change(operation: Operation, scope: Scope) -> Change:
    if not operation.mutations:
        return Change(scope["path"])
    variables = _without(operation.variables, _LEFT_OUT)
    detail = json.dumps(variables, ensure_ascii=False) if variables else ""
    return Change(_subject(operation.variables), detail)


def _subject(variables: Any) -> str:
    """The names in the variables of a mutation: of a run, a job, assets, a schedule or sensor."""
    found: list[str] = []
    _collect(variables, found)
    return ", ".join(dict.fromkeys(found))


_NAMES = ("runId", "runIds", "jobName", "pipelineName", "sensorName", "scheduleName", "name", "backfillId", "concurrencyKey")  # fmt: skip


def _collect(value: Any, found: list[str]) -> None:
    if len(found) > 20:
        return
    if isinstance(value, list):
        for item in value:
            _collect(item, found)
    elif isinstance(value, dict):
        if isinstance(value.get("path"), list):
            found.append("/".join(map(str, value["path"])))
        for name, item in value.items():
            texts = item if isinstance(item, list) else [item]
            if name in _NAMES:
                found.extend(text for text in texts if isinstance(text, str))
            elif name not in _LEFT_OUT:
                _collect(item, found)


def _without(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, names) for key, item in value.items() if key not in names}
    return [_without(item, names) for item in value] if isinstance(value, list) else value
