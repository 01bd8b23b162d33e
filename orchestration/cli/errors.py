"""Errors as a person at a terminal reads them: one line, no traceback, an exit code that says who must act."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from orchestration.cli.noting import note_failure, will_note
from orchestration.cli.output import visible
from resources.kernel.errors import ConfigError, NotFoundError, UnknownNameError, WaybillError

FAILED = 1
USAGE = 2
INTERRUPTED = 130
"""As shells have it for Ctrl-C."""


@contextmanager
def reported() -> Iterator[None]:
    """Ends the command with one line for a `WaybillError`; `WAYBILL_DEBUG=1` shows where it came from.

    What changes something is noted in the audit log at the end of the command.
    """
    will_note()
    try:
        yield
    except WaybillError as error:
        note_failure(str(error))
        if os.environ.get("WAYBILL_DEBUG"):
            raise
        lines = error.facts.get("lines")  # of an error that is about many things
        fail(
            *(lines if isinstance(lines, tuple) else (str(error),)),
            code=USAGE if _is_usage(error) else FAILED,
        )


def fail(*texts: str, code: int = FAILED) -> None:
    """Prints `error: text` to standard error, a line each, and ends the command."""
    note_failure("; ".join(texts))
    for text in texts:
        line = " ".join(visible(text).split())
        print(f"error: {line}", file=sys.stderr)  # noqa: T201 - this is where a command speaks
    raise typer.Exit(code)


def check_output(path: Path, *, reads: Path | None = None) -> None:
    """Ends the command when a file of this name would take the place of a device, or of the file that is read."""
    if path.exists() and not path.is_file():
        fail(f"{path} cannot be written: it is no file", code=USAGE)
    if reads is not None and path.exists() and reads.exists() and path.samefile(reads):
        fail(f"{path} is the file that is read. Give the output another name", code=USAGE)


def warn(text: str) -> None:
    """Prints `warning: text` to standard error, in one line."""
    print(f"warning: {' '.join(visible(text).split())}", file=sys.stderr)  # noqa: T201 - as above


def _is_usage(error: WaybillError) -> bool:
    return isinstance(error, (UnknownNameError, NotFoundError, ConfigError))
