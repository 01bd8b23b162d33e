"""`waybill run`, `refresh`, `cancel` and `check`: what a project does, by name, and whether it can."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext, tell_of_home
from orchestration.cli.demo import RunProgress
from orchestration.cli.errors import FAILED, INTERRUPTED, fail, reported, warn
from orchestration.cli.noting import change_of_command
from orchestration.cli.output import print_json, print_table

if TYPE_CHECKING:
    from orchestration.services.runs.watch import RunOutcome

    Launch = Callable[..., RunOutcome]
    Start = Callable[..., str]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of progress.")]
Partition = Annotated[
    str, typer.Option(help="Key of the partition to make, where the asset has partitions.")
]
NoWait = Annotated[
    bool,
    typer.Option(
        "--no-wait", help="Have the server of `waybill up` run it, print the run's id and end."
    ),
]


def run(
    context: typer.Context,
    pipeline: Annotated[str, typer.Argument(help="Name of the pipeline.")],
    *,
    partition: Partition = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Run a pipeline: in the server of `waybill up` if one is running, otherwise here. The web UI shows it either way.

    Ends with 1 when the run fails. Ctrl-C ends a run that takes place here; one of the server goes on.
    """
    from orchestration.services.runs.launch import run_pipeline, start_pipeline

    if no_wait:
        start(context, start_pipeline, pipeline, as_json=as_json, partition=partition)
    else:
        launch(context, run_pipeline, pipeline, as_json=as_json, partition=partition)


def refresh(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    *,
    partition: Partition = "",
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild a dataset from its inputs and check it; otherwise like `waybill run`."""
    from orchestration.services.runs.launch import refresh_dataset, start_refresh

    if no_wait:
        start(context, start_refresh, dataset, as_json=as_json, partition=partition)
    else:
        launch(context, refresh_dataset, dataset, as_json=as_json, partition=partition)


def cancel(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(help="The run's whole id.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a line.")] = False,
) -> None:
    """Stop a run: one that waits in the queue, or works in the server or in another command. Nothing half done stays."""
    from orchestration.services.runs.cancel import cancel_run

    with reported():
        cancel_run(context.ensure_object(CommandContext).instance, run_id)
    if as_json:
        print_json({"run_id": run_id, "asked": True})
    else:
        typer.echo(f"run {run_id} was asked to stop")


def check(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """List every problem of the project with file and line. Runs nothing and connects to nothing but the store.

    Columns that SQL and checks name are compared with what is stored. Ends with 1 when there is a problem, a warning
    included.
    """
    from orchestration.project import check_project
    from orchestration.services.home import open_home

    with reported():
        tell_of_home()
        open_home()
        found = check_project()
    if as_json:
        keys = ("file", "line", "text", "hint", "is_consequence", "is_warning")
        print_json([{key: getattr(problem, key) for key in keys} for problem in found])
    else:
        for problem in found:
            typer.echo(f"{'warning' if problem.is_warning else 'error'}: {problem}")
        if not found:
            typer.echo("no problem found")
    if found:
        raise typer.Exit(FAILED)


def start(
    context: typer.Context, ask: Start, name: str, *, as_json: bool, **given: str | int
) -> None:
    """Has the server begin with work, and says which run it is."""
    from orchestration.services.home import open_home
    from orchestration.services.runs.launch import require_server
    from orchestration.services.runs.start import Asked

    more = {key: value for key, value in given.items() if value}
    with reported():
        own, home = context.ensure_object(CommandContext), open_home()
        require_server(home)
        run_id = ask(home, own.location, own.instance, name, Asked(own.user), **more)
        _note_run(run_id)
    if as_json:
        print_json({"run_id": run_id})
    else:
        typer.echo(f"run {run_id} waits in the server's queue")


def launch(
    context: typer.Context, work: Launch, name: str, *, as_json: bool, **given: str | int
) -> None:
    """Runs work to its end, shows its steps, and ends the command with 1 when it fails."""
    from orchestration.services.home import open_home
    from orchestration.services.runs.start import Asked
    from orchestration.services.runs.watch import LeftToServer

    more = {key: value for key, value in given.items() if value}
    with reported():
        own, home = context.ensure_object(CommandContext), open_home()
        with RunProgress(quiet=as_json) as progress:
            location, instance = own.location, own.instance
            progress.loaded()
            try:
                outcome = work(
                    home, location, instance, name, Asked(own.user), progress.tell, **more
                )
            except LeftToServer as left:
                warn(
                    f"run {left.run_id} goes on in the server; `waybill cancel {left.run_id}` stops it"
                )
                raise typer.Exit(INTERRUPTED) from None
        _note_run(outcome.run_id)
    if as_json:
        print_json(
            {
                "run_id": outcome.run_id,
                "ok": outcome.ok,
                "error": outcome.error,
                "made": [
                    {"key": "/".join(m.key), "rows": m.rows, "version": m.facts.get("version")}
                    for m in outcome.made
                ],
                "seconds_of": outcome.seconds_of,
            }
        )
    else:
        typer.echo(f"\nrun {outcome.run_id}: {'done' if outcome.ok else 'failed'}")
        made = [("/".join(m.key), m.rows, m.facts.get("version")) for m in outcome.made]
        if made:
            print_table(("made", "rows", "version"), made)
    if not outcome.ok:
        fail(outcome.error or "the run failed")


def _note_run(run_id: str) -> None:
    """The audit log says which run was started."""
    change = change_of_command()
    if change is not None:
        change.after = {"run_id": run_id}
