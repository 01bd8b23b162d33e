"""`waybill collection`, as far as it fills collections: specifications made, checked and imported, imports gone on with and stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, reported
from orchestration.cli.output import print_facts, print_json, print_table, visible
from orchestration.cli.saving import write_lines

if TYPE_CHECKING:
    from assets.collections.specification.making import MadeSpecification
    from assets.collections.taking import CheckedSpecification
    from orchestration.services.collections.imports import CollectionImport, ImportRecords
    from orchestration.services.runs.watch import StepNews
    from resources.collections.rules import Problem

SHOWN_PROBLEMS = 50
Name = Annotated[str, typer.Argument(help="Name of the collection.")]
File = Annotated[Path, typer.Argument(help="A specification: .json or .csv, packed or not.")]
Import = Annotated[int, typer.Argument(help="Number of the import.")]
Into = Annotated[
    str | None,
    typer.Option("--folder", help="Where items go, such as site/north; where the collection says by default.", show_default=False),
]  # fmt: skip
Ignore = Annotated[bool, typer.Option("--ignore-errors", help="Go on when an item fails.")]
Globs = list[str] | None
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def add_commands(app: typer.Typer) -> None:
    """Gives the group its commands."""
    for name, command in _COMMANDS.items():
        app.command(name)(command)


_Kind = Annotated[
    str,
    typer.Option(
        "--type",
        help="What all objects are: images, dicom_series, ...; told by their extensions by default.",
    ),
]
_GroupBy = Annotated[
    str,
    typer.Option(
        "--group-by", help="folder, or a pattern whose first group names the image group."
    ),
]
_Probe = Annotated[
    bool,
    typer.Option(
        "--probe",
        help="Look at each object and write its media metadata: no import reads it then.",
    ),
]
_Chunk = Annotated[
    int,
    typer.Option("--chunk", min=1, help="Most items of a file; further files are numbered."),
]


def make_spec(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    connector: Annotated[str, typer.Argument(help="A folder, a bucket or a file server.")],
    path: Annotated[str, typer.Argument(help="A key or a glob there: 'clips/**/*.mp4'.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to: a .json or .csv file.")],
    kind: _Kind = "",
    include: Annotated[
        Globs, typer.Option(help="Only keys that fit this glob, such as '**/*.png'. Repeatable.")
    ] = None,
    exclude: Annotated[
        Globs, typer.Option(help="No keys that fit this glob, such as 'old/**'. Repeatable.")
    ] = None,
    group_by: _GroupBy = "",
    sequence: Annotated[
        bool, typer.Option("--sequence", help="Image groups are image sequences.")
    ] = False,
    probe: _Probe = False,
    skip_duplicates: Annotated[
        bool, typer.Option("--skip-duplicates", help="Items that are known already are skipped.")
    ] = False,
    chunk: _Chunk = 500_000,
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
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            probe=probe,
        )
        made = make_from_listing(context.ensure_object(CommandContext).location, choice)
        written = write(made, output)
    print_table(("file", "items"), [(str(file), items) for file, items in written])
    _print_left_out(made)


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
    from assets.collections.specification.report import problem_lines
    from orchestration.services.collections.checks import all_problems, check_file, checked_json

    with reported():
        location = context.ensure_object(CommandContext).location
        found = check_file(location, name, file, folder=folder)
        if report is not None:
            write_lines(problem_lines(all_problems(found)), report)
    if as_json:
        print_json(checked_json(found))
    else:
        _print_checked(found)
    if found.would is None:
        raise typer.Exit(FAILED)


def take(
    context: typer.Context,
    file: File,
    *,
    name: Annotated[str, typer.Option("--collection", help="The collection that it goes into.")],
    folder: Into = None,
    ignore_errors: Ignore = False,
    as_json: AsJson = False,
) -> None:
    """Import a specification, as a run. Ends with 1 when it was refused, an item failed or the run did."""
    from orchestration.services.collections.import_runs import ImportChoice, import_specification

    choice = ImportChoice(folder, ignore_errors)
    with reported():
        place = context.ensure_object(CommandContext).workplace()
        done = import_specification(place, name, file, choice, _tell)
    _print_import(done, as_json=as_json)
    _end(done)


def resume(
    context: typer.Context,
    number: Import,
    *,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Look at the items that failed once more.")
    ] = False,
    ignore_errors: Ignore = False,
    as_json: AsJson = False,
) -> None:
    """Go on with what an import did not do, as a run: it was stopped, killed, or items of it failed."""
    _go_on(context, number, retry=retry_failed, ignore=ignore_errors, as_json=as_json)


def retry(
    context: typer.Context,
    number: Import,
    *,
    ignore_errors: Ignore = False,
    as_json: AsJson = False,
) -> None:
    """Look at the items of an import that failed once more, and at what is still pending, as a run."""
    _go_on(context, number, retry=True, ignore=ignore_errors, as_json=as_json)


def stop(context: typer.Context, number: Import, *, as_json: AsJson = False) -> None:
    """Stop the run of an import. What it did stays; `resume` goes on with what is pending."""
    from orchestration.services.collections.imports import stop_import

    with reported():
        found = stop_import(_records(context), number)
    if as_json:
        print_json(found)
    else:
        typer.echo(f"run {found.run_id} was asked to stop; resume {number} goes on with the rest")


def imports(
    context: typer.Context,
    name: Name,
    *,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1_000, help="Most imports.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """List the imports of a collection, newest first: who, when, what each did and how it ended."""
    from orchestration.services.collections.imports import list_imports

    with reported():
        found = list_imports(_records(context), name, limit=limit).items
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


def progress(context: typer.Context, number: Import, *, as_json: AsJson = False) -> None:
    """Show an import: its file, what it did, how far it is, its run, and what can be done about it."""
    from orchestration.services.collections.imports import show_import

    with reported():
        found = show_import(_records(context), number)
    _print_import(found, as_json=as_json)


def failures(
    context: typer.Context,
    number: Import,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write them to this .csv file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what failed in an import and was not mended since: CSV, one row a file."""
    from orchestration.services.collections.imports import failures as failed_items
    from orchestration.services.collections.imports import failures_csv

    with reported():
        if as_json:
            print_json(list(failed_items(_records(context), number)))
        else:
            write_lines(failures_csv(_records(context), number), output)


