"""Bytes that a command gives out: into a file, whole or not at all, or to standard output. And what a removal asks first."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, USAGE, check_output, fail

if TYPE_CHECKING:
    from orchestration.services.definitions.change import DefinitionChange

STDOUT = "-"


def write_out(chunks: Iterable[bytes], *, is_text: bool = False) -> None:
    """Writes to standard output, unless that is a terminal and they are no text."""
    if sys.stdout.isatty() and not is_text:
        fail("this is no text for a terminal: name a file with -o", code=USAGE)
    try:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader has had enough; Python would complain once more when it closes the pipe.
        sys.stdout = None
        raise typer.Exit(FAILED) from None


def write_file(chunks: Iterable[bytes], file_name: str, output: str) -> tuple[Path, int]:
    """Writes to the file `output`, else to one of the name given if there is none yet; where to, and how many bytes."""
    from orchestration.services.dataset_download import save

    target = Path(output or file_name)
    check_output(target)
    if not output and target.exists():
        fail(f"{target} is there already. Name another file with -o", code=USAGE)
    size_bytes = 0
    try:
        size_bytes = save(chunks, target)
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror or error}")
    return target, size_bytes


def write_lines(lines: Iterable[str], output: Path | None) -> None:
    """Writes a text to the file `output`, whole or not at all, else to standard output."""
    chunks = (line.encode() for line in lines)
    if output is None:
        write_out(chunks, is_text=True)
    else:
        write_file(chunks, output.name, str(output))


def confirm_removal(question: str) -> None:
    """Asks at a terminal; elsewhere no one could answer."""
    if not sys.stdin.isatty():
        fail("there is no terminal to ask at: give --yes to remove all versions", code=USAGE)
    typer.confirm(question, abort=True)


def delete_definition(own: CommandContext, change: DefinitionChange, *, dry_run: bool) -> str:
    """Takes a definition out of its file, or says why it stays; the file."""
    from orchestration.services.definitions.saving import save
    from orchestration.services.home import open_home
    from orchestration.services.reloading import reload_server
    from resources.project import find_project

    home = open_home()
    done = save(change, find_project(), own.location, home, dry_run=dry_run)
    if done.is_written:
        reload_server(home)
    return done.file
