"""`waybill classification download` and `template`: what a set holds, and what it takes, as a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import USAGE, check_output, fail, reported
from orchestration.cli.output import to_size

if TYPE_CHECKING:
    from assets.classifications.selection import Selection
    from orchestration.services.classification_rows import Download

Set = Annotated[str, typer.Option("--set", help="Name of the classification set.")]
FileEncoding = Annotated[
    str, typer.Option("--encoding", help="utf8 or latin1; the set's own by default.")
]
Delimiter = Annotated[
    str,
    typer.Option(
        "--list-delimiter", help="Between elements of a list cell; the set's own by default."
    ),
]
AtVersion = Annotated[
    int | None,
    typer.Option(
        "--version", help="As the set was at this version; now by default.", show_default=False
    ),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to this file instead of the terminal.")
]
TableFormat = Annotated[str, typer.Option("--format", help="csv or tsv.")]
DownloadFormat = Annotated[str, typer.Option("--format", help="json, csv or tsv.")]


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
            "--where",
            help="COLUMN=VALUE: rows with this value; COLUMN= those without one; may be repeated.",
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
        bool, typer.Option("--unclassified", help="Only keys that lack a value in some column.")
    ] = False,
    without_values: Annotated[
        bool, typer.Option("--without-values", help="Only keys without any value.")
    ] = False,
    after: Annotated[
        str | None,
        typer.Option("--after", help="Only keys behind this one: where the part before ended."),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="At most so many rows.")] = None,
    version: AtVersion = None,
    encoding: FileEncoding = "",
    list_delimiter: Delimiter = "",
    parts: Annotated[
        bool,
        typer.Option(
            "--parts", help="As many files as it takes for the set to take each: NAME-001.csv ..."
        ),
    ] = False,
    output: Output = None,
) -> None:
    """Write keys and values as a file that the same set takes back without a change."""
    from dataclasses import replace

    from orchestration.services.classification_rows import download as read_rows
    from orchestration.services.classification_rows import make_write_options

    if parts and output is None:
        fail("--parts needs --output FILE: the parts are named after it", code=USAGE)
    with reported():
        selection = replace(
            _selection(key, key_regex, where, where_regex),
            classified=_classified(
                classified=classified, unclassified=unclassified, without_values=without_values
            ),
            after=after,
            limit=limit,
        )
        location = context.ensure_object(CommandContext).location
        options = make_write_options(file_format, encoding, list_delimiter)
        found = read_rows(location, name, selection, options, version=version, in_parts=parts)
        _write_download(found, output, in_parts=parts)


def template(
    context: typer.Context,
    *,
    name: Set,
    file_format: TableFormat = "csv",
    encoding: FileEncoding = "",
    output: Output = None,
) -> None:
    """Write an empty file with the right header, to be filled and applied."""
    from orchestration.services.classification_rows import make_write_options
    from orchestration.services.classification_rows import template as make_template

    with reported():
        options = make_write_options(file_format, encoding, "")
        location = context.ensure_object(CommandContext).location
        pieces = iter([(0, make_template(location, name, options))])
        if output is None:
            _write_to_terminal(pieces)
        else:
            _write_files(pieces, output, in_parts=False)


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


def _classified(
    *, classified: bool, unclassified: bool, without_values: bool
) -> Literal["all", "classified", "unclassified", "bare"]:
    if classified + unclassified + without_values > 1:
        fail("--classified, --unclassified and --without-values exclude each other", code=USAGE)
    if classified:
        return "classified"
    if unclassified:
        return "unclassified"
    return "bare" if without_values else "all"


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


def _write_download(found: Download, output: Path | None, *, in_parts: bool) -> None:
    if output is None:
        size_bytes = _write_to_terminal(found.pieces)
    else:
        size_bytes = _write_files(found.pieces, output, in_parts=in_parts)
    if size_bytes > found.max_bytes and not in_parts:
        typer.echo(
            f"note: {to_size(size_bytes)} in one file; the set takes at most"
            f" {to_size(found.max_bytes)} at once: --parts divides it",
            err=True,
        )


def _write_to_terminal(pieces: Iterator[tuple[int, bytes]]) -> int:
    size_bytes = 0
    try:
        for _, piece in pieces:
            size_bytes += sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except OSError as error:
        _drop_output()
        if not isinstance(error, BrokenPipeError):  # who closes the pipe has read enough
            fail(f"the output cannot be written: {error.strerror}")
    return size_bytes


def _drop_output() -> None:
    """What could not be written is not tried once more at the end of the process."""
    with suppress(OSError, ValueError):  # an output that is no file has no number
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _write_files(pieces: Iterator[tuple[int, bytes]], output: Path, *, in_parts: bool) -> int:
    """One file or several, whole or not at all: a value that the format cannot hold may come last."""
    check_output(output)
    scratches: list[Path] = []
    file: BinaryIO | None = None
    size_bytes = 0
    try:
        for number, piece in pieces:
            if number == len(scratches):
                if file is not None:
                    file.close()
                scratches.append(output.with_name(f".{output.name}.{number}.part"))
                file = scratches[-1].open("wb")
            assert file is not None  # noqa: S101 - for the type checker: parts are counted from 0
            size_bytes += file.write(piece)
        if file is None:  # nothing to say: JSON without a record
            scratches.append(output.with_name(f".{output.name}.0.part"))
            file = scratches[0].open("wb")
        file.close()
        for number, scratch in enumerate(scratches, 1):
            scratch.replace(_part(output, number) if in_parts else output)
    except OSError as error:
        fail(f"{output} cannot be written: {error.strerror}")
    finally:
        if file is not None:
            file.close()
        for scratch in scratches:
            scratch.unlink(missing_ok=True)
    return size_bytes


def _part(output: Path, number: int) -> Path:
    return output.with_name(f"{output.stem}-{number:03}{output.suffix}")
