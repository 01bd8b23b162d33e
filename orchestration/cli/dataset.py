"""`waybill dataset`: which datasets there are, and what is known of one. What is done to one is `dataset_files.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.dataset_checks import checks, suggest_checks
from orchestration.cli.dataset_drift import drift
from orchestration.cli.dataset_files import download, remove, rename
from orchestration.cli.dataset_profile import profile
from orchestration.cli.dataset_rows import cell, facets, rows
from orchestration.cli.dataset_versions import compare, pin, restore, tag, unpin, untag, uses
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
from orchestration.cli.upload import upload

if TYPE_CHECKING:
    from orchestration.services.dataset_detail import DatasetColumn, DatasetDetail
    from orchestration.services.dataset_list import DatasetSummary

app = typer.Typer(
    no_args_is_help=True, help="Versioned tables: uploaded, imported, transformed or predicted."
)

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        help="Only of this origin: upload, datasource, pipeline output, pipeline intermediate; repeatable.",
    ),
]
Statuses = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        help="Only of this status: pending, queued, running, ready, failed, stopped, damaged; stale: also those of which"
        " what they are made from has changed since; repeatable.",
    ),
]
Search = Annotated[str, typer.Option(help="Only those with this in their name or title.")]


@app.command("list")
def list_all(
    context: typer.Context,
    *,
    origin: Origins = None,
    status: Statuses = None,
    search: Search = "",
    sort: Annotated[
        str,
        typer.Option(
            help="name, title, origin, status, rows, columns, version, size or updated.",
        ),
    ] = "name",
    descending: Annotated[bool, typer.Option("--descending", help="Largest first.")] = False,
    as_json: AsJson = False,
) -> None:
    """List every dataset: where it comes from, how its last run ended, its newest version."""
    from orchestration.services.dataset_query import DatasetQuery, in_order

    with reported():
        query = DatasetQuery.of(
            origins=origin or (),
            statuses=status or (),
            search=search,
            sort=sort,
            descending=descending,
        )
        own = context.ensure_object(CommandContext)
        found = in_order(own.datasets(), query)
    if as_json:
        print_json(found)
    else:
        _print_list(found)
    if errors := [d.error for d in found if d.error]:
        fail(*errors)


@app.command()
def summary(
    context: typer.Context,
    *,
    origin: Origins = None,
    status: Statuses = None,
    search: Search = "",
    as_json: AsJson = False,
) -> None:
    """Count datasets by origin and by status. Each count leaves the filter of its own kind aside."""
    from orchestration.services.dataset_query import DatasetQuery, page_of

    with reported():
        query = DatasetQuery.of(origins=origin or (), statuses=status or (), search=search)
        page = page_of(context.ensure_object(CommandContext).datasets(), query)
    if as_json:
        print_json({"total": page.total, "origins": page.origins, "statuses": page.statuses})
        return
    rows = [("origin", *found) for found in page.origins.items()]
    rows += [("status", *found) for found in page.statuses.items()]
    print_table(("by", "", "datasets"), rows)


app.command("refresh")(refresh)
app.command("upload")(upload)
app.command()(rows)
app.command()(facets)
app.command()(cell)
app.command("download")(download)
app.command("rename")(rename)
app.command("remove")(remove)
app.command("profile")(profile)
app.command("drift")(drift)
for _command in (compare, restore, tag, untag, pin, unpin, uses):
    app.command()(_command)
app.command("checks")(checks)
app.command("suggest-checks")(suggest_checks)


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
    from orchestration.services.dataset_detail import show_dataset
    from orchestration.services.dataset_titles import read_titles
    from orchestration.services.datasets import instance_states

    with reported():
        own = context.ensure_object(CommandContext)
        entry = own.dataset(name)
        tried = instance_states(own.instance, [entry]).get(entry.key)
        found = show_dataset(entry, own.store, tried, read_titles().get(entry.key))
        found = replace(found, summary=replace(found.summary, stale=own.stale_reason(name)))
    if as_json:
        print_json(found)
    else:
        _print_detail(found)
    if found.summary.error:
        fail(found.summary.error)


@app.command()
def columns(
    context: typer.Context,
    name: Name,
    *,
    version: Annotated[int | None, typer.Option(help="Version; the newest by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the columns of a version: type, meaning, what each is made from."""
    from orchestration.services.dataset_detail import list_columns

    with reported():
        own = context.ensure_object(CommandContext)
        found = list_columns(own.dataset(name), own.store, version=version)
    if as_json:
        print_json(found)
    else:
        _print_columns(found)


