"""`waybill classification`: files into classification sets, and what they hold."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, USAGE, fail, reported
from orchestration.cli.output import print_facts, print_json, print_table, to_size, visible

if TYPE_CHECKING:
    from assets.classifications.checking import CheckResult
    from assets.classifications.selection import Selection
    from orchestration.services.classifications import ReadingChoice, TakenFile, Workplace

app = typer.Typer(
    no_args_is_help=True, help="Tables of keys and attributes that are kept by files."
)

SHOWN_FINDINGS = 50
SHOWN_KEYS = 10

Set = Annotated[str, typer.Option("--set", help="Name of the classification set.")]
File = Annotated[Path, typer.Argument(help="A .json, .csv, .tsv or .tab file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
FileEncoding = Annotated[
    str, typer.Option("--encoding", help="utf8 or latin1; the set's own by default.")
]
Delimiter = Annotated[
    str,
    typer.Option(
        "--list-delimiter", help="Between elements of a list cell; the set's own by default."
    ),
]
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
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead of the terminal.")
]
TableFormat = Annotated[str, typer.Option("--format", help="csv or tsv.")]
DownloadFormat = Annotated[str, typer.Option("--format", help="json, csv or tsv.")]


@app.command("list")
def list_all(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the classification sets that the project declares, and how many keys each holds."""
    from orchestration.services.classifications import list_sets

    with reported():
        found = list_sets(context.ensure_object(CommandContext).location)
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


@app.command()
def check(
    context: typer.Context,
    file: File,
    *,
    name: Set,
    encoding: FileEncoding = "",
    list_delimiter: Delimiter = "",
    blank_clears: BlankClears = None,
    as_json: AsJson = False,
) -> None:
    """Check a file whole and tell what it would change. Changes nothing. Ends with 1 when it would be rejected."""
    from orchestration.services.classifications import check as check_file

    with reported():
        location = context.ensure_object(CommandContext).location
        found = check_file(location, name, file, _choice(encoding, list_delimiter, blank_clears))
    if as_json:
        print_json(found.to_json())
    else:
        _print_check(found)
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
    from orchestration.services.classifications import apply as apply_file

    with reported():
        done = apply_file(
            _place(context),
            name,
            file,
            _choice(encoding, list_delimiter, blank_clears),
            author=author or _user(),
        )
    _print_taken(done, as_json=as_json)


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
    from orchestration.services.classifications import undo as go_back

    with reported():
        done = go_back(_place(context), name, version, author=author or _user())
    _print_taken(done, as_json=as_json)


@app.command()
def show(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="The key, exactly as it is stored.")],
    *,
    name: Set,
    as_json: AsJson = False,
) -> None:
    """Show the values of a key."""
    from orchestration.services.classifications import show as find_key

    with reported():
        found = find_key(context.ensure_object(CommandContext).location, name, key)
    if as_json:
        print_json(found)
    else:
        print_facts([("key", found.key), *((c, _shown(v)) for c, v in found.values.items())])


@app.command()
def download(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    *,
    name: Set,
    file_format: DownloadFormat = "csv",
    key: Annotated[
        list[str] | None, typer.Option("--key", help="This key; may be repeated.")
    ] = None,
    key_regex: Annotated[
        str | None,
        typer.Option("--key-regex", help="Keys that match this regular expression (RE2)."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", help="COLUMN=VALUE: rows with exactly this value; may be repeated."
        ),
    ] = None,
    where_regex: Annotated[
        list[str] | None,
        typer.Option(
            "--where-regex", help="COLUMN=REGEX: rows whose value matches; may be repeated."
        ),
    ] = None,
    classified: Annotated[
        bool, typer.Option("--classified", help="Only keys with at least one value.")
    ] = False,
    unclassified: Annotated[
        bool, typer.Option("--unclassified", help="Only keys without any value.")
    ] = False,
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many rows.")] = None,
    encoding: FileEncoding = "",
    list_delimiter: Delimiter = "",
    output: Output = None,
) -> None:
    """Write keys and values as a file that the same set takes back without a change."""
    from orchestration.services.classifications import download as read_rows
    from orchestration.services.classifications import make_write_options

    with reported():
        selection = _selection(key, key_regex, where, where_regex)
        selection = _limited(
            selection, classified=classified, unclassified=unclassified, limit=limit
        )
        location = context.ensure_object(CommandContext).location
        options = make_write_options(file_format, encoding, list_delimiter)
        _write(read_rows(location, name, selection, options), output)


@app.command()
def template(
    context: typer.Context,
    *,
    name: Set,
    file_format: TableFormat = "csv",
    output: Output = None,
) -> None:
    """Write an empty file with the right header, to be filled and applied."""
    from orchestration.services.classifications import make_write_options
    from orchestration.services.classifications import template as make_template

    with reported():
        options = make_write_options(file_format, "", "")
        location = context.ensure_object(CommandContext).location
        _write([make_template(location, name, options)], output)


