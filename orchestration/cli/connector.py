"""`waybill connector`: which connectors there are, and whether one answers."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, reported
from orchestration.cli.output import print_facts, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Ways to other systems: folders, buckets, databases.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_all(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the connectors that the project declares. Connects to none of them."""
    from orchestration.services.connectors import list_connectors

    with reported():
        found = list_connectors(context.ensure_object(CommandContext).location)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            c.name,
            c.kind,
            c.target,
            [v if is_set else f"{v} (not set)" for v, is_set in c.environment.items()],
        )
        for c in found
    ]
    print_table(("name", "kind", "target", "variables"), rows)


@app.command("test")
def check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the connector.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Connect, sign in, look once. Ends with 1 when the other side does not answer as it should."""
    from orchestration.services.connectors import check_connector

    with reported():
        found = check_connector(context.ensure_object(CommandContext).location, name)
    if as_json:
        print_json(found)
    else:
        verdict = "ok" if found.ok else "failed"
        facts = [*found.facts.items(), ("seconds", found.seconds)]
        print_facts([("connector", name), ("answer", verdict), ("detail", found.detail), *facts])
    if not found.ok:
        raise typer.Exit(FAILED)
