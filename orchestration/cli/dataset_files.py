"""`waybill dataset download`, `rename` and `remove`: what is done to a dataset that is there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, USAGE, check_output, fail, reported, warn
from orchestration.cli.output import print_json, to_size

if TYPE_CHECKING:
    from orchestration.services.dataset_download import DatasetDownload

STDOUT = "-"
Name = Annotated[str, typer.Argument(help="Name of the dataset.")]


def download(
    context: typer.Context,
    name: Name,
    *,
    file_format: Annotated[str, typer.Option("--format", help="csv, zip or parquet.")] = "csv",
    version: Annotated[int | None, typer.Option(help="Version; the newest by default.")] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="File to write, or - for standard output; else one named after the dataset.",
        ),
    ] = "",
    raw: Annotated[
        bool, typer.Option("--raw", help="CSV: leave texts that look like formulas as they are.")
    ] = False,
) -> None:
    """Write a version to a file: CSV, a ZIP with that CSV, or Parquet.

    In CSV, texts that a spreadsheet would run as a formula get an apostrophe before them, unless --raw is given. A file
    that cannot be written whole is not written at all.
    """
    from orchestration.services.dataset_download import GUARDED, download_dataset

    with reported():
        own = context.ensure_object(CommandContext)
        found = download_dataset(
            own.dataset(name), own.store, file_format=file_format, version=version, raw=raw
        )
        if output == STDOUT:
            _write_out(found)
        else:
            _write_file(found, output)
    if found.is_guarded and found.defused():
        warn(f"{found.defused():,} values were changed: {GUARDED}. --raw leaves them as they are")


def rename(
    context: typer.Context,
    name: Name,
    *,
    title: Annotated[
        str | None, typer.Option(help="What lists and pages call it; empty takes it back.")
    ] = None,
    description: Annotated[
        str | None, typer.Option(help="What it is, in Markdown; empty takes it back.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a line.")] = False,
) -> None:
    """Give a dataset a title and a description for people. Its name, by which YAML and SQL know it, stays."""
    from orchestration.services.dataset_titles import rename_dataset

    with reported():
        entry = context.ensure_object(CommandContext).dataset(name)
        found = rename_dataset(entry, title=title, description=description, by=_user())
    if as_json:
        print_json({"name": name, "title": found.title or name, "description": found.description})
    else:
        typer.echo(f"dataset {name} is called {found.title or name!r}")


def remove(
    context: typer.Context,
    name: Name,
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also when others are made from it, or a run is making it."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a line.")] = False,
) -> None:
    """Remove all stored versions of a dataset. Its source is not touched; what declares it stays.

    Refused while others are made from it, by name, unless --force is given.
    """
    from orchestration.services.dataset_removal import remove_dataset

    with reported():
        own = context.ensure_object(CommandContext)
        entry = own.dataset(name)
        if not yes:
            _confirm(name)
        found = remove_dataset(entry, own.store, own.instance, force=force, by=_user())
    if as_json:
        print_json(found)
        return
    count = len(found.versions)
    typer.echo(
        f"dataset {name}: {count} version{'s' if count != 1 else ''} removed, {to_size(found.freed_bytes)} freed"
    )
    if found.kept_versions:
        warn(f"version {found.kept_versions[-1]} was published meanwhile, and is there")


def _confirm(name: str) -> None:
    """Asks at a terminal; elsewhere no one could answer."""
    if not sys.stdin.isatty():
        fail("there is no terminal to ask at: give --yes to remove all versions", code=USAGE)
    typer.confirm(f"Remove all versions of dataset {name}?", abort=True)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return ""


def _write_out(found: DatasetDownload) -> None:
    if sys.stdout.isatty() and not found.file_name.endswith(".csv"):
        fail("this is no text for a terminal: name a file with -o", code=USAGE)
    try:
        for chunk in found.chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader has had enough; Python would complain once more when it closes the pipe.
        sys.stdout = None
        raise typer.Exit(FAILED) from None


def _write_file(found: DatasetDownload, output: str) -> None:
    from orchestration.services.dataset_download import save

    target = Path(output or found.file_name)
    check_output(target)
    if not output and target.exists():
        fail(f"{target} is there already. Name another file with -o", code=USAGE)
    try:
        size = save(found, target)
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror or error}")
    typer.echo(f"{target}: version {found.version}, {found.rows:,} rows, {to_size(size)}", err=True)
