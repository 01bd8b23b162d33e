"""An export tried without being made: what it would meet at the target and do there, step by step.

Nothing is created and no row is written: the steps are those of a delivery up to its plan, over a connection that can
change nothing where the database has such connections. What only the rows themselves can show (a value that does not fit, a
trigger) shows in the export.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

from resources.connectors.sql.names import latest_view_name
from resources.connectors.sql.writing.job import ExportJob
from resources.connectors.sql.writing.look import Look
from resources.connectors.sql.writing.plan import TablePlan, plan_table
from resources.connectors.sql.writing.run import Deliverer, ExportTarget, check_export
from resources.connectors.sql.writing.settings import ExportSettings
from resources.connectors.trial.stages import Stages
from resources.kernel.errors import ConnectorAuthError, WaybillError
from resources.kernel.records import BatchStream, CheckReport, ExportRequest, TellStep

COUNTED_ROWS = 100_000
"""So many old rows are counted, and no more: some databases read the whole table for it."""
_SETTINGS = ExportSettings()


class TriedTarget(ExportTarget, Protocol):
    """What a rehearsal needs of a connector."""

    def check(self, tell: TellStep | None = None) -> CheckReport:
        """See `Connector.check`."""


def rehearse_export(
    connector: TriedTarget,
    stream: BatchStream,
    request: ExportRequest,
    tell: TellStep | None = None,
) -> CheckReport:
    """Tries the way to the target, the columns, the rights; says what an export would do.

    Args:
        connector: the database.
        stream: the rows; at most the first batch of them is read.
        request: table, mode; the run is not looked up.
        tell: hears of each step as it ends.
    """
    stages = Stages(tell)
    stages.enter("columns")
    try:
        return _rehearse(connector, stream, request, stages)
    except WaybillError as error:
        return stages.refused(str(error), {"error": type(error).__name__})


def _rehearse(
    connector: TriedTarget, stream: BatchStream, request: ExportRequest, stages: Stages
) -> CheckReport:
    deliverer = connector.deliverer()
    job = check_export(connector.config, stream, request, _SETTINGS, deliverer.dialect)
    stages.done(f"{deliverer.dialect.title} has a type for each of the {len(job.columns):,}")
    path = connector.config.path
    if path is None or path.exists():
        report = connector.check(stages.note)
        if not report.ok:
            return stages.stopped(report.detail, dict(report.facts))
    stages.enter("table")
    with connector.translated(job.doing):
        look = _open(deliverer, job)
        if look is None:
            return _new_database(job, path, stages)
        try:
            effect = _look(look, job, path, stages)
        finally:
            look.close()
    return _done(stages, effect, job)


def _open(deliverer: Deliverer, job: ExportJob) -> Look[Any] | None:
    return (deliverer.look or deliverer.open)(job)


def _look(look: Look[Any], job: ExportJob, path: Path | None, stages: Stages) -> str:
    look.settle()
    target = look.inspect()
    if target is None:
        stages.done(f"there is no table {job.table} yet")
    else:
        stages.done(f"table {job.table} is there, with {len(target):,} columns")
    stages.enter("fit")
    plan = look.plan(target)
    look.examine(plan, target)
    stages.done(_fit(plan))
    stages.enter("right to write")
    stages.done(_rights(look.lacking(plan) if path is None else _lacking_on_disk(path), job))
    stages.enter("effect")
    old = 0
    if target is not None:
        table = look.session.qualified(job.table.name)
        old = look.session.count_up_to(table, COUNTED_ROWS + 1)
    look.refuse_empty(target)
    return describe_effect(job, plan, old)


def _new_database(job: ExportJob, path: Path | None, stages: Stages) -> CheckReport:
    stages.done(f"there is no database file {path} yet: the first export makes it")
    stages.enter("right to write")
    stages.done(_rights(_lacking_on_disk(path) if path else None, job))
    stages.enter("effect")
    plan = plan_table(job.columns, None, table=job.table, request=job.request, dialect=job.dialect)
    return _done(stages, describe_effect(job, plan, 0), job)


def _done(stages: Stages, effect: str, job: ExportJob) -> CheckReport:
    stages.done(effect)
    return stages.answered(effect, {"table": str(job.table), "mode": job.request.mode})


def _fit(plan: TablePlan) -> str:
    if plan.action == "create":
        return f"the table would be made with {len(plan.pairs):,} columns"
    if plan.action == "recreate":
        return "; ".join(plan.warnings)
    said = ["each column fits the table's"]
    if plan.casts:
        cast = ", ".join(f"{c.name!r} to {c.type}" for c in plan.casts[:5])
        said.append(f"values change their type where they fit: {cast}")
    if plan.added:
        said.append(f"the table gets {', '.join(repr(c.name) for c in plan.added[:5])}")
    return "; ".join([*said, *plan.warnings])


def _rights(lacking: Any, job: ExportJob) -> str:
    """What is said of the rights.

    Raises:
        ConnectorAuthError: some are lacking.
    """
    if lacking is None:
        return "this database tells them only when they are used"
    if lacking:
        raise ConnectorAuthError(
            f"{job.doing}: the user lacks {', '.join(lacking[:6])}",
            hint="Have them granted, or use another user",
        )
    return "all that it takes"


def _lacking_on_disk(path: Path) -> list[str]:
    """The right to write the file, where it is there, and its folder, where databases keep their logs."""
    places = [path.absolute().parent, *([path] if path.exists() else [])]
    return [f"the right to write {place}" for place in places if not os.access(place, os.W_OK)]


def describe_effect(job: ExportJob, plan: TablePlan, old: int) -> str:
    """What an export would do, in a sentence.

    Args:
        job: the export.
        plan: what is to be done to the table.
        old: how many rows it holds, counted up to `COUNTED_ROWS` and one.
    """
    request = job.request
    new = _rows(request.expected_rows)
    had = _rows(old) if old <= COUNTED_ROWS else f"more than {COUNTED_ROWS:,} rows"
    if request.mode == "timestamp":
        view = latest_view_name(request.table.name, job.dialect.name_limit)
        kept = f" and keeps the newest {request.keep}" if request.keep else ""
        return f"makes a new table such as {job.table} with {new}, shows it as view {view}{kept}"
    if plan.action == "create":
        return f"makes table {job.table} and writes {new}"
    if plan.action == "recreate":
        return f"drops table {job.table} with its {had}, makes it again and writes {new}"
    if request.mode == "append":
        return f"adds {new} to the {had} of table {job.table}"
    return f"replaces the {had} of table {job.table} by {new}, seen whole or not at all"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
