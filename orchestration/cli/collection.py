"""`waybill collection`: specifications checked and imported, imports gone on with, items and what failed."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, reported
from orchestration.cli.output import print_facts, print_json, print_table, visible

if TYPE_CHECKING:
    from assets.collections.specification.making import MadeSpecification
    from assets.collections.taking import CheckedSpecification
    from orchestration.services.collections.declared import DeclaredCollections
    from orchestration.services.collections.imports import CollectionImport
    from orchestration.services.runs.watch import StepNews
    from orchestration.services.runs.workplace import Workplace

app = typer.Typer(no_args_is_help=True, help="Media and documents by specification.")

SHOWN_PROBLEMS = 50
Name = Annotated[str, typer.Argument(help="Name of the collection.")]
File = Annotated[Path, typer.Argument(help="A specification: .json or .csv, packed or not.")]
Import = Annotated[int, typer.Argument(help="Number of the import.")]
Into = Annotated[
    str | None,
    typer.Option("--folder", help="Where items go, such as site/north; where the collection says by default.", show_default=False),
]  # fmt: skip
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_all(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the collections that the project declares, and how many items each holds."""
    from orchestration.services.collections.declared import list_collections

    with reported():
        found = list_collections(_declared(context))
    if as_json:
        print_json(found)
        return
    print_table(
        (
            "name",
            "types",
            "connectors",
            "items",
            "pending",
            "failed",
            "last import",
            "imported (UTC)",
        ),
        [
            (
                one.name,
                list(one.types) or "all",
                list(one.connectors),
                *(one.items, one.pending, one.failed),
                *(one.last_import, one.imported_at),
            )
            for one in found
        ],
    )


@app.command("make-spec")
def make_spec(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    connector: Annotated[str, typer.Argument(help="A folder, a bucket or a file server.")],
    path: Annotated[str, typer.Argument(help="A key or a glob there: 'clips/**/*.mp4'.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to: a .json or .csv file.")],
    kind: Annotated[
        str,
        typer.Option(
            "--type",
            help="What all objects are: images, dicom_series, ...; told by their extensions by default.",
        ),
    ] = "",
    group_by: Annotated[
        str,
        typer.Option(
            "--group-by", help="folder, or a pattern whose first group names the image group."
        ),
    ] = "",
    sequence: Annotated[
        bool, typer.Option("--sequence", help="Image groups are image sequences.")
    ] = False,
    skip_duplicates: Annotated[
        bool, typer.Option("--skip-duplicates", help="Items that are known already are skipped.")
    ] = False,
    chunk: Annotated[
        int,
        typer.Option("--chunk", min=1, help="Most items of a file; further files are numbered."),
    ] = 500_000,
) -> None:
    """Make a specification of a listing: the same listing gives the same bytes. Says what it leaves out and why."""
    from orchestration.services.collections.making import MakeChoice, make_from_listing, write

    with reported():
        choice = MakeChoice(
            connector=connector,
            path=path,
            section=kind,
            group_by=group_by,
            sequence=sequence,
            format="csv" if output.suffix.lower() == ".csv" else "json",
            skip_duplicates=skip_duplicates,
            most_items=chunk,
        )
        made = make_from_listing(context.ensure_object(CommandContext).location, choice)
        written = write(made, output)
    print_table(("file", "items"), [(str(file), items) for file, items in written])
    _print_left_out(made)


