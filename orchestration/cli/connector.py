"""`waybill connector`: which connectors there are, whether one answers, and what stands in it."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, reported
from orchestration.cli.output import print_facts, print_json, print_table, to_names, to_size

app = typer.Typer(
    no_args_is_help=True, help="Connections to other systems: folders, buckets, databases."
)

PATH_SHOWN, LIST_SHOWN = 100, 60
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Name = Annotated[str, typer.Argument(help="Name of the connector.")]


@app.command("list")
def list_all(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the connectors that the project declares, and who uses each. Connects to none of them."""
    with reported():
        found = context.ensure_object(CommandContext).snapshot.connectors
    if as_json:
        print_json(found)
        return
    rows = [
        (
            c["name"],
            c["kind"],
            c["target"],
            [v if is_set else f"{v} (not set)" for v, is_set in c["environment"].items()],
            to_names(c["used_by"]),
        )
        for c in found
    ]
    print_table(("name", "kind", "target", "variables", "used by"), rows, limit=LIST_SHOWN)


@app.command()
def show(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show a connector: its kind, where it leads, the variables that it needs, who uses it. Connects to nothing."""
    from orchestration.services.declared_list import find_connector

    with reported():
        found = find_connector(context.ensure_object(CommandContext).snapshot, name)
    if as_json:
        print_json(found)
        return
    variables = [v if is_set else f"{v} (not set)" for v, is_set in found.environment.items()]
    print_facts(
        [
            ("connector", name),
            ("kind", found.kind),
            ("target", found.target),
            ("variables", variables),
            ("used by", found.used_by),
        ]
    )


@app.command("test")
def check(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Connect, sign in, look once; show each step. Ends with 1 when the other side does not answer as it should."""
    from orchestration.services.connectors import check_connector

    with reported():
        found = check_connector(context.ensure_object(CommandContext).location, name)
    if as_json:
        print_json(found)
    else:
        verdict = "ok" if found.ok else "failed"
        steps = [
            (step.name, f"{'ok' if step.ok else 'failed'}: {step.detail}") for step in found.steps
        ]
        facts = [*found.facts.items(), ("seconds", found.seconds)]
        print_facts(
            [("connector", name), *steps, ("answer", verdict), ("detail", found.detail), *facts]
        )
    if not found.ok:
        raise typer.Exit(FAILED)


@app.command("browse")
def browse(
    context: typer.Context,
    name: Name,
    path: Annotated[
        str,
        typer.Argument(
            help="Place to look into, as an earlier list shows it; the top if left out."
        ),
    ] = "",
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most entries to show.")] = 200,
    after: Annotated[
        str, typer.Option(help="Path of the last entry of a list that was cut, to go on behind it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show what stands directly below a place: folders and files with sizes, databases, schemas, tables with rows."""
    from orchestration.services.connectors import browse_connector

    with reported():
        location = context.ensure_object(CommandContext).location
        found = browse_connector(location, name, path, limit=limit, after=after)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            e.path,
            e.kind,
            "-" if e.size_bytes is None else to_size(e.size_bytes),
            e.rows,
            e.modified_at,
        )
        for e in found.entries
    ]
    print_table(("path", "kind", "size", "rows (estimate)", "changed"), rows, limit=PATH_SHOWN)
    if found.is_cut:
        typer.echo(
            f"… and more: the list was cut at {limit}; --limit shows more of them, --after goes on"
        )


@app.command()
def describe(
    context: typer.Context,
    name: Name,
    table: Annotated[str, typer.Argument(help="A table or view, as `browse` shows its path.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show the columns of a table and their types, as an import would bring them. Reads no row."""
    from orchestration.services.connectors import describe_table

    with reported():
        location = context.ensure_object(CommandContext).location
        found = describe_table(location, name, table)
    if as_json:
        print_json(found)
    else:
        print_table(("column", "type"), found.columns, limit=PATH_SHOWN)