def _go_on(
    context: typer.Context, number: int, *, retry: bool, ignore: bool, as_json: bool
) -> None:
    from orchestration.services.collections.import_runs import ResumeChoice
    from orchestration.services.collections.import_runs import resume as go_on

    with reported():
        place = context.ensure_object(CommandContext).workplace()
        done = go_on(place, number, _tell, ResumeChoice(retry, ignore))
    _print_import(done, as_json=as_json)
    _end(done)


def _records(context: typer.Context) -> ImportRecords:
    from orchestration.services.collections.imports import ImportRecords

    own = context.ensure_object(CommandContext)
    return ImportRecords.of(own.location, own.instance)


def _tell(news: StepNews) -> None:
    """Steps are one here, and its end is told by what came of it."""


def _totals(found: CollectionImport) -> list[int]:
    return [found.total(action) for action in ("created", "skipped", "updated", "retried")]


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
        [(p.at or "file", p.rule, _told(p)) for p in found.problems[:SHOWN_PROBLEMS]],
    )
    if found.problem_count > SHOWN_PROBLEMS:
        typer.echo(f"and {found.problem_count - SHOWN_PROBLEMS:,} more: --report FILE lists them")


def _told(problem: Problem) -> str:
    return f"{problem.message}. {problem.hint}" if problem.hint else problem.message


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
            ("next", found.next_step or None),
        ]
    )


def _end(done: CollectionImport) -> None:
    if done.state != "completed":
        raise typer.Exit(FAILED)


_COMMANDS: Mapping[str, Callable[..., None]] = {
    "make-spec": make_spec,
    "check-spec": check_spec,
    "import": take,
    "resume": resume,
    "retry": retry,
    "stop": stop,
    "imports": imports,
    "progress": progress,
    "failures": failures,
}
