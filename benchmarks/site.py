"""A home folder of a busy server, for `benchmarks.pages`: thousands of datasets and runs, and some of every other noun.

Three real runs are recorded once: a dataset made, a pipeline that makes and delivers it, and one that fails. All others
are copies of their rows, with other ids and names: records, no work.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._serdes import serialize_value

from orchestration.services.runs.start import ACTOR_TAG

PROJECT = "bench"
CHECKS = ("ids", "notes", "range")
BETWEEN = timedelta(seconds=30)
"""From one run to the next."""
DATASET, EXPORTER, SOURCE, PIPELINE = "d00000", "x00000", "s00000", "p00000"
"""Names in the real runs; copies have other numbers."""
_EVENTS = ("run_id", "event", "dagster_event_type", "timestamp", "step_key", "asset_key")
_RUNNING, _QUEUED = 3, 5
"""The newest runs have not ended."""
_WITH_LOG = 300
"""Runs, the newest, whose own events are kept, as are those of all that failed: pages look into those."""


@dataclass(frozen=True)
class Size:
    """How much of everything.

    Args:
        datasets: how many.
        runs: how many; each tries to make one of the datasets.
    """

    datasets: int
    runs: int

    @property
    def exporters(self) -> int:
        """A tenth of the datasets has one."""
        return max(self.datasets // 10, 10)

    @property
    def pipelines(self) -> int:
        """A few datasets each."""
        return max(self.datasets // 20, 10)

    @property
    def sources(self) -> int:
        """Half of the datasets come from one."""
        return max(self.datasets // 2, 10)


@dataclass
class _Template:
    """A run as it is recorded."""

    run: dict[str, Any]
    events: list[dict[str, Any]]
    checks: list[dict[str, Any]]
    assets: list[dict[str, Any]]
    log: Path
    names: Mapping[str, str] = field(default_factory=dict)


def record_runs(instance: dg.DagsterInstance, dagster_home: Path, size: Size) -> None:
    """Makes the records of all runs."""
    history = dagster_home / "history"
    templates = [_Recorder(instance, history).record(name) for name in ("made", "sent", "failed")]
    _forget_all(history)
    _Copies(history, templates, size).write()


class _Recorder:
    """Runs something and reads what was written down of it."""

    def __init__(self, instance: dg.DagsterInstance, history: Path) -> None:
        self._instance, self._history = instance, history

    def record(self, what: str) -> _Template:
        made, sent = _dataset(fails=what == "failed"), _exporter()
        target = [made] if what == "made" else [made, sent]
        whole = dg.define_asset_job(PIPELINE, dg.AssetSelection.assets(*target))
        definitions = dg.Definitions(assets=[made, sent], jobs=[whole])
        job = definitions.resolve_job_def(PIPELINE)
        tags = {ACTOR_TAG: "bench"}
        found = job.execute_in_process(instance=self._instance, raise_on_error=False, tags=tags)
        with closing(_open(self._history / "runs.db")) as runs:
            (run,) = _rows(runs, "select * from runs where run_id = ?", found.run_id)
        run["run_body"] = _placed(run["run_body"], "__ASSET_JOB" if what == "made" else PIPELINE)
        if what == "made":
            run["pipeline_name"] = "__ASSET_JOB"
        with closing(_open(self._history / "runs/index.db")) as index:
            return _Template(
                run,
                _rows(index, "select * from event_logs where run_id = ? order by id", found.run_id),
                _rows(index, "select * from asset_check_executions where run_id = ?", found.run_id),
                _rows(index, "select * from asset_keys where last_run_id = ?", found.run_id),
                self._history / f"runs/{found.run_id}.db",
            )


def _dataset(*, fails: bool) -> dg.AssetsDefinition:
    key = dg.AssetKey(["datasets", DATASET])
    facts = {"result": {"observed_value": 3, "unexpected_count": 0}, "dataset version": 1}

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec(name, asset=key) for name in CHECKS])
    def dataset() -> Iterator[Any]:
        if fails:
            raise dg.Failure("the file has another header than before")
        seen = {"objects": 1, "size_bytes": 12_345}
        yield dg.AssetObservation(["datasources", SOURCE], metadata=seen)
        yield dg.MaterializeResult(
            metadata={"dagster/row_count": 3, "version": 1},
            check_results=[
                dg.AssetCheckResult(check_name=name, passed=True, metadata=facts) for name in CHECKS
            ],
        )

    return dataset


def _exporter() -> dg.AssetsDefinition:
    @dg.asset(key=["exports", EXPORTER], deps=[["datasets", DATASET]])
    def exporter() -> dg.MaterializeResult[Any]:
        facts = {"source": f"dataset {DATASET}", "source version": 1, "source bytes": 12_345}
        where = {"connector": "c00000", "table": "public.orders", "mode": "overwrite"}
        return dg.MaterializeResult(metadata={**facts, **where, "dagster/row_count": 3})

    return exporter


def _placed(body: str, job: str) -> str:
    """A run as one that the project's code location was asked for."""
    location = GrpcServerCodeLocationOrigin(
        host="localhost", socket="/nowhere", location_name=PROJECT
    )
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job)
    found = json.loads(body)
    found["external_pipeline_origin"] = json.loads(serialize_value(origin))
    found["pipeline_name"] = job
    found["asset_selection"] = {
        "__frozenset__": [{"__class__": "AssetKey", "path": ["datasets", DATASET]}]
    }
    return json.dumps(found)


