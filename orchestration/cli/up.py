"""`waybill up`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.context import tell_of_home
from orchestration.cli.errors import reported
from orchestration.server.settings import Interrupted


def up(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to answer at; 0 takes a free one.")
    ] = 3000,
    host: Annotated[
        str, typer.Option(help="Loopback address to bind to; others are refused.")
    ] = "127.0.0.1",
    no_password: Annotated[
        bool,
        typer.Option(
            "--no-password", help="Ask for no password although other users exist on this machine."
        ),
    ] = False,
    workspace: Annotated[
        Path | None, typer.Option(help="Workspace file to serve instead of the project's own.")
    ] = None,
    interrupted: Annotated[
        Interrupted,
        typer.Option(help="What becomes of runs in progress when this is stopped."),
    ] = Interrupted.RESUME,
) -> None:
    """Start Dagster's web UI and daemon at one guarded address on this machine.

    Everything lives in the project's home folder, which the first line names. The web UI asks for the password
    in WAYBILL_UI_PASSWORD; without one, and where other users can log in to this machine, it makes one and says where
    it is kept. Ctrl-C ends all processes, runs in progress included: these are tried again when this is started
    again, or canceled with `--interrupted cancel`.
    """
    from orchestration.loading import BAD_FILES, LEAVE_OUT
    from orchestration.server.address import listen
    from orchestration.server.password import require_password
    from orchestration.server.supervisor import serve
    from orchestration.server.switches import check_switches
    from orchestration.services.home import open_home, workspace_file
    from resources.scratch import remove_abandoned

    # What is wrong in one file shall not stop the rest; the web UI shows it in the group `problems`.
    os.environ.setdefault(BAD_FILES, LEAVE_OUT)
    with reported(), listen(host, port) as listener:
        check_switches()
        tell_of_home()
        home = open_home()
        remove_abandoned()
        for line in require_password(home.root, wanted=not no_password):
            announce(line)
        serve(home, workspace or workspace_file(), listener, announce, interrupted)


def announce(text: str) -> None:
    """A line of the running server, written at once, also where the output is not a terminal."""
    typer.echo(f"waybill: {text}")
