"""`waybill NOUN create | edit | delete`: definitions changed from a shell, the same way for every noun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported, warn
from orchestration.cli.noting import change_of_command
from orchestration.cli.output import print_json
from resources.kernel.errors import said

if TYPE_CHECKING:
    from orchestration.services.definitions.change import Changed

NOUNS = {
    "connector": "Connections to other systems: folders, buckets, databases.",
    "datasource": "Sources of data: files, tables, queries.",
    "dataset": "Datasets: tables that are kept in versions.",
    "transform": "Datasets that SQL makes of others.",
    "model": "Models: what learns from a dataset.",
    "prediction": "Datasets with what a model says.",
    "embedding": "Vectors for the rows of datasets.",
    "exporter": "Exporters: where datasets are delivered to.",
    "classification": "Classification sets.",
    "collection": "Media and documents by specification.",
    "schema": "Metadata schemas of collections.",
    "image-folder": "Image folders: images of an uploaded ZIP.",
    "pipeline": "Pipelines: what runs together, and when.",
}
_LONG = {
    "classification": "classification set",
    "schema": "metadata schema",
    "image-folder": "image folder",
}

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Judge it with the whole project, show the YAML, write nothing."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="ATTRIBUTE=VALUE",
        help="An attribute: host=db.example.com, password=NAME_OF_A_VARIABLE, 'checks=[...]' as YAML,"
        " schedule.cron='0 3 * * *'. Repeatable.",
    ),
]
Name = Annotated[str, typer.Argument(help="Name of it: lower-case letters, digits and '_'.")]
TypeArgument = Annotated[
    str,
    typer.Argument(
        metavar="TYPE",
        help="folder, s3, gcs, ftp, sftp, a database (postgresql, mysql, sqlite ...), or a type of your own by its"
        " full name.",
    ),
]
TypeOption = Annotated[
    str, typer.Option("--type", metavar="TYPE", help="A type of your own, by its full name.")
]
Unset = Annotated[
    list[str] | None,
    typer.Option("--unset", metavar="ATTRIBUTE", help="Leave an attribute out. Repeatable."),
]


def add_commands(app: typer.Typer) -> None:
    """Gives every noun the three commands; one that has no group yet gets one."""
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    for name, about in NOUNS.items():
        group = groups.get(name)
        if group is None:
            group = typer.Typer(no_args_is_help=True, help=about)
            app.add_typer(group, name=name)
        _add_create(group, _LONG.get(name, name))
        _add_edit(group, _LONG.get(name, name))
        _add_delete(group, _LONG.get(name, name))


def _add_create(group: typer.Typer, noun: str) -> None:
    about = f"Declare a new {said(noun)}: its YAML is judged with the whole project, then written."

    def create(
        context: typer.Context,
        name: Name,
        kind: str,
        *,
        settings: Settings = None,
        dry_run: DryRun = False,
        as_json: AsJson = False,
    ) -> None:
        _answer(
            context,
            {"action": "create", "noun": noun, "name": name, "type": kind},
            texts=_texts(settings),
            dry_run=dry_run,
            as_json=as_json,
        )

    def with_argument(
        context: typer.Context,
        kind: TypeArgument,
        name: Name,
        *,
        settings: Settings = None,
        dry_run: DryRun = False,
        as_json: AsJson = False,
    ) -> None:
        create(context, name, kind, settings=settings, dry_run=dry_run, as_json=as_json)

    def with_option(
        context: typer.Context,
        name: Name,
        *,
        kind: TypeOption = "",
        settings: Settings = None,
        dry_run: DryRun = False,
        as_json: AsJson = False,
    ) -> None:
        create(context, name, kind, settings=settings, dry_run=dry_run, as_json=as_json)

    group.command("create", help=about)(with_argument if noun == "connector" else with_option)


def _add_edit(group: typer.Typer, noun: str) -> None:
    @group.command(
        "edit", help=f"Change attributes of a {said(noun)}; comments and order of its file stay."
    )
    def edit(
        context: typer.Context,
        name: Name,
        *,
        settings: Settings = None,
        unset: Unset = None,
        dry_run: DryRun = False,
        as_json: AsJson = False,
    ) -> None:
        given = {"action": "edit", "noun": noun, "name": name, "unset": tuple(unset or ())}
        _answer(context, given, texts=_texts(settings), dry_run=dry_run, as_json=as_json)


def _add_delete(group: typer.Typer, noun: str) -> None:
    @group.command(
        "delete",
        help=f"Take a {said(noun)} out of its file, if nothing uses it. What is stored stays.",
    )
    def delete(
        context: typer.Context, name: Name, *, dry_run: DryRun = False, as_json: AsJson = False
    ) -> None:
        given = {"action": "delete", "noun": noun, "name": name}
        _answer(context, given, texts={}, dry_run=dry_run, as_json=as_json)


def _texts(settings: Sequence[str] | None) -> dict[str, str]:
    found = {}
    for setting in settings or ():
        name, given, text = setting.partition("=")
        if not given or not name:
            raise typer.BadParameter("write ATTRIBUTE=VALUE")
        found[name] = text
    return found


def _answer(
    context: typer.Context,
    given: dict[str, Any],
    *,
    texts: dict[str, str],
    dry_run: bool,
    as_json: bool,
) -> None:
    from orchestration.services.access.subjects import subject_of
    from orchestration.services.definitions.change import DefinitionChange
    from orchestration.services.definitions.saving import save
    from orchestration.services.home import open_home
    from orchestration.services.reloading import reload_server
    from resources.project import find_project

    with reported():
        location = context.ensure_object(CommandContext).location
        change = DefinitionChange(**given, texts=texts)
        home = open_home()
        done = save(change, find_project(), location, home, dry_run=dry_run)
        if (noted := change_of_command()) is not None:
            noted.subject = subject_of(change.noun, change.name, find_project().location)
            noted.before, noted.after = done.before, done.after
            noted.detail = done.file if done.is_written else "nothing changed"
    if as_json:
        print_json(done)
    else:
        _print(done, dry_run=dry_run)
    if done.is_written:
        with reported():
            reload_server(home)


def _print(done: Changed, *, dry_run: bool) -> None:
    if not done.diff:
        typer.echo(f"{done.file} says so already: nothing changes")
        return
    if dry_run:
        for line in done.diff.splitlines():
            typer.echo("".join(c if c.isprintable() or c == "\t" else " " for c in line))
        typer.echo(f"{done.file} would be {'removed' if not done.after else 'written'}")
    else:
        place = f"{done.file}:{done.line}" if done.line else done.file
        word = {"create": "declared", "edit": "changed", "delete": "deleted"}[done.action]
        typer.echo(f"{word}  {said(done.noun)} {done.name}  {place}")
    for warning in done.warnings:
        warn(warning)
