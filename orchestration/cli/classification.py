"""`waybill classification`: files into classification sets, what became of them, the way back.

What a set holds as a file is in `classification_files.py`, how answers look in `classification_answers.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.classification_answers import (
    print_check,
    print_errors,
    print_history,
    print_taken,
    shown,
)
from orchestration.cli.classification_files import (
    AtVersion,
    Delimiter,
    FileEncoding,
    Set,
    download,
    template,
)
from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, USAGE, check_output, fail, reported
from orchestration.cli.output import print_facts, print_json, print_table, visible

if TYPE_CHECKING:
    from orchestration.services.classifications import ReadingChoice

app = typer.Typer(
    no_args_is_help=True, help="Tables of keys and attributes, maintained by uploaded files."
)

HISTORY_LINES = 100

File = Annotated[Path, typer.Argument(help="A .json, .csv, .tsv or .tab file.")]
OptionalFile = Annotated[
    Path | None, typer.Argument(help="A .json, .csv, .tsv or .tab file.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
BlankClears = Annotated[
    bool | None,
    typer.Option(
        "--blank-clears/--blank-keeps",
        help="Whether a blank cell clears the stored value; the set's own by default.",
        show_default=False,
    ),
]
Author = Annotated[
    str, typer.Option("--author", help="Who it is from; you by default.", show_default=False)
]
FileText = Annotated[str, typer.Option("--file", help="Files whose name has this text in it.")]
Moment = datetime | None
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

app.command()(download)
app.command()(template)


@app.command("list")
def list_all(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the classification sets that the project declares, and how many keys each holds."""
    from orchestration.services.classifications import DeclaredSets, list_sets

    with reported():
        found = list_sets(DeclaredSets.of(context.ensure_object(CommandContext).location))
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "keys", "version", "changed (UTC)", "columns"),
        [
            (s.name, s.keys, s.version, s.changed_at, [f"{n} ({k})" for n, k in s.columns])
            for s in found
        ],
    )
    for one in found:
        if one.problem:
            typer.echo(visible(f"{one.name} takes no file: {one.problem}"))
        if not one.is_published:
            typer.echo(
                f"{one.name}: the dataset does not show version {one.version} yet; the daemon"
                " publishes it, and so does the next file"
            )


@app.command()
def check(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    file: OptionalFile = None,
    *,
    name: Set,
    object_key: Annotated[
        str,
        typer.Option("--object", help="Instead of FILE: a file in the place that the set watches."),
    ] = "",
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Write every error to this .csv or .json file."),
    ] = None,
    encoding: FileEncoding = "",
    list_delimiter: Delimiter = "",
    blank_clears: BlankClears = None,
    as_json: AsJson = False,
) -> None:
    """Check a file whole and tell what it would change. Changes nothing. Ends with 1 when it would be rejected."""
    from orchestration.services.classification_checks import check as check_file
    from orchestration.services.classification_checks import check_object

    with _no_verdict():
        if report is not None:
            check_output(report, reads=file)
        location = context.ensure_object(CommandContext).location
        choice = _choice(encoding, list_delimiter, blank_clears)
        if file is not None and not object_key:
            found = check_file(location, name, file, choice, report)
        elif object_key and file is None:
            found = check_object(location, name, object_key, choice, report)
        else:
            fail("name a FILE or an --object, one of them", code=USAGE)
    if as_json:
        print_json(found.to_json())
    else:
        print_check(found)
    if found.outcome == "rejected":
        raise typer.Exit(FAILED)


@app.command()
def apply(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    file: File,
    *,
    name: Set,
    author: Author = "",
    encoding: FileEncoding = "",
    list_delimiter: Delimiter = "",
    blank_clears: BlankClears = None,
    as_json: AsJson = False,
) -> None:
    """Take a file into the set, all or nothing, as a run. Ends with 1 when it is rejected."""
    from orchestration.services.classification_runs import apply as apply_file

    with _no_verdict():
        done = apply_file(
            context.ensure_object(CommandContext).workplace(),
            name,
            file,
            _choice(encoding, list_delimiter, blank_clears),
            author=author,
        )
    print_taken(done, as_json=as_json)


@app.command()
def undo(
    context: typer.Context,
    *,
    name: Set,
    version: Annotated[
        int, typer.Option("--version", help="The version to go back to; 0 is empty.")
    ],
    author: Author = "",
    as_json: AsJson = False,
) -> None:
    """Make an earlier version hold again, as a run. That is a new version: an undo can be undone."""
    from orchestration.services.classification_runs import undo as go_back

    with reported():
        done = go_back(
            context.ensure_object(CommandContext).workplace(),
            name,
            version,
            author=author,
        )
    print_taken(done, as_json=as_json)


@app.command()
def show(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="The key, exactly as it is stored.")],
    *,
    name: Set,
    version: AtVersion = None,
    as_json: AsJson = False,
) -> None:
    """Show the values of a key, now or at an earlier version."""
    from orchestration.services.classification_rows import show as find_key

    with reported():
        found = find_key(context.ensure_object(CommandContext).location, name, key, version)
    if as_json:
        print_json(found)
    else:
        print_facts([("key", found.key), *((c, shown(v)) for c, v in found.values.items())])


@app.command()
def history(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    name: Annotated[
        str, typer.Option("--set", help="Of this set alone; of every set by default.")
    ] = "",
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            help="applied, rejected, skipped, queued, processing, failed or stopped; may be repeated.",
        ),
    ] = None,
    file: FileText = "",
    since: Annotated[
        Moment, typer.Option("--since", formats=_TIMES, help="Then or later (UTC).")
    ] = None,
    until: Annotated[
        Moment, typer.Option("--until", formats=_TIMES, help="Before then (UTC).")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most lines.")] = HISTORY_LINES,
    as_json: AsJson = False,
) -> None:
    """List files and undos, newest first: who, when, what became of it and why, which lines had an effect."""
    from orchestration.services.classification_history import HistoryQuery
    from orchestration.services.classification_history import history as read_history
    from orchestration.services.classifications import DeclaredSets

    query = HistoryQuery(name, tuple(state or ()), file, _utc(since), _utc(until), limit)
    with reported():
        own = context.ensure_object(CommandContext)
        found = read_history(DeclaredSets.of(own.location), own.instance, query)
    if as_json:
        print_json(found)
    else:
        print_history(found, limit, of_all_sets=not name)


@app.command()
def errors(
    context: typer.Context,
    *,
    name: Set,
    file: FileText = "",
    run: Annotated[str, typer.Option("--run", help="Of the file that this run took.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the errors of a rejected file as the history keeps them: the newest file, or the one named."""
    from orchestration.services.classification_history import errors_of
    from orchestration.services.classifications import DeclaredSets

    with reported():
        sets = DeclaredSets.of(context.ensure_object(CommandContext).location)
        found = errors_of(sets, name, file=file, run_id=run)
    if as_json:
        print_json(found)
    else:
        print_errors(found)


def _choice(encoding: str, list_delimiter: str, blank_clears: bool | None) -> ReadingChoice:
    from orchestration.services.classifications import ReadingChoice

    return ReadingChoice(encoding, list_delimiter, blank_clears)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


@contextmanager
def _no_verdict() -> Iterator[None]:
    """Ends with 2 for whatever is no verdict on a file: 1 says that it was looked at and rejected."""
    try:
        with reported():
            yield
    except typer.Exit as ended:
        raise typer.Exit(USAGE) from ended
