"""`waybill audit`: who changed what, when, and from where."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.cli.errors import USAGE, fail, reported
from orchestration.cli.output import print_json, print_table

app = typer.Typer(
    no_args_is_help=True, help="The log of every change, tried or done: it can only be added to."
)


@app.command("list")
def list_all(
    *,
    user: Annotated[str, typer.Option(help="Only of this user, tokens included.")] = "",
    action: Annotated[
        str, typer.Option(help="Only this use case, or all of a noun: `dataset.`")
    ] = "",
    since: Annotated[
        str, typer.Option(help="Only from then on: 2026-11-30, or with a time; UTC unless it says.")
    ] = "",
    until: Annotated[str, typer.Option(help="Only before then, written alike.")] = "",
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="At most so many, the newest; --csv writes all by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV, with what was there before and after.")
    ] = False,
) -> None:
    """List what was changed, the newest first: when, who, from where, what, on what, and what became of it."""
    from orchestration.services.access.audit import LogFilter, list_entries, stream_csv
    from orchestration.services.access.shell import open_access

    with reported():
        wanted = LogFilter(
            actor=user,
            action=action,
            since=_time("--since", since),
            until=_time("--until", until),
            limit=limit or (None if as_csv else LogFilter.limit),
        )
        if as_csv:
            for line in stream_csv(open_access(), wanted):
                sys.stdout.write(line.replace("\r\n", "\n"))
            return
        found = list_entries(open_access(), wanted)
    if as_json:
        print_json(found)
        return
    rows = [
        (e.at, e.actor, e.via, e.address or "-", e.action, e.subject, e.outcome, e.detail)
        for e in found
    ]
    print_table(("when", "who", "via", "from", "action", "subject", "outcome", "detail"), rows)


def _time(option: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{option}: {text!r} is no time; write 2026-11-30 or 2026-11-30T12:00", code=USAGE)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
