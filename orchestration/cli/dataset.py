"""`waybill dataset`: which datasets there are, and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import fail, reported
from orchestration.cli.exporter import export as deliver
from orchestration.cli.output import (
    print_facts,
    print_json,
    print_table,
    to_size,
    to_verbatim,
)
from orchestration.cli.run import NoWait, refresh

if TYPE_CHECKING:
    from orchestration.services.dataset_list import DatasetSummary
    from orchestration.services.datasets import DatasetDetail

app = typer.Typer(
    no_args_is_help=True, help="Versioned tables: imported, transformed or predicted."
)

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_all(
    context: typer.Context,
    *,
    origin: Annotated[
        str, typer.Option(help="Only those made by: datasource, transform, prediction ...")
    ] = "",
    status: Annotated[str, typer.Option(help="Only those of this status, such as failed.")] = "",
    search: Annotated[str, typer.Option(help="Only those with this in their name.")] = "",
    as_json: AsJson = False,
) -> None:
    """List every dataset: where it comes from, how its last run ended, its newest version."""
    from orchestration.services.dataset_list import DatasetFilter

    wanted = DatasetFilter(origin, status, search)
    with reported():
        own = context.ensure_object(CommandContext)
        found = [d for d in own.datasets() if wanted.takes(d)]
    if as_json:
        print_json(found)
    else:
        _print_list(found)
    if errors := [d.error for d in found if d.error]:
        fail(*errors)


app.command("refresh")(refresh)


@app.command()
def export(
    context: typer.Context,
    name: Name,
    *,
    exporter: Annotated[str, typer.Option("--with", help="Name of the exporter that delivers it.")],
    version: Annotated[int | None, typer.Option(help="Version; the newest by default.")] = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Deliver a dataset by an exporter, whichever dataset that one declares. Otherwise like `waybill run`."""
    deliver(context, exporter, dataset=name, version=version, no_wait=no_wait, as_json=as_json)


@app.command()
def show(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show a dataset: columns and types, what it is made from, who uses it, what its newest version records."""
    from orchestration.services.datasets import show_dataset

    with reported():
        own = context.ensure_object(CommandContext)
        found = show_dataset(own.location, own.instance, name)
    if as_json:
        print_json(found)
    else:
        _print_detail(found)
    if found.summary.error:
        fail(found.summary.error)


@app.command()
def sample(
    context: typer.Context,
    name: Name,
    *,
    rows: Annotated[int, typer.Option("--rows", "-n", help="How many rows.")] = 10,
    version: Annotated[int | None, typer.Option(help="Version; the newest by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the first rows of a dataset."""
    from orchestration.services.datasets import sample_dataset

    with reported():
        own = context.ensure_object(CommandContext)
        found = sample_dataset(own.location, name, rows=rows, version=version)
    if as_json:
        print_json([dict(zip(found.columns, row, strict=True)) for row in found.rows])
    else:
        print_table(found.columns, to_verbatim(found.rows))


@app.command()
def versions(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """List the versions of a dataset that are kept, newest first."""
    from orchestration.services.datasets import list_versions

    with reported():
        found = list_versions(context.ensure_object(CommandContext).location, name)
    if as_json:
        print_json(found)
        return
    header = ("version", "created (UTC)", "rows", "columns", "size", "files", "run")
    rows = [
        (v.version, v.created_at, v.rows, v.columns, to_size(v.size_bytes), v.files, v.run_id)
        for v in found
    ]
    print_table(header, rows)


def _print_list(found: list[DatasetSummary]) -> None:
    header = ("name", "origin", "status", "rows", "columns", "version", "size", "updated (UTC)")
    rows = [
        (
            d.name,
            d.origin,
            d.status,
            d.rows,
            d.columns,
            d.version,
            to_size(d.size_bytes),
            d.updated_at,
        )
        for d in found
    ]
    print_table(header, rows)


def _print_detail(found: DatasetDetail) -> None:
    summary = found.summary
    print_facts(
        [
            ("dataset", summary.name),
            ("description", found.description),
            ("origin", summary.origin),
            ("status", summary.status),
            ("version", summary.version),
            ("updated (UTC)", summary.updated_at),
            ("rows", summary.rows),
            ("size", to_size(summary.size_bytes)),
            ("made from", found.made_from),
            ("used by", found.used_by),
            ("run", found.run_id),
            ("store", found.store),
        ]
    )
    if found.schema:
        typer.echo()
        if found.origins:
            rows = [(name, kind, found.origins.get(name, "")) for name, kind in found.schema]
            print_table(("column", "type", "from"), rows)
        else:
            print_table(("column", "type"), found.schema)
    facts = {name: value for name, value in found.properties.items() if name != "lineage"}
    if facts:
        typer.echo()
        print_facts([(name, _short(value)) for name, value in facts.items()])


def _short(value: object) -> object:
    if not isinstance(value, (list, dict)):
        return value
    return f"{len(value)} entries; --json shows them" if value else ""
