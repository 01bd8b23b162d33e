"""`waybill demo`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Self

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.output import make_console, print_json, print_table, visible
from orchestration.services.runs.steps import step_name

if TYPE_CHECKING:
    from rich.progress import TaskID

    from orchestration.services.demo import DemoReport
    from orchestration.services.demo_data import Landed
    from orchestration.services.runs.watch import StepNews

LOADING = "loading the project"


def demo(
    context: typer.Context,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of progress and tables.")
    ] = False,
) -> None:
    """Run the main job on real data, end to end: land, import, transform, train, predict, embed, export.

    Needs no server, and a project with the demo's definitions: a clone of Waybill, or `waybill init --example demo DIR`.
    The data are the 336,776 flights that left New York in 2013. What it makes stays in the home folder, where
    `waybill up` shows it. Run it as often as you like.
    """
    from orchestration.services.demo import run
    from orchestration.services.home import open_home

    with reported():
        own, home = context.ensure_object(CommandContext), open_home()
        with RunProgress(quiet=as_json) as progress:
            location, instance = own.location, own.instance
            progress.loaded()
            report = run(home, location, instance, landed=progress.landed, tell=progress.tell)
    if as_json:
        print_json(report)
    else:
        _print_report(report)


class RunProgress:
    """What happens, a line each; on a terminal the steps that run now have a spinner below.

    Args:
        quiet: shows nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._console = make_console()
        self._quiet = quiet
        name = TextColumn("{task.description}", markup=False)
        self._spinners = Progress(
            SpinnerColumn(),
            name,
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._running: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._spinners.start()
        self._begin(LOADING)
        return self

    def __exit__(self, *_error: object) -> None:
        self._spinners.stop()

    def loaded(self) -> None:
        """The code location is there."""
        self._end(LOADING)

    def landed(self, item: Landed) -> None:
        """An object or a table is in place."""
        if item.is_new:
            self._say("landed", f"{item.place}: {item.name}", item.size)

    def tell(self, news: StepNews) -> None:
        """A step began, ended, or is tried again."""
        name = step_name(news.step)
        if news.state == "started":
            self._begin(name)
            return
        self._end(name)
        rows = "" if news.rows is None else f"{news.rows:,} rows"
        seconds = "" if news.seconds is None else f"{news.seconds:.1f} s"
        self._say(news.state, name, *(part for part in (rows, seconds, news.error) if part))

    def _begin(self, name: str) -> None:
        self._running[name] = self._spinners.add_task(name, total=None)

    def _end(self, name: str) -> None:
        if name in self._running:
            self._spinners.remove_task(self._running.pop(name))

    def _say(self, state: str, name: str, *facts: str) -> None:
        if not self._quiet:
            self._console.print(f"{state:<8} {visible(name):<44} {', '.join(map(visible, facts))}")


def _print_report(report: DemoReport) -> None:
    from orchestration.services.demo import command

    typer.echo(f"\nKept as new versions ({report.run_seconds} s, run {report.run_id}):\n")
    print_table(
        ("kind", "name", "rows", "version", "seconds"),
        [(s.noun, s.name, s.rows, s.version, _rounded(s.seconds)) for s in report.stored],
    )
    typer.echo("\nDelivered, and counted there:\n")
    print_table(
        ("connector", "table", "mode", "rows", "seconds"),
        [
            (d.connector, d.table, d.mode, d.rows_there, _rounded(d.seconds))
            for d in report.delivered
        ],
    )
    typer.echo(
        "\nTo see it:\n"
        f"  {command('up'):<47}lineage, runs and metadata in the web UI\n"
        f"  {command('dataset list'):<47}what is kept\n"
        f"  {command('dataset sample predicted_delays'):<47}the first predictions"
    )
    for table in report.delivered:
        if table.kind == "duckdb":
            look = f"duckdb.connect('{table.location}').table('{table.table}').limit(5).show()"
            typer.echo(f'  {sys.executable} -c "import duckdb; {look}"')


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