@app.command()
def runs(
    context: typer.Context,
    name: Name,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 15,
    as_json: AsJson = False,
) -> None:
    """List the last runs that made a dataset or tried to, newest first."""
    from orchestration.services.dataset_detail import list_runs

    with reported():
        own = context.ensure_object(CommandContext)
        found = list_runs(own.dataset(name), own.instance, limit=limit)
    if as_json:
        print_json(found)
        return
    header = ("run", "state", "job", "created (UTC)", "ended (UTC)", "error")
    rows = [(r.run_id, r.state, r.job, r.created_at, r.ended_at, r.error) for r in found]
    print_table(header, rows, limit=200)


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
    from orchestration.services.dataset_sample import sample_dataset

    with reported():
        own = context.ensure_object(CommandContext)
        location = own.location
        key = tuple(location.dataset(name).key.path)
        found = sample_dataset(location.store(), key, rows=rows, version=version)
    if as_json:
        print_json([dict(zip(found.columns, row, strict=True)) for row in found.rows])
    else:
        print_table(found.columns, to_verbatim(found.rows))


@app.command()
def versions(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """List the versions of a dataset that are kept, newest first."""
    from orchestration.services.dataset_versions import list_versions

    with reported():
        own = context.ensure_object(CommandContext)
        found = list_versions(own.dataset(name), own.store)
    if as_json:
        print_json(found)
        return
    header = ("version", "created (UTC)", "rows", "columns", "size", "files", "run", "kept")
    rows = [
        (
            v.version,
            v.created_at,
            v.rows,
            v.columns,
            to_size(v.size_bytes),
            v.files,
            v.run_id,
            ", ".join([*v.tags, *(["pinned"] if v.is_pinned else [])]),
        )
        for v in found
    ]
    print_table(header, rows)


def _print_list(found: list[DatasetSummary]) -> None:
    header = ["name", "origin", "status", "rows", "columns", "version", "size", "updated (UTC)"]
    rows = [
        [
            d.name,
            d.origin,
            d.status,
            d.rows,
            d.columns,
            d.version,
            to_size(d.size_bytes),
            d.updated_at,
        ]
        for d in found
    ]
    if any(d.title != d.name for d in found):
        header.append("title")
        rows = [[*row, d.title] for row, d in zip(rows, found, strict=True)]
    if any(d.stale for d in found):
        header.append("stale")
        rows = [[*row, d.stale] for row, d in zip(rows, found, strict=True)]
    if any(d.reason for d in found):
        header.append("reason")
        rows = [[*row, d.reason] for row, d in zip(rows, found, strict=True)]
    print_table(header, rows)


def _print_detail(found: DatasetDetail) -> None:
    summary = found.summary
    print_facts(
        [
            ("dataset", summary.name),
            ("title", summary.title if summary.title != summary.name else ""),
            ("description", found.description),
            ("origin", summary.origin),
            ("status", summary.status),
            ("reason", summary.reason),
            ("stale", summary.stale),
            ("version", summary.version),
            ("updated (UTC)", summary.updated_at),
            ("rows", summary.rows),
            ("size", to_size(summary.size_bytes)),
            ("made from", found.made_from),
            ("used by", found.used_by),
            ("refresh", found.refresh),
            ("pipelines", found.jobs),
            ("owners", found.owners),
            ("run", found.run_id),
            ("store", found.store),
        ]
    )
    if found.columns:
        typer.echo()
        _print_columns(found.columns)
    if found.properties:
        typer.echo()
        print_facts([(name, _short(value)) for name, value in found.properties.items()])


def _print_columns(found: Sequence[DatasetColumn]) -> None:
    header: list[str] = ["column", "type"]
    rows: list[list[object]] = [[c.name, c.type] for c in found]
    means = ["" if c.mean is None else f"{c.mean:.6g}" for c in found]
    for title, values in (
        ("from", [c.made_from for c in found]),
        ("meaning", [c.description for c in found]),
        ("missing", [c.missing for c in found]),
        ("different", [c.distinct for c in found]),
        ("lowest", [c.lowest for c in found]),
        ("highest", [c.highest for c in found]),
        ("mean", means),
        ("warnings", [c.warnings for c in found]),
    ):
        if any(value not in ("", None) for value in values):
            header.append(title)
            rows = [[*row, value] for row, value in zip(rows, values, strict=True)]
    print_table(header, rows)


def _short(value: object) -> object:
    if not isinstance(value, (list, dict)):
        return value
    return f"{len(value)} entries; --json shows them" if value else ""
