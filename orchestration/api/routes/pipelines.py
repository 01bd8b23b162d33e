"""Pipelines: when they run, run now, paused and resumed."""

from __future__ import annotations

from orchestration.api.answers import Started, started
from orchestration.api.given import (
    GivenActor,
    GivenAsker,
    GivenList,
    GivenProject,
    GivenSite,
    IdempotencyKey,
    Name,
)
from orchestration.api.router import GuardedRouter
from orchestration.services.access.audit import audited
from orchestration.services.access.subjects import subject_of
from orchestration.services.paging import Page
from orchestration.services.pipelines.listing import (
    PipelineDetail,
    PipelineSummary,
    list_pipelines,
    show_pipeline,
    switch_pipeline,
)
from orchestration.services.questions.pipeline import RUN
from orchestration.services.site.noted import noted

router = GuardedRouter()


@router.get("/projects/{project}/pipelines", operation_id="pipeline.list")
def list_all(site: GivenSite, project: GivenProject, wanted: GivenList) -> Page[PipelineSummary]:
    """List pipelines with what starts them, when they run next and how their last run ended."""
    return list_pipelines(
        project.snapshot.pipelines,
        site.instance,
        project.name,
        q=wanted.q,
        cursor=wanted.cursor,
        limit=wanted.limit,
    )


@router.get("/projects/{project}/pipelines/{name}", operation_id="pipeline.show")
def show(site: GivenSite, project: GivenProject, name: Name) -> PipelineDetail:
    """Show a pipeline: its steps in order, its next times, its last runs."""
    return show_pipeline(project.snapshot.pipelines, site.instance, project.name, name)


@router.post(
    "/projects/{project}/pipelines/{name}/run", operation_id="pipeline.run", status_code=202
)
async def run(
    site: GivenSite,
    project: GivenProject,
    asker: GivenAsker,
    name: Name,
    key: IdempotencyKey = None,
) -> Started:
    """Run a pipeline now, also while it is paused."""
    asking = asker.ask(RUN, name=name, key=key or "")
    subject = subject_of("pipeline", name, project.name)
    return started(project.name, await noted(site, asker.actor, "pipeline.run", subject, asking))


@router.post("/projects/{project}/pipelines/{name}/pause", operation_id="pipeline.pause")
def pause(site: GivenSite, project: GivenProject, actor: GivenActor, name: Name) -> PipelineDetail:
    """Keep a pipeline's schedule and sensor from starting it."""
    entries = project.snapshot.pipelines
    with audited(site.catalog, actor, "pipeline.pause", subject_of("pipeline", name, project.name)):
        return switch_pipeline(entries, site.instance, project.name, name, on=False)


@router.post("/projects/{project}/pipelines/{name}/resume", operation_id="pipeline.resume")
def resume(site: GivenSite, project: GivenProject, actor: GivenActor, name: Name) -> PipelineDetail:
    """Let a pipeline's schedule and sensor start it again; what was missed is not made up for."""
    entries = project.snapshot.pipelines
    with audited(
        site.catalog, actor, "pipeline.resume", subject_of("pipeline", name, project.name)
    ):
        return switch_pipeline(entries, site.instance, project.name, name, on=True)
