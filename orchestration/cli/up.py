"""`waybill up`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.errors import reported


def up(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to answer at; 0 takes a free one.")
    ] = 3000,
    host: Annotated[
        str, typer.Option(help="Loopback address to bind to; others are refused.")
    ] = "127.0.0.1",
    workspace: Annotated[
        Path | None, typer.Option(help="Workspace file to serve instead of the project's own.")
    ] = None,
) -> None:
    """Start Dagster's web UI and daemon at one guarded address on this machine.

    Everything lives in the home folder: WAYBILL_HOME, else .waybill in the project. Set WAYBILL_UI_PASSWORD to
    have the web UI ask for a password. Ctrl-C ends all processes, runs in progress included.
    """
    from orchestration.loading import BAD_FILES, LEAVE_OUT
    from orchestration.server.address import listen
    from orchestration.server.supervisor import serve
    from orchestration.services.home import open_home, workspace_file

    # What is wrong in one file shall not stop the rest; the web UI shows it in the group `problems`.
    os.environ.setdefault(BAD_FILES, LEAVE_OUT)
    with reported(), listen(host, port) as listener:
        serve(open_home(), workspace or workspace_file(), listener, announce)


def announce(text: str) -> None:
    """A line of the running server, written at once also where nobody watches a terminal."""
    typer.echo(f"waybill: {text}")