@app.command("check-spec")
def check_spec(
    context: typer.Context,
    file: File,
    *,
    name: Annotated[str, typer.Option("--collection", help="The collection that it is for.")],
    folder: Into = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write every problem to this .csv file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a specification whole: what an import would create, skip and update, or everything that is wrong.

    Changes nothing. Ends with 1 when it would be refused.
    """
    from orchestration.services.collections.checks import check_file, checked_json

    with reported():
        location = context.ensure_object(CommandContext).location
        found = check_file(location, name, file, folder=folder)
        if report is not None:
            fields = ("at", "rule", "message", "hint")
            rows = ([getattr(problem, field) for field in fields] for problem in found.problems)
            _write_csv(report, fields, rows)
    if as_json:
        print_json(checked_json(found))
    else:
        _print_checked(found)
    if found.would is None:
        raise typer.Exit(FAILED)


@app.command("import")
def take(
    context: typer.Context,
    file: File,
    *,
    name: Annotated[str, typer.Option("--collection", help="The collection that it goes into.")],
    folder: Into = None,
    ignore_errors: Annotated[
        bool, typer.Option("--ignore-errors", help="Go on when an item fails.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import a specification, as a run. Ends with 1 when it was refused or an item failed."""
    from orchestration.services.collections.imports import ImportChoice, import_specification

    choice = ImportChoice(folder, ignore_errors)
    with reported():
        done = import_specification(_place(context), name, file, choice, _tell)
    _print_import(done, as_json=as_json)
    _end(done)


@app.command()
def resume(
    context: typer.Context,
    number: Import,
    *,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Look at the items that failed once more.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Go on with what an import did not do, as a run: it was stopped, killed, or items of it failed."""
    from orchestration.services.collections.imports import resume as go_on

    with reported():
        done = go_on(_place(context), number, _tell, retry_failed=retry_failed)
    _print_import(done, as_json=as_json)
    _end(done)


@app.command()
def imports(
    context: typer.Context,
    name: Name,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most imports.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the imports of a collection, newest first: who, when, what each did and how it ended."""
    from orchestration.services.collections.imports import list_imports

    with reported():
        found = list_imports(_place(context), name, limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("import", "file", "folder", "state", "by", "begun (UTC)", "created", "skipped", "updated", "retried", "pending", "failed"),
        [
            (
                *(one.id, one.file_name, one.folder or "/", one.state, one.asked_by, one.begun_at),
                *(*_totals(one), one.pending, one.failed),
            )
            for one in found
        ],
    )  # fmt: skip


@app.command()
def show(context: typer.Context, number: Import, *, as_json: AsJson = False) -> None:
    """Show an import: its file, what it did, how far it is, its run."""
    from orchestration.services.collections.imports import show_import

    with reported():
        found = show_import(_place(context), number)
    _print_import(found, as_json=as_json)


@app.command()
def failures(
    context: typer.Context,
    number: Import,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write them to this .csv file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what failed in an import and was not mended since: CSV, one row an item."""
    from orchestration.services.collections.imports import FAILURE_FIELDS
    from orchestration.services.collections.imports import failures as failed_items

    with reported():
        found = failed_items(_place(context), number)
        if as_json:
            print_json(list(found))
        else:
            rows = ([_cell(row[field]) for field in FAILURE_FIELDS] for row in found)
            _write_csv(output, FAILURE_FIELDS, rows)


@app.command()
def items(
    context: typer.Context,
    name: Name,
    *,
    filter_text: Annotated[
        str, typer.Option("--filter", "-f", help="Which of them: 'type = image and lux in 1..5'.")
    ] = "",
    sort: Annotated[str, typer.Option(help="A field; - before it turns the order round.")] = "",
    cursor: Annotated[
        str, typer.Option(help="`next` of the page before, to go on behind it.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most items.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List items of a collection: which there are, by metadata, type, state, title, folder."""
    from orchestration.services.collections.items import ItemsQuery, list_items

    query = ItemsQuery(filter_text, sort, cursor, limit)
    with reported():
        found = list_items(_declared(context), name, query)
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "type", "title", "folder", "state", "error"),
        [(i.id, i.type, i.title, i.folder or "/", i.state, i.message or None) for i in found.items],
    )
    typer.echo(f"{len(found.items):,} of {found.total:,}")
    if found.next:
        typer.echo(f"more: --cursor {found.next}")


@app.command()
def item(
    context: typer.Context,
    name: Name,
    number: Annotated[int, typer.Argument(help="Id of the item.")],
) -> None:
    """Show an item whole, as JSON: its URLs, metadata and state."""
    from orchestration.services.collections.items import show_item

    with reported():
        print_json(show_item(_declared(context), name, number))


@app.command()
def folders(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """List the folders of a collection, and how many items each has."""
    from orchestration.services.collections.items import list_folders

    with reported():
        found = list_folders(_declared(context), name)
    if as_json:
        print_json(found)
    else:
        print_table(("folder", "items"), [(one.path or "/", one.items) for one in found])


def _declared(context: typer.Context) -> DeclaredCollections:
    from orchestration.services.collections.declared import DeclaredCollections

    return DeclaredCollections.of(context.ensure_object(CommandContext).location)


def _place(context: typer.Context) -> Workplace:
    from orchestration.services.home import open_home
    from orchestration.services.runs.start import Asked
    from orchestration.services.runs.workplace import Workplace

    own = context.ensure_object(CommandContext)
    return Workplace(open_home(), own.location, own.instance, Asked(own.user))


def _tell(news: StepNews) -> None:
    """Steps are one here, and its end is told by what came of it."""


def _totals(found: CollectionImport) -> list[int]:
    return [
        found.total("created"),
        found.total("skipped"),
        found.total("updated"),
        found.total("retried"),
    ]


def _print_checked(found: CheckedSpecification) -> None:
    from assets.collections.specification.report import report_lines

    for line in report_lines(found.specification):
        typer.echo(visible(line))
    if found.would is not None:
        print_table(
            ("type", "created", "skipped", "updated", "retried"),
            [
                (kind, *(found.would.counts.get(action, {}).get(kind, 0) for action in ("created", "skipped", "updated", "retried")))
                for kind in found.specification.counts.items
            ],
        )  # fmt: skip
        return
    print_table(
        ("at", "rule", "problem"),
        [(p.at or "file", p.rule, p.message) for p in found.problems[:SHOWN_PROBLEMS]],
    )
    if found.problem_count > SHOWN_PROBLEMS:
        typer.echo(f"and {found.problem_count - SHOWN_PROBLEMS:,} more: --report FILE lists them")


def _print_left_out(made: MadeSpecification) -> None:
    for left in made.left_out[:SHOWN_PROBLEMS]:
        typer.echo(visible(f"left out: {left.key}: {left.reason}"), err=True)
    if len(made.left_out) > SHOWN_PROBLEMS:
        typer.echo(f"{len(made.left_out) - SHOWN_PROBLEMS:,} more are left out", err=True)


def _print_import(found: CollectionImport, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    created, skipped, updated, retried = _totals(found)
    print_facts(
        [
            ("import", found.id),
            ("collection", found.collection),
            ("file", found.file_name),
            ("folder", found.folder or "/"),
            ("state", found.state),
            ("created", created),
            ("skipped", skipped),
            ("updated", updated),
            ("retried", retried),
            ("pending", found.pending),
            ("failed", found.failed),
            ("run", found.run_id),
            ("why", found.message or None),
        ]
    )


def _end(done: CollectionImport) -> None:
    if done.state != "completed":
        raise typer.Exit(FAILED)


def _cell(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def _write_csv(path: Path | None, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    opened = (
        nullcontext(sys.stdout) if path is None else path.open("w", newline="", encoding="utf-8")
    )
    with opened as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
