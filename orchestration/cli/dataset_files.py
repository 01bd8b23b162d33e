"""`waybill dataset download`, `rename` and `remove`: what is done to a dataset that is there."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported, warn
from orchestration.cli.output import print_json, to_size
from orchestration.cli.saving import STDOUT, write_file, write_out
from orchestration.cli.stored import remove_versions, retitle, tell_removal, tell_title

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
            write_out(found.chunks, is_text=file_format == "csv")
        else:
            target, size = write_file(found.chunks, found.file_name, output)
            said = f"{target}: version {found.version}, {found.rows:,} rows, {to_size(size)}"
            typer.echo(said, err=True)
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
    with reported():
        own = context.ensure_object(CommandContext)
        found = retitle(own, own.dataset(name), title, description)
    tell_title("dataset", name, found, as_json=as_json)


def remove(
    context: typer.Context,
    name: Name,
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also when others are made from it, or a run is making it."),
    ] = False,
    with_tags: Annotated[
        bool, typer.Option("--with-tags", help="Also versions that are tagged or pinned.")
    ] = False,
    definition: Annotated[
        bool, typer.Option("--definition", help="Also take what declares it out of the YAML.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a line.")] = False,
) -> None:
    """Remove all stored versions of a dataset. Its source is not touched; what declares it stays unless --definition.

    Refused while others are made from it, by name, unless --force is given. A definition that something uses stays, and
    all versions with it, forced or not.
    """
    with reported():
        own = context.ensure_object(CommandContext)
        more = " and its definition" if definition else ""
        question = "" if yes else f"Remove all versions of dataset {name}{more}?"
        found = remove_versions(
            own,
            own.dataset(name),
            question=question,
            force=force,
            definition=definition,
            with_tags=with_tags,
        )
    if as_json:
        print_json(found)
    else:
        tell_removal(f"dataset {name}", found, freed=f", {to_size(found.freed_bytes)} freed")
