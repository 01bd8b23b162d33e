"""`waybill exporter`: which exporters there are, whether one could deliver, deliveries now, and every delivery that was."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, reported
from orchestration.cli.output import print_facts, print_json, print_table, to_names, to_size
from orchestration.cli.run import NoWait, launch, start

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.location import Location
    from orchestration.services.exports.history import Export
    from orchestration.services.exports.listing import ExporterSummary
    from orchestration.services.exports.trial import ExporterTest
    from orchestration.services.home import Home
    from orchestration.services.runs.start import Asked
    from orchestration.services.runs.watch import RunOutcome, StepNews

app = typer.Typer(no_args_is_help=True, help="Deliveries of datasets into tables of databases.")

SHOWN = 60
Name = Annotated[str, typer.Argument(help="Name of the exporter.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Dataset = Annotated[
    str, typer.Option("--dataset", help="Another dataset than the one that the exporter declares.")
]
Version = Annotated[int | None, typer.Option(help="Version of it; the newest by default.")]


@app.command("list")
def list_all(
    context: typer.Context,
    *,
    search: Annotated[str, typer.Option(help="Only those with this in name or table.")] = "",
    status: Annotated[str, typer.Option(help="Only those whose last export is so: failed.")] = "",
    as_json: AsJson = False,
) -> None:
    """List every exporter: what it delivers where, its last export, and when it delivers next by itself."""
    from orchestration.services.exports.listing import ExporterFilter, list_exporters

    wanted = ExporterFilter(search, status)
    with reported():
        own = context.ensure_object(CommandContext)
        entries = [e for e in own.snapshot.exporters if wanted.takes_entry(e)]
        found = [e for e in list_exporters(own.instance, entries) if wanted.takes(e)]
    if as_json:
        print_json(found)
        return
    header = ("name", "delivers", "connector", "table", "mode", "status", "exported (UTC)", "rows")
    rows = [
        (
            *(e.name, e.source, e.connector, e.table, e.mode),
            e.last.status if e.last else "never",
            e.last.asked_at if e.last else None,
            e.last.rows if e.last else None,
        )
        for e in found
    ]
    print_table(
        (*header, "next (UTC)"), [(*row, e.next_at) for row, e in zip(rows, found, strict=True)]
    )


@app.command()
def show(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show an exporter: what it delivers, where and how, who starts it, and its last export."""
    from orchestration.services.exports.listing import show_exporter

    with reported():
        own = context.ensure_object(CommandContext)
        found = show_exporter(own.instance, own.snapshot.exporters, name)
    if as_json:
        print_json(found)
    else:
        _print_exporter(found)


@app.command("test")
def check(
    context: typer.Context,
    name: Name,
    *,
    dataset: Dataset = "",
    version: Version = None,
    as_json: AsJson = False,
) -> None:
    """Try the way to the target, columns and rights, and say what an export would do. Writes and creates nothing.

    Ends with 1 when an export could not be made.
    """
    from orchestration.services.exports.trial import check_exporter

    with reported():
        location = context.ensure_object(CommandContext).location
        found = check_exporter(location, name, dataset=dataset, version=version)
    if as_json:
        print_json(found)
    else:
        _print_test(found)
    if not found.ok:
        raise typer.Exit(FAILED)


@app.command()
def run(
    context: typer.Context,
    name: Name,
    *,
    dataset: Dataset = "",
    version: Version = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Export now: what the exporter declares, another dataset, or an older version. Otherwise like `waybill run`."""
    export(context, name, dataset=dataset, version=version, no_wait=no_wait, as_json=as_json)


@app.command()
def history(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Only of this exporter; of all if left out.")] = "",
    *,
    status: Annotated[str, typer.Option(help="Only those of this status, such as failed.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most exports to show.")] = 20,
    cursor: Annotated[
        str, typer.Option(help="`next` of the page before, to go on behind it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List exports, newest first: what went where, rows, status, who asked; also those that failed."""
    from orchestration.services.exports.history import HistoryFilter, export_history

    wanted = HistoryFilter(name, status)
    with reported():
        own = context.ensure_object(CommandContext)
        found = export_history(
            own.instance, own.snapshot.exporters, wanted, cursor=cursor or None, limit=limit
        )
    if as_json:
        print_json(found)
        return
    header = ("exporter", "delivered", "version", "into", "rows", "size", "status", "asked (UTC)")
    print_table(
        (*header, "seconds", "asked by", "run", "error"), map(_row, found.items), limit=SHOWN
    )
    if found.next:
        typer.echo(f"… and more: --cursor {found.next} goes on")


def export(
    context: typer.Context,
    exporter: str,
    *,
    dataset: str,
    version: int | None,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Has an exporter deliver, and follows it unless `--no-wait` is given."""
    from orchestration.services.exports.launch import Delivery, run_export, start_export

    wanted = Delivery(exporter, dataset, version)

    def ask(
        home: Home, location: Location, instance: dg.DagsterInstance, _name: str, asked: Asked
    ) -> str:
        return start_export(home, location, instance, wanted, asked)

    def work(
        home: Home,
        location: Location,
        instance: dg.DagsterInstance,
        _name: str,
        asked: Asked,
        tell: Callable[[StepNews], None],
    ) -> RunOutcome:
        return run_export(home, location, instance, wanted, asked, tell)

    if no_wait:
        start(context, ask, exporter, as_json=as_json)
    else:
        launch(context, work, exporter, as_json=as_json)


def _row(e: Export) -> tuple[object, ...]:
    size = to_size(e.size_bytes)
    into = f"{e.connector}: {e.table}"
    return (
        *(e.exporter, e.source, e.version, into, e.rows, size, e.status, e.asked_at),
        *(e.seconds, e.asked_by, e.run_id, e.error),
    )


def _print_exporter(found: ExporterSummary) -> None:
    print_facts(
        [
            ("exporter", found.name),
            ("description", found.description),
            ("delivers", found.source),
            ("connector", found.connector),
            ("table", found.table),
            ("mode", found.mode),
            ("refresh", found.refresh),
            ("pipelines", to_names(found.pipelines)),
            ("next (UTC)", found.next_at),
        ]
    )
    last = found.last
    if last is None:
        typer.echo("\nnever exported")
        return
    typer.echo("")
    print_facts(
        [
            ("last export", last.status),
            ("asked (UTC)", last.asked_at),
            ("asked by", last.asked_by),
            ("delivered", last.source),
            ("version", last.version),
            ("rows", last.rows),
            ("run", last.run_id),
            ("error", last.error),
        ]
    )


def _print_test(found: ExporterTest) -> None:
    steps = [(step.name, f"{'ok' if step.ok else 'failed'}: {step.detail}") for step in found.steps]
    print_facts(
        [
            ("exporter", found.name),
            *steps,
            ("answer", "ok" if found.ok else "failed"),
            ("detail", found.detail),
            ("seconds", found.seconds),
        ]
    )
