"""A run in this process, watched: what each step does, while it does it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from orchestration.executor import in_process_executor
from orchestration.kept_engines import keep_engines
from orchestration.services.home import Home
from orchestration.services.instance import told_of_the_disk
from orchestration.services.locks import hold
from orchestration.services.runs.events import Made, RunEvent, Tail
from orchestration.services.runs.origin import code_origin, remote_origin
from orchestration.services.runs.process import RunProcess, lock_of
from resources.kernel.errors import NotFoundError

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
class RunOutcome:
    """How a run ended."""

    run_id: str
    ok: bool
    made: tuple[Made, ...]
    seconds_of: Mapping[str, float]
    """Seconds by step."""
    error: str = ""


class LeftToServer(KeyboardInterrupt):
    """The user stopped following a run of the server, which goes on."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


class RunWatcher:
    """Reads a run's events as they are written, on a thread of its own, until the context ends."""

    def __init__(
        self, instance: dg.DagsterInstance, run_id: str, tell: Callable[[StepNews], None]
    ) -> None:
        self._tell = tell
        self._tail = Tail(instance, run_id, tell=self._take)
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
        with suppress(NotFoundError):  # watched from before it is made
            self._tail.read()

    def _take(self, event: RunEvent) -> None:
        step, kind = event.step, event.kind
        if kind == "step started":
            self._tell(StepNews(step, "started"))
        elif kind == "step done":
            self.seconds_of[step] = event.seconds or 0.0
            rows = next((m.rows for m in self.made if m.step == step), None)
            self._tell(StepNews(step, "done", event.seconds, rows))
        elif kind == "step tried again":
            self._tell(StepNews(step, "retried", error=event.text))
        elif kind == "step failed":
            self.errors.append(f"{step.replace('__', '/')}: {event.text}")
            self._tell(StepNews(step, "failed", error=event.text))
        elif event.made is not None:
            self.made.append(event.made)
        elif kind == "problem":
            self._broken = event.text
        elif kind == "failed" and not self.errors:
            self.errors.append(self._broken or event.text or "the run failed")


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

    Raises:
        StorageError: the disk of the home folder is full, or fails: how the run ended cannot be recorded.
    """
    keep_engines()  # three events a check: thousands of them, each of which would make engines of its own
    run_id = str(uuid.uuid4())
    lock = home.locks / lock_of(run_id).name
    with (
        told_of_the_disk(home),
        hold(lock, wait=True),
        RunWatcher(instance, run_id, tell) as watcher,
    ):
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