@app.command()
def history(context: typer.Context, *, name: Set, as_json: AsJson = False) -> None:
    """List every file of the set, newest first: who, when, what became of it, which lines had an effect."""
    from orchestration.services.classifications import history as read_history

    with reported():
        own = context.ensure_object(CommandContext)
        found = read_history(own.location, own.instance, name)
    if as_json:
        print_json(found)
        return
    header = ("at (UTC)", "state", "file", "author", "version", "lines", "modified", "no effect")
    rows = [
        (
            h.at,
            h.state,
            h.file,
            h.author,
            h.version,
            h.lines,
            h.modified_lines,
            h.lines_without_effect,
            h.counts.get("errors"),
            to_size(h.size_bytes),
            h.run_id,
        )
        for h in found
    ]
    print_table((*header, "errors", "size", "run"), rows)


def _place(context: typer.Context) -> Workplace:
    from orchestration.services.classifications import Workplace
    from orchestration.services.home import open_home

    own = context.ensure_object(CommandContext)
    return Workplace(open_home(), own.location, own.instance)


def _choice(encoding: str, list_delimiter: str, blank_clears: bool | None) -> ReadingChoice:
    from orchestration.services.classifications import ReadingChoice

    return ReadingChoice(encoding, list_delimiter, blank_clears)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without an entry for its user
        return "unknown"


def _selection(
    keys: list[str] | None,
    key_regex: str | None,
    where: list[str] | None,
    where_regex: list[str] | None,
) -> Selection:
    from assets.classifications.selection import Selection

    return Selection(
        keys=tuple(keys) if keys else None,
        key_regex=key_regex,
        equals=_pairs("--where", where),
        matches=_pairs("--where-regex", where_regex),
    )


def _limited(
    selection: Selection, *, classified: bool, unclassified: bool, limit: int | None
) -> Selection:
    from dataclasses import replace

    if classified and unclassified:
        fail("--classified and --unclassified exclude each other", code=USAGE)
    selection = replace(selection, limit=limit)
    if classified:
        return replace(selection, classified="classified")
    return replace(selection, classified="unclassified") if unclassified else selection


def _pairs(option: str, given: Sequence[str] | None) -> dict[str, str]:
    pairs = {}
    for text in given or ():
        column, sign, value = text.partition("=")
        if not sign or not column:
            fail(f"{option} takes COLUMN=TEXT, not {text!r}", code=USAGE)
        if column in pairs:
            fail(f"{option} names column {column!r} twice", code=USAGE)
        pairs[column] = value
    return pairs


def _write(pieces: Iterable[bytes], output: Path | None) -> None:
    if output is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    scratch = output.with_name(f".{output.name}.part")
    try:
        with scratch.open("wb") as file:
            file.writelines(pieces)
        scratch.replace(
            output
        )  # whole or not at all: a value that the format cannot hold may come last
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}")
    finally:
        scratch.unlink(missing_ok=True)


def _print_check(found: CheckResult) -> None:
    changes = found.changes
    facts: list[tuple[str, object]] = [("outcome", found.outcome)]
    if found.outcome == "applied":
        facts += [
            ("lines", found.lines),
            ("new keys", changes.new.count),
            ("updated keys", changes.updated.count),
            ("cleared keys", changes.cleared.count),
            ("deleted keys", changes.deleted.count),
            ("unchanged keys", changes.unchanged_count),
        ]
    else:
        more = "" if found.is_complete else " or more"
        facts.append(("errors", f"{len(found.errors):,}{more}"))
    facts.append(("warnings", found.warning_count))
    print_facts(facts)
    _print_values(found)
    for findings in (found.errors, found.warnings):
        if findings:
            typer.echo()
            _print_findings([(f.row, f.rule, f.column, f.message) for f in findings])


def _print_values(found: CheckResult) -> None:
    """The first values that change, and keys that come and go."""
    changes = found.changes
    for what, kind in (("new", changes.new), ("deleted", changes.deleted)):
        if kind.count:
            more = ", …" if kind.count > SHOWN_KEYS else ""
            typer.echo(visible(f"{what}: {', '.join(kind.sample[:SHOWN_KEYS])}{more}"))
    if changes.values:
        typer.echo()
        print_table(
            ("key", "column", "before", "after"),
            [
                (v.key, v.column, _shown(v.before), _shown(v.after))
                for v in changes.values[:SHOWN_KEYS]
            ],
        )


def _print_taken(done: TakenFile, *, as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        print_facts(
            [
                ("outcome", done.outcome),
                ("version", done.version),
                *((name.replace("_", " "), count) for name, count in done.counts.items()),
                ("run", done.run_id),
            ]
        )
        for findings in (done.errors, done.warnings):
            if findings:
                typer.echo()
                _print_findings(
                    [(f["row"], f["rule"], f.get("column"), f["message"]) for f in findings]
                )
    if done.outcome == "rejected":
        fail(f"the file was rejected: {done.counts.get('errors', 0):,} errors; nothing was applied")


def _print_findings(findings: Sequence[tuple[int, str, str | None, str]]) -> None:
    for row, rule, column, message in findings[:SHOWN_FINDINGS]:
        place = f"row {row}" if column is None else f"row {row}, column {column}"
        typer.echo(visible(f"{place}: {message} ({rule})"))
    if len(findings) > SHOWN_FINDINGS:
        typer.echo(f"… and {len(findings) - SHOWN_FINDINGS:,} more; `check --json` shows all")


def _shown(value: object) -> object:
    return "null" if value is None else value
