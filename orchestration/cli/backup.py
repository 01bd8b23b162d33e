"""`waybill backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.errors import reported, warn
from orchestration.cli.output import print_json


def backup(
    folder: Annotated[Path, typer.Argument(help="Folder to make; it must not exist.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a line.")] = False,
) -> None:
    """Copy the project's home folder (datasets, runs, the catalog), even while `waybill up` is running.

    The copy is a home folder: set WAYBILL_HOME to it, or copy it back, to restore. The folder appears under its name
    when it is complete.
    """
    from orchestration.services.backup import back_up
    from orchestration.services.home import open_home

    with reported():
        made = back_up(open_home(), folder)
    for note in made.notes:
        warn(note)
    if as_json:
        facts = {"folder": str(made.folder), "databases": made.databases, "files": made.files}
        print_json({**facts, "size_bytes": made.size_bytes, "notes": made.notes})
        return
    typer.echo(
        f"{made.folder}: {made.databases} databases and {made.files:,} files ({made.size_bytes:,} bytes)"
    )
