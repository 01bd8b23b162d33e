"""A run in this process, watched: what each step does, while it does it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from orchestration.executor import in_process_executor
from orchestration.services.home import Home
from orchestration.services.locks import hold
from orchestration.services.runs.origin import code_origin, remote_origin
from orchestration.services.runs.process import RunProcess, lock_of
from resources.kernel.errors import MESSAGE_LIMIT, WaybillError

POLL_SECONDS = 0.25
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class StepNews:
    """Something that happened to a step."""

    step: str
    state: Literal["started", "done", "retried", "failed"]
    seconds: float | None = None
    rows: int | None = None
    error: str = ""


@dataclass(frozen=True)
class Made:
    """An asset that the run materialized."""

    key: tuple[str, ...]
    step: str
    facts: Mapping[str, Any]
    """Its metadata, plain values."""

    @property
    def rows(self) -> int | None:
        """How many rows it has, for tables."""
        return self.facts.get("dagster/row_count")


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended."""

    run_id: str
    ok: bool
    made: tuple[Made, ...]
    seconds_of: Mapping[str, float]
    """Seconds by step."""
    error: str = ""


class LeftToServer(KeyboardInterrupt):
    """Somebody stopped following a run of the server, which goes on."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


class RunWatcher:
    """Reads a run's events as they are written, on a thread of its own, until the context ends."""

    def __init__(
        self, instance: dg.DagsterInstance, run_id: str, tell: Callable[[StepNews], None]
    ) -> None:
        self._instance = instance
        self._run_id = run_id
        self._tell = tell
        self._cursor: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="run-watcher", daemon=True)
        self.made: list[Made] = []
        self.seconds_of: dict[str, float] = {}
        self.errors: list[str] = []
        self._broken = (
            ""  # what kept the run from its first step; its failure says only that something did
        )

    def __enter__(self) -> RunWatcher:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()
        self._read()

    def _watch(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self._read()

    def _read(self) -> None:
        while True:
            page = self._instance.get_records_for_run(self._run_id, cursor=self._cursor)
            for record in page.records:
                event = record.event_log_entry.dagster_event
                if event is not None:
                    self._take(event)
            self._cursor = page.cursor
            if not page.has_more:
                return

    def _take(self, event: dg.DagsterEvent) -> None:
        step, kind = event.step_key or "", event.event_type
        if kind == dg.DagsterEventType.STEP_START:
            self._tell(StepNews(step, "started"))
        elif kind == dg.DagsterEventType.STEP_SUCCESS:
            self.seconds_of[step] = event.step_success_data.duration_ms / 1000
            rows = next((m.rows for m in self.made if m.step == step), None)
            self._tell(StepNews(step, "done", self.seconds_of[step], rows))
        elif kind == dg.DagsterEventType.STEP_UP_FOR_RETRY:
            self._tell(StepNews(step, "retried", error=error_text(event)))
        elif kind == dg.DagsterEventType.STEP_FAILURE:
            self.errors.append(f"{step.replace('__', '/')}: {error_text(event)}")
            self._tell(StepNews(step, "failed", error=error_text(event)))
        elif kind == dg.DagsterEventType.ASSET_MATERIALIZATION:
            found = event.step_materialization_data.materialization
            facts = {name: value.value for name, value in found.metadata.items()}
            self.made.append(Made(tuple(found.asset_key.path), step, facts))
        elif kind == dg.DagsterEventType.ENGINE_EVENT and _has_error(event):
            self._broken = error_text(event)
        elif kind == dg.DagsterEventType.RUN_FAILURE and not self.errors:
            self.errors.append(self._broken or event.message or "the run failed")


def run_here(
    home: Home,
    instance: dg.DagsterInstance,
    job: dg.JobDefinition,
    tell: Callable[[StepNews], None],
    *,
    config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    assets: Collection[dg.AssetKey] = (),
) -> RunOutcome:
    """Runs a job in this process; its events and lineage are in `instance` as those of any other run.

    Args:
        home: holds the run's lock.
        instance: where the run is recorded.
        job: what runs.
        tell: hears of each step.
        config: the run's config.
        tags: of the run, beside the job's own.
        assets: only these of the job; all when empty.

    The run holds a lock meanwhile: should this process be killed, a server of the same home folder sees it.
    """
    run_id = str(uuid.uuid4())
    lock = home.locks / lock_of(run_id).name
    with hold(lock, wait=True), RunWatcher(instance, run_id, tell) as watcher:
        run = instance.create_run_for_job(
            job,
            run_id=run_id,
            run_config={**_QUIET, **(config or {})},
            tags={**job.tags, **(tags or {}), **RunProcess(run_id, lock=str(lock)).tags},
            asset_selection=frozenset(assets) or None,
            remote_job_origin=remote_origin(job.name),
            job_code_origin=code_origin(job.name),
        )
        alone = job.with_executor_def(in_process_executor)
        result = execute_run(InMemoryJob(alone), run, instance, raise_on_error=False)
    lock.unlink(missing_ok=True)
    return _outcome(run_id, watcher, ok=result.success)


def run_there(
    instance: dg.DagsterInstance, run_id: str, tell: Callable[[StepNews], None]
) -> RunOutcome:
    """Follows a run of a server of the same instance to its end.

    The run is the server's: it goes on when this process ends.

    Raises:
        LeftToServer: Ctrl-C.
    """
    with RunWatcher(instance, run_id, tell) as watcher:
        try:
            while not (found := instance.get_run_by_id(run_id)) or not found.is_finished:
                time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            raise LeftToServer(run_id) from None
    return _outcome(run_id, watcher, ok=found.is_success)


def _outcome(run_id: str, watcher: RunWatcher, *, ok: bool) -> RunOutcome:
    return RunOutcome(
        run_id, ok, tuple(watcher.made), watcher.seconds_of, "; ".join(watcher.errors)
    )


def _has_error(event: dg.DagsterEvent) -> bool:
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
