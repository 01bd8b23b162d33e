"""`waybill datasource`: which data sources there are, and a look at one without importing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, reported, warn
from orchestration.cli.output import print_facts, print_json, print_table, to_names, to_verbatim
from orchestration.cli.run import NoWait, launch, start
from resources.kernel.errors import UnknownNameError

if TYPE_CHECKING:
    from orchestration.location import Location
    from orchestration.services.datasources import DatasourceTest
    from resources.sources.spec import SourceSpec

app = typer.Typer(no_args_is_help=True, help="Sources of data: files, tables, queries.")

TEXT_SHOWN, LIST_SHOWN = 100, 60
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Name = Annotated[str, typer.Argument(help="Name of the data source.")]


@app.command("list")
def list_all(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the data sources that the project declares. Connects to none of their connectors."""
    with reported():
        found = context.ensure_object(CommandContext).snapshot.datasources
    if as_json:
        print_json(found)
        return
    rows = [
        (d["name"], d["connector"], d["target"], d["fingerprint"], to_names(d["used_by"]))
        for d in found
    ]
    header = ("name", "connector", "target", "fingerprint", "used by")
    print_table(header, rows, limit=LIST_SHOWN)


@app.command()
def show(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show a datasource: what it reads, how a change of it is told, who uses it. Connects to nothing."""
    from orchestration.services.declared_list import find_datasource

    with reported():
        found = find_datasource(context.ensure_object(CommandContext).snapshot, name)
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("data source", name),
            ("connector", found.connector),
            ("target", found.target),
            ("fingerprint by", found.fingerprint),
            ("fingerprint can miss", found.can_miss),
            ("used by", found.used_by),
        ]
    )


@app.command("test")
def look(  # noqa: PLR0913 - a parameter an option
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="Name of a data source; left out for one not declared yet.")
    ] = "",
    *,
    connector: Annotated[str, typer.Option(help="Not declared yet: name of its connector.")] = "",
    path: Annotated[str, typer.Option(help="A file, a glob or a folder of the connector.")] = "",
    table: Annotated[str, typer.Option(help="A table, or schema.table.")] = "",
    query: Annotated[str, typer.Option(help="One read-only statement.")] = "",
    options: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="An option of the format. Repeatable."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other attribute as YAML has it: format=csv, parameters.year=2013,"
            " fingerprint='{max: id}'. Repeatable.",
        ),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", "-n", help="How many rows to show.")] = 20,
    with_fingerprint: Annotated[
        bool | None,
        typer.Option(
            "--fingerprint/--no-fingerprint",
            help="Whether to take the fingerprint too; of a table that may read all of it."
            " Left out: of files, not of tables and queries.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show types, first rows and guesses without importing. Ends with 1 when it cannot be read.

    Of buckets and file servers whole files are fetched, 256 MB at most.
    """
    from orchestration.services.datasources import preview_datasource

    target = {"connector": connector, "path": path, "table": table, "query": query}
    with reported():
        location = context.ensure_object(CommandContext).location
        given = [*(settings or []), *(f"options.{option}" for option in options or [])]
        spec = _spec(location, name, {k: v for k, v in target.items() if v}, given)
        found = preview_datasource(location, spec, rows=rows, with_fingerprint=with_fingerprint)
    if as_json:
        print_json(found)
    else:
        print_look(found)
    if not found.ok:
        raise typer.Exit(FAILED)


@app.command()
def observe(
    context: typer.Context,
    name: Name,
    *,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Look now whether a data source changed, and keep what was seen. Otherwise like `waybill run`."""
    from orchestration.services.observations import run_observation, start_observation

    if no_wait:
        start(context, start_observation, name, as_json=as_json)
    else:
        launch(context, run_observation, name, as_json=as_json)
    if not as_json and not no_wait:
        _print_observations(context, name, limit=1, cursor="")


@app.command()
def observations(
    context: typer.Context,
    name: Name,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most to show.")] = 20,
    cursor: Annotated[
        str, typer.Option(help="`next` of the page before, to go on behind it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List what was seen of a data source, newest first: the fingerprint, and whether it had changed."""
    _print_observations(context, name, limit=limit, cursor=cursor, as_json=as_json)


def _print_observations(
    context: typer.Context, name: str, *, limit: int, cursor: str, as_json: bool = False
) -> None:
    from orchestration.services.observations import list_observations

    with reported():
        own = context.ensure_object(CommandContext)
        known = [d["name"] for d in own.snapshot.datasources]
        if name not in known:
            raise UnknownNameError("datasource", name, known)
        found = list_observations(own.instance, name, cursor=cursor or None, limit=limit)
    if as_json:
        print_json(found)
        return
    header = ("looked (UTC)", "changed", "fingerprint", "asked by", "run")
    rows = [
        (
            o.at,
            "first look" if o.has_changed is None else o.has_changed,
            o.fingerprint,
            o.asked_by,
            o.run_id,
        )
        for o in found.items
    ]
    print_table(header, rows, limit=LIST_SHOWN)
    if found.failure:
        warn(f"the last look failed: {found.failure.error}")
    if found.next:
        typer.echo(f"… and more: --cursor {found.next} goes on")


def _spec(location: Location, name: str, target: dict[str, str], settings: list[str]) -> SourceSpec:
    from orchestration.services.datasources import unsaved_datasource

    if name and not target and not settings:
        return location.datasource(name)
    if name:
        raise typer.BadParameter("give a NAME, or --connector and a target, not both")
    if "connector" not in target:
        raise typer.BadParameter("give the NAME of a data source, or --connector and a target")
    return unsaved_datasource(target, settings)


def print_look(found: DatasourceTest) -> None:
    """What a look found, for people."""
    facts: list[tuple[str, Any]] = [
        ("data source", found.name),
        ("connector", found.connector),
        ("target", found.target),
        ("answer", "ok" if found.ok else "failed"),
        ("detail", found.detail),
    ]
    if found.ok:
        facts += [(name, value) for name, value in found.facts.items() if name != "keys"]
        if found.fingerprint:
            facts += [("fingerprint", found.fingerprint)]
    print_facts([*facts, ("seconds", found.seconds)])
    if not found.ok:
        return
    typer.echo("")
    print_table(("column", "type"), found.columns)
    typer.echo("")
    print_table([name for name, _ in found.columns], to_verbatim(found.rows))
    if found.guesses:
        typer.echo("")
        rows = [(g.subject, g.value, g.reason, g.override) for g in found.guesses]
        print_table(("guessed", "value", "because", "to settle it"), rows, limit=TEXT_SHOWN)
    for warning in found.warnings:
        print_facts([("warning", warning)])
