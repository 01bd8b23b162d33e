"""`waybill schema`: metadata schemas of collections shown, changed key by key, and held against what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import FAILED, reported
from orchestration.cli.output import print_facts, print_json, print_table

if TYPE_CHECKING:
    from orchestration.services.metadata_schemas.changes import ChangePreview
    from orchestration.services.metadata_schemas.shown import SchemaRecords

app = typer.Typer(no_args_is_help=True, help="Metadata schemas of collections.")

Name = Annotated[str, typer.Argument(help="Name of the schema.")]
Key = Annotated[
    str, typer.Argument(help="The key, as specifications write it; a dot in it is part of it.")
]
Options = Annotated[list[str], typer.Argument(metavar="OPTION...", help="Its texts.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Say how many stored values no longer fit; change nothing."),
]
Revision = Annotated[
    int | None,
    typer.Option(
        "--revision",
        min=0,
        help="Refuse it when the schema has another revision by now.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_all(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the metadata schemas, and the collections that have taken an import by each."""
    from orchestration.services.metadata_schemas.shown import list_schemas
    from orchestration.services.paging import MOST

    with reported():
        found = list_schemas(_records(context), limit=MOST).items
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "keys", "revision", "collections"),
        [(one.name, one.keys, one.revision, list(one.collections)) for one in found],
    )


@app.command()
def show(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show a schema: its keys, deleted ones too, and whether files declare them or commands made them."""
    from orchestration.services.metadata_schemas.shown import show_schema

    with reported():
        found = show_schema(_records(context), name)
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("schema", found.name),
            ("revision", found.revision),
            ("declared in", f"{found.file}:{found.line}"),
            ("collections", ", ".join(found.collections) or None),
            ("problem", found.problem or None),
        ]
    )
    print_table(
        ("key", "type", "state", "from", "options", "size"),
        [
            (k.name, k.type, k.state, "file" if k.declared else "command", list(k.options), k.size or None)
            for k in found.keys
        ],
    )  # fmt: skip


@app.command("print")
def print_yaml(context: typer.Context, name: Name) -> None:
    """Print a schema as YAML declares it, with the keys that commands made."""
    from orchestration.services.metadata_schemas.shown import print_schema

    with reported():
        typer.echo(print_schema(_records(context), name), nl=False)


@app.command()
def history(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """List the changes of a schema, newest first: who, when, what."""
    from orchestration.services.metadata_schemas.shown import schema_history

    with reported():
        found = schema_history(_records(context), name)
    if as_json:
        print_json(found)
        return
    print_table(
        ("revision", "changed (UTC)", "by", "change"),
        [(one.revision, one.changed_at, one.actor, one.change) for one in found],
    )


@app.command()
def verify(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Count the stored values that do not fit their key, by key and collection. Ends with 1 when there are any."""
    from orchestration.services.metadata_schemas.changes import verify_schema

    with reported():
        found = verify_schema(_records(context), name)
    if as_json:
        print_json(found)
    elif found:
        print_table(
            ("key", "type", "collection", "values that do not fit"),
            [(one.key, one.type, *pair) for one in found for pair in one.misfits.items()],
        )
    else:
        typer.echo("every stored value fits")
    if found:
        raise typer.Exit(FAILED)


@app.command("add-scalar")
def add_scalar(
    context: typer.Context,
    name: Name,
    key: Key,
    data_type: Annotated[
        str,
        typer.Argument(
            metavar="TYPE",
            help="boolean, datetime, number, uuid, varchar (string) or text (long_string).",
        ),
    ],
    *,
    dry_run: DryRun = False,
    revision: Revision = None,
) -> None:
    """Add a key with plain values, or give one that has plain values another type."""
    _apply(context, name, dry_run, revision, operation="add_scalar", key=key, data_type=data_type)


@app.command("add-enum")
def add_enum(
    context: typer.Context,
    name: Name,
    key: Key,
    options: Options,
    *,
    dry_run: DryRun = False,
    revision: Revision = None,
) -> None:
    """Add a key whose values are one of some texts."""
    _apply(context, name, dry_run, revision, operation="add_enum", key=key, values=tuple(options))


@app.command("add-enum-options")
def add_enum_options(
    context: typer.Context,
    name: Name,
    key: Key,
    options: Options,
    *,
    dry_run: DryRun = False,
    revision: Revision = None,
) -> None:
    """Give an enum further texts."""
    wanted = {"operation": "add_enum_options", "key": key, "values": tuple(options)}
    _apply(context, name, dry_run, revision, **wanted)


@app.command("add-embedding")
def add_embedding(
    context: typer.Context,
    name: Name,
    key: Key,
    size: Annotated[int, typer.Argument(help="Numbers in a vector: 1 to 4096.")],
    *,
    dry_run: DryRun = False,
    revision: Revision = None,
) -> None:
    """Add a key with vectors of one size."""
    _apply(context, name, dry_run, revision, operation="add_embedding", key=key, size=size)


@app.command("add-geospatial")
def add_geospatial(
    context: typer.Context,
    name: Name,
    key: Key,
    *,
    dry_run: DryRun = False,
    revision: Revision = None,
) -> None:
    """Add a key with latitude and longitude."""
    _apply(context, name, dry_run, revision, operation="add_geospatial", key=key)


@app.command("delete-key")
def delete_key(
    context: typer.Context,
    name: Name,
    key: Key,
    *,
    hard: Annotated[
        bool, typer.Option("--hard", help="For good: the name is never used again. Asks first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    revision: Revision = None,
) -> None:
    """Take a key out: its values are no longer checked or found by filters. It can be restored."""
    if hard and not (yes or dry_run):
        preview = _preview(context, name, operation="delete_key", key=key, hard=True)
        typer.confirm(f"{preview.says} Delete {key!r} for good?", abort=True)
    _apply(context, name, dry_run, revision, operation="delete_key", key=key, hard=hard)


@app.command("restore-key")
def restore_key(
    context: typer.Context,
    name: Name,
    key: Key,
    *,
    dry_run: DryRun = False,
    revision: Revision = None,
) -> None:
    """Bring a deleted key back as it was."""
    _apply(context, name, dry_run, revision, operation="restore_key", key=key)


def _records(context: typer.Context) -> SchemaRecords:
    from orchestration.services.metadata_schemas.shown import SchemaRecords

    return SchemaRecords.of(context.ensure_object(CommandContext).location)


def _preview(context: typer.Context, name: str, **wanted: Any) -> ChangePreview:
    from orchestration.services.metadata_schemas.changes import WantedChange, preview_change

    with reported():
        return preview_change(_records(context), name, WantedChange(**wanted))


def _apply(
    context: typer.Context, name: str, dry_run: bool, revision: int | None, **wanted: Any
) -> None:
    from orchestration.services.metadata_schemas.changes import WantedChange, apply_change

    preview = _preview(context, name, **wanted)
    if not dry_run:
        user = context.ensure_object(CommandContext).user
        with reported():
            made = apply_change(
                _records(context), name, WantedChange(**wanted), user, revision=revision
            )
    typer.echo(f"{preview.change}: {preview.says}")
    for collection, count in preview.misfits.items():
        typer.echo(f"  {collection}: {count:,} do not fit")
    typer.echo("nothing was changed" if dry_run else f"{name} has revision {made.revision} now")
