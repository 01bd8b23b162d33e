"""`waybill pipeline`: what runs together and when; run now, paused, resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.output import print_facts, print_json, print_table
from orchestration.cli.run import run

if TYPE_CHECKING:
    from orchestration.services.pipelines.listing import PipelineDetail

app = typer.Typer(no_args_is_help=True, help="What runs together, and when.")
app.command("run")(run)

Name = Annotated[str, typer.Argument(help="Name of the pipeline.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_all(
    context: typer.Context,
    *,
    search: Annotated[str, typer.Option("--search", help="Part of the name.")] = "",
    as_json: AsJson = False,
) -> None:
    """List pipelines: what starts each, when it runs next, how its last run ended."""
    from orchestration.services.paging import MOST
    from orchestration.services.pipelines.listing import list_pipelines

    with reported():
        own = context.ensure_object(CommandContext)
        entries = own.snapshot.pipelines
        found = list_pipelines(entries, own.instance, _location(), q=search, limit=MOST).items
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "state", "starts", "next (UTC)", "steps", "last run"),
        [
            (
                one.name,
                one.state,
                "; ".join(trigger.words for trigger in one.triggers) or "by hand",
                one.next_at,
                one.step_count,
                one.last_run.state.value if one.last_run else None,
            )
            for one in found
        ],
    )


@app.command()
def show(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show a pipeline: its steps in order, its next times, its last runs."""
    from orchestration.services.pipelines.listing import show_pipeline

    with reported():
        own = context.ensure_object(CommandContext)
        found = show_pipeline(own.snapshot.pipelines, own.instance, _location(), name)
    if as_json:
        print_json(found)
    else:
        _print_pipeline(found)


@app.command()
def pause(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Keep a pipeline's schedule and sensor from starting it, until it is resumed. It still runs by hand."""
    _switch(context, name, on=False, as_json=as_json)


@app.command()
def resume(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Let a pipeline's schedule and sensor start it again. What was missed is not made up for."""
    _switch(context, name, on=True, as_json=as_json)


def _switch(context: typer.Context, name: str, *, on: bool, as_json: bool) -> None:
    from orchestration.services.pipelines.listing import switch_pipeline

    with reported():
        own = context.ensure_object(CommandContext)
        entries = own.snapshot.pipelines
        found = switch_pipeline(entries, own.instance, _location(), name, on=on)
    if as_json:
        print_json(found.summary)
    else:
        typer.echo(f"pipeline {name}: {found.summary.state}")


def _print_pipeline(found: PipelineDetail) -> None:
    one = found.summary
    facts: list[tuple[str, object]] = [
        ("pipeline", one.name),
        ("about", one.description),
        ("state", one.state),
        ("declared at", found.where),
    ]
    for trigger in one.triggers:
        facts.append((trigger.kind, f"{trigger.words}: {'on' if trigger.is_on else 'paused'}"))
        facts += [("next", f"{at:%Y-%m-%d %H:%M} {trigger.timezone}") for at in trigger.next_times]
    print_facts(facts)
    typer.echo()
    print_table(
        ("step", "what", "needs"),
        [("/".join(step.key), step.noun, ", ".join(step.after)) for step in found.steps],
    )
    typer.echo()
    print_table(
        ("run", "state", "actor", "at (UTC)"),
        [(run.run_id, run.state.value, run.actor, run.created_at) for run in found.runs],
    )


def _location() -> str:
    from resources.project import find_project

    return find_project().location
