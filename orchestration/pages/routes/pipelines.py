"""Pipelines: the list, one whole, run now, paused and resumed."""

from __future__ import annotations

from starlette.responses import Response

from orchestration.pages.page import page
from orchestration.pages.visit import Visit
from orchestration.services.access.audit import audited
from orchestration.services.access.subjects import subject_of
from orchestration.services.pipelines.listing import list_pipelines, show_pipeline, switch_pipeline
from orchestration.services.questions.pipeline import RUN
from orchestration.services.site.noted import noted


async def _list(visit: Visit) -> Response:
    found = await visit.run(
        list_pipelines,
        visit.project.snapshot.pipelines,
        visit.site.instance,
        visit.project.name,
        q=visit.query("q"),
        cursor=visit.query("cursor") or None,
    )
    return await visit.render("pipelines/list.html", page=found)


async def _show(visit: Visit) -> Response:
    found = await visit.run(
        show_pipeline,
        visit.project.snapshot.pipelines,
        visit.site.instance,
        visit.project.name,
        visit.request.path_params["name"],
    )
    declared = {one.name for one in visit.project.snapshot.declarations if one.noun == "pipeline"}
    return await visit.render(
        "pipelines/show.html", pipeline=found, is_declared=found.summary.name in declared
    )


async def _run(visit: Visit) -> Response:
    name = visit.request.path_params["name"]
    asking = visit.ask(RUN, name=name)
    subject = subject_of("pipeline", name, visit.project.name)
    run_id = await noted(visit.site, visit.actor, "pipeline.run", subject, asking)
    return visit.redirect(f"/runs/{run_id}")


async def _pause(visit: Visit) -> Response:
    return await _switch(visit, on=False)


async def _resume(visit: Visit) -> Response:
    return await _switch(visit, on=True)


async def _switch(visit: Visit, *, on: bool) -> Response:
    name, verb = visit.request.path_params["name"], "resume" if on else "pause"
    entries, site = visit.project.snapshot.pipelines, visit.site

    def switch() -> None:
        subject = subject_of("pipeline", name, visit.project.name)
        with audited(site.catalog, visit.actor, f"pipeline.{verb}", subject):
            switch_pipeline(entries, site.instance, visit.project.name, name, on=on)

    await visit.run(switch)
    notice = "It starts by itself again" if on else "It starts by hand only until it is resumed"
    return visit.redirect(f"/pipelines/{name}", notice=notice)


ROUTES = [
    page("pipeline.list", "/pipelines", _list),
    page("pipeline.show", "/pipelines/{name}", _show),
    page("pipeline.run", "/pipelines/{name}/run", _run, methods=["POST"]),
    page("pipeline.pause", "/pipelines/{name}/pause", _pause, methods=["POST"]),
    page("pipeline.resume", "/pipelines/{name}/resume", _resume, methods=["POST"]),
]
