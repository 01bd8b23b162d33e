"""`waybill runs`: what is going on and what was, one run whole, followed, stopped, tried again."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, USAGE, fail, reported
from orchestration.cli.output import print_facts, print_json, print_table, visible
from orchestration.cli.run import cancel

if TYPE_CHECKING:
    from orchestration.services.paging import Page
    from orchestration.services.runs.detail import RunDetail
    from orchestration.services.runs.events import RunNews
    from orchestration.services.runs.listing import RunSummary

app = typer.Typer(no_args_is_help=True, help="All work: imports, pipelines, exports, files taken.")
app.command("cancel")(cancel)

POLL_SECONDS = 0.5
RunId = Annotated[str, typer.Argument(help="The run's whole id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


@app.command("list")
def list_all(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            help="queued, starting, running, stopping, done, failed or stopped; may be repeated.",
        ),
    ] = None,
    pipeline: Annotated[str, typer.Option("--pipeline", help="Of this pipeline.")] = "",
    asset: Annotated[
        str, typer.Option("--asset", help="That make this asset, datasets/orders.")
    ] = "",
    actor: Annotated[
        str,
        typer.Option("--actor", help="Of this user, `schedule NAME` or `sensor NAME`."),
    ] = "",
    since: Annotated[
        datetime | None, typer.Option("--since", formats=_TIMES, help="Made then or later (UTC).")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=_TIMES, help="Made before then (UTC).")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most runs.")] = 50,
    cursor: Annotated[
        str, typer.Option("--cursor", help="`next` of the list before, to go on behind it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    from orchestration.services.runs.listing import RunFilter, list_runs
    from orchestration.services.runs.states import RunState

    unknown = [word for word in state or () if word not in list(RunState)]
    if unknown:
        fail(f"unknown state {unknown[0]!r}. Known: {', '.join(RunState)}", code=USAGE)
    states = tuple(RunState(word) for word in state or ())
    wanted = RunFilter(states, pipeline, asset, actor, _utc(since), _utc(until))
    with reported():
        instance = context.ensure_object(CommandContext).instance
        found = list_runs(instance, wanted, cursor=cursor or None, limit=limit)
    if as_json:
        print_json(found)
    else:
        _print_runs(found)


@app.command()
def show(context: typer.Context, run_id: RunId, *, as_json: AsJson = False) -> None:
    """Show a run: its steps, its errors in words, what it made, the end of its log."""
    from orchestration.services.runs.detail import show_run

    with reported():
        found = show_run(context.ensure_object(CommandContext).instance, run_id)
    if as_json:
        print_json(found)
    else:
        _print_run(found)


@app.command()
def watch(
    context: typer.Context,
    run_id: RunId,
    *,
    after: Annotated[
        int, typer.Option("--after", min=0, help="Only events behind the one of this number.")
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print an event a line as JSON instead.")
    ] = False,
) -> None:
    """Follow a run to its end, an event a line. Ends with 1 when it fails or is stopped."""
    from orchestration.services.runs.events import Tail, read_events, to_news

    with reported():
        instance = context.ensure_object(CommandContext).instance
        tail = Tail(
            instance, run_id, after, lambda event: _print_event(to_news(event), as_json=as_json)
        )
        while not tail.read():
            time.sleep(POLL_SECONDS)
        state = read_events(instance, run_id, after=tail.cursor).state
    if state != "done":
        raise typer.Exit(FAILED)


@app.command()
def retry(
    context: typer.Context,
    run_id: RunId,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a line.")] = False,
) -> None:
    """Have the server of `waybill up` repeat a run: behind what was done where it failed, whole where it was stopped."""
    from orchestration.cli.run import start
    from orchestration.services.runs.retry import start_retry

    start(context, start_retry, run_id, as_json=as_json)


def _print_runs(found: Page[RunSummary]) -> None:
    print_table(
        ("run", "what", "state", "actor", "at (UTC)", "took"),
        [
            (run.run_id, run.title, run.state.value, run.actor, run.created_at, run.duration)
            for run in found.items
        ],
    )
    if found.next:
        typer.echo(f"… more with --cursor {found.next}")


def _print_run(found: RunDetail) -> None:
    run = found.summary
    print_facts(
        [
            ("run", run.run_id),
            ("what", run.title),
            ("state", run.state.value),
            ("actor", run.actor),
            ("made at (UTC)", run.created_at),
            ("took", str(run.duration or "")),
            ("repeats", run.parent),
            ("repeated by", found.retried_as),
            ("error", found.error),
        ]
    )
    typer.echo(f"\n{found.done} of {len(found.steps)} steps done\n")
    print_table(
        ("step", "state", "rows", "seconds", "error"),
        [(s.name, s.state, s.rows, s.seconds, s.error) for s in found.steps],
    )
    typer.echo()
    for line in found.log:
        _print_event(line, as_json=False)


def _print_event(event: RunNews, *, as_json: bool) -> None:
    if as_json:
        import json
        from dataclasses import asdict

        typer.echo(json.dumps(asdict(event), default=str, ensure_ascii=False))
        return
    step = f"{event.step}: " if event.step else ""
    at = event.at.strftime("%H:%M:%S")
    typer.echo(visible(f"{event.number:>5}  {at}  {event.kind:<17}{step}{event.text}"))


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