def _forget_all(history: Path) -> None:
    """The real runs go: what is listed are copies."""
    with closing(_open(history / "runs.db")) as runs, runs:
        runs.execute("delete from run_tags")
        runs.execute("delete from runs")
    with closing(_open(history / "runs/index.db")) as index, index:
        for table in ("event_logs", "asset_check_executions", "asset_keys", "asset_event_tags"):
            index.execute(f"delete from {table}")


class _Copies:
    """Writes copies of real runs, oldest first."""

    def __init__(self, history: Path, templates: list[_Template], size: Size) -> None:
        self._history, self._size = history, size
        self._made, self._sent, self._failed = templates
        self._event = 0
        self._assets: dict[str, dict[str, Any]] = {}

    def write(self) -> None:
        now = datetime.now(UTC)
        index, runs = _open(self._history / "runs/index.db"), _open(self._history / "runs.db")
        with closing(index), closing(runs), index, runs:
            for number in range(self._size.runs):
                at = now - BETWEEN * (self._size.runs - number)
                self._write(index, runs, number, at)
            for row in self._assets.values():
                _insert(index, "asset_keys", row)

    def _write(
        self, index: sqlite3.Connection, runs: sqlite3.Connection, number: int, at: datetime
    ) -> None:
        template, names = self._template(number), self._names(number)
        run_id = str(uuid.uuid4())
        changed = {**names, str(template.run["run_id"]): run_id}
        self._write_run(runs, template, changed, number, at)
        for row in template.events:
            self._event += 1
            _insert(index, "event_logs", {**_changed(row, changed), "id": self._event})
        for row in template.checks:
            copy = _changed(row, changed)
            _insert(index, "asset_check_executions", {k: copy[k] for k in copy if k != "id"})
        for row in template.assets:
            copy = _changed(row, changed)
            before = self._assets.get(copy["asset_key"], {})
            if (
                copy["last_materialization"] is None
            ):  # a run that failed: what was made before stays
                made = ("last_materialization", "last_materialization_timestamp")
                copy |= {name: before.get(name) for name in made}
            self._assets[copy["asset_key"]] = {k: copy[k] for k in copy if k != "id"}
        is_new = number >= self._size.runs - _WITH_LOG
        if is_new or template is self._failed or names[DATASET] == "d00007":
            self._copy_log(template.log, changed, run_id)

    def _write_run(
        self,
        runs: sqlite3.Connection,
        template: _Template,
        changed: Mapping[str, str],
        number: int,
        at: datetime,
    ) -> None:
        copy = _changed(template.run, changed)
        moment = at.strftime("%Y-%m-%d %H:%M:%S.%f")
        copy |= {"create_timestamp": moment, "update_timestamp": moment}
        copy |= {"start_time": at.timestamp(), "end_time": at.timestamp() + 20}
        left = self._size.runs - number
        status = "QUEUED" if left <= _QUEUED else "STARTED" if left <= _QUEUED + _RUNNING else ""
        if status:
            copy["run_body"] = copy["run_body"].replace(
                f"Status.{copy['status']}", f"Status.{status}"
            )
            copy |= {"status": status, "end_time": None}
        _insert(runs, "runs", {k: copy[k] for k in copy if k != "id"})
        tag = {"run_id": copy["run_id"], "key": ACTOR_TAG, "value": "bench"}
        _insert(runs, "run_tags", tag)

    def _template(self, number: int) -> _Template:
        """Of ten runs of a dataset six make it alone, three in a pipeline, one fails."""
        place = (number + number // self._size.datasets) % 10
        return self._failed if place == 9 else self._sent if place > 5 else self._made

    def _names(self, number: int) -> dict[str, str]:
        own, size = number % self._size.datasets, self._size
        return {
            DATASET: f"d{own:05}",
            EXPORTER: f"x{own % size.exporters:05}",
            SOURCE: f"s{own % size.sources:05}",
            PIPELINE: f"p{own % size.pipelines:05}",
        }

    def _copy_log(self, log: Path, changed: Mapping[str, str], run_id: str) -> None:
        target = self._history / f"runs/{run_id}.db"
        shutil.copyfile(log, target)
        with closing(_open(target)) as events, events:
            for row in _rows(
                events, "select id, run_id, event, step_key, asset_key from event_logs"
            ):
                copy = _changed(row, changed)
                events.execute(
                    "update event_logs set run_id = ?, event = ?, step_key = ?, asset_key = ? where id = ?",
                    (
                        *(copy[name] for name in ("run_id", "event", "step_key", "asset_key")),
                        row["id"],
                    ),
                )


def _open(file: Path) -> sqlite3.Connection:
    found = sqlite3.connect(file)
    found.row_factory = sqlite3.Row
    found.execute("pragma synchronous = off")
    return found


def _rows(connection: sqlite3.Connection, query: str, *values: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query, values)]


def _changed(row: Mapping[str, Any], changed: Mapping[str, str]) -> dict[str, Any]:
    """A row with other names and ids, wherever they stand in its texts."""
    found = dict(row)
    for name, value in row.items():
        if isinstance(value, str):
            for old, new in changed.items():
                value = value.replace(old, new)  # noqa: PLW2901
            found[name] = value
    return found


def _insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"insert into {table} ({names}) values ({marks})", tuple(row.values()))
