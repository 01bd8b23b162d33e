"""Runs: the list, and a run that is looked at while it works."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.visit import Visit
from orchestration.services.access.audit import audited
from orchestration.services.questions.run import RETRY
from orchestration.services.runs.cancel import cancel_run
from orchestration.services.runs.detail import show_run
from orchestration.services.runs.listing import RunFilter, list_runs
from orchestration.services.runs.states import RunState
from orchestration.services.site.noted import noted


async def _list(visit: Visit) -> Response:
    states = tuple(RunState(word) for word in visit.queries("state") if word in list(RunState))
    wanted = RunFilter(
        states,
        visit.query("pipeline"),
        visit.query("asset").strip(),
        visit.query("actor").strip(),
        _day(visit.query("since")),
        _day(visit.query("until"), timedelta(days=1)),
        visit.project.name,
    )
    cursor = visit.query("cursor") or None
    found = await visit.run(list_runs, visit.site.instance, wanted, cursor=cursor)
    pipelines = [entry.name for entry in visit.project.snapshot.pipelines]
    is_filtered = any(
        visit.query(name) for name in ("pipeline", "asset", "actor", "since", "until")
    )
    return await visit.render(
        "runs/list.html",
        page=found,
        wanted=wanted,
        states=list(RunState),
        pipelines=pipelines,
        is_filtered=is_filtered or bool(states),
    )


async def _show(visit: Visit) -> Response:
    run_id = visit.request.path_params["run_id"]
    run = await visit.run(show_run, visit.site.instance, run_id, location=visit.project.name)
    template = "runs/live.html" if visit.is_fragment else "runs/show.html"
    return await visit.render(template, run=run)


async def _cancel(visit: Visit) -> Response:
    run_id = visit.request.path_params["run_id"]

    def cancel() -> None:
        with audited(visit.site.catalog, visit.actor, "run.cancel", run_id):
            cancel_run(visit.site.instance, run_id, location=visit.project.name)

    await visit.run(cancel)
    return visit.redirect(f"/runs/{run_id}", notice="The run was asked to stop")


async def _retry(visit: Visit) -> Response:
    run_id = visit.request.path_params["run_id"]
    asking = visit.ask(RETRY, run_id=run_id)
    new_id = await noted(visit.site, visit.actor, "run.retry", run_id, asking)
    return visit.redirect(f"/runs/{new_id}", notice="The run is repeated by this one")


def _day(given: str, later: timedelta = timedelta()) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(given), time(), UTC) + later
    except (ValueError, OverflowError):  # half typed, or nonsense: no bound
        return None


ROUTES = [
    page("run.list", "/runs", _list),
    page("run.show", "/runs/{run_id}", _show),
    page("run.cancel", "/runs/{run_id}/cancel", _cancel, methods=["POST"]),
    page("run.retry", "/runs/{run_id}/retry", _retry, methods=["POST"]),
]
