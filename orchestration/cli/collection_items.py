"""`waybill collection`: single items renamed, their metadata changed, moved, removed, and their files saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.output import print_json, to_size, visible

if TYPE_CHECKING:
    from orchestration.services.collections.declared import DeclaredCollections

Name = Annotated[str, typer.Argument(help="Name of the collection.")]
ItemId = Annotated[int, typer.Argument(metavar="ID", help="Id of the item.")]
ItemIds = Annotated[list[int], typer.Argument(metavar="ID...", help="Ids of the items.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a line.")]


def add_commands(app: typer.Typer) -> None:
    """Gives the group its commands."""
    app.command("rename-item")(rename)
    app.command("merge-metadata")(merge)
    app.command("move-items")(move)
    app.command("remove-items")(remove)
    app.command("content")(content)


def rename(
    context: typer.Context,
    name: Name,
    number: ItemId,
    title: Annotated[str, typer.Argument(help="What it is called, 1 to 300 characters.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Give an item another title; its URLs stay."""
    from orchestration.services.access.shell import shell_actor
    from orchestration.services.collections.item_changes import rename_item

    with reported():
        found = rename_item(_declared(context), shell_actor(), name, number, title)
    if as_json:
        print_json(found)
    else:
        typer.echo(visible(f"item {found.id} is called {found.title}"))


def merge(
    context: typer.Context,
    name: Name,
    number: ItemId,
    changes: Annotated[
        str,
        typer.Argument(help='A JSON object: {"lux": 3.5, "note": null}; null takes a key out.'),
    ],
    *,
    revision: Annotated[
        str,
        typer.Option("--revision", help="Only if the item still has it; `collection item` says."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Change keys of an item's custom metadata, checked against the schema; others stay."""
    from orchestration.services.access.shell import shell_actor
    from orchestration.services.collections.item_changes import MetadataChanges, merge_metadata
    from orchestration.services.collections.metadata_form import parse_changes

    with reported():
        wanted = MetadataChanges(parse_changes(changes), revision)
        found = merge_metadata(_declared(context), shell_actor(), name, number, wanted)
    if as_json:
        print_json(found)
    else:
        typer.echo(f"item {found.id}: {len(wanted.keys):,} keys changed, revision {found.revision}")


def move(
    context: typer.Context,
    name: Name,
    numbers: ItemIds,
    *,
    folder: Annotated[
        str, typer.Option("--to", help="Such as site/north; '' is the collection itself.")
    ],
) -> None:
    """Put items into a folder, which is made if it is not there."""
    from orchestration.services.access.shell import shell_actor
    from orchestration.services.collections.item_changes import move_items

    with reported():
        moved = move_items(_declared(context), shell_actor(), name, numbers, folder)
    typer.echo(f"{moved:,} moved")


def remove(
    context: typer.Context,
    name: Name,
    numbers: ItemIds,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take items out of a collection. Their objects are not touched."""
    from orchestration.services.access.shell import shell_actor
    from orchestration.services.collections.item_changes import remove_items

    if not yes:
        typer.confirm(f"Take {len(numbers):,} items out of {name}?", abort=True)
    with reported():
        removed = remove_items(_declared(context), shell_actor(), name, numbers)
    typer.echo(f"{removed:,} removed")


def content(
    context: typer.Context,
    name: Name,
    number: ItemId,
    *,
    file: Annotated[
        int,
        typer.Option(
            "--file", min=0, help="Which of its files, from 0 on, in the order of its URLs."
        ),
    ] = 0,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", help="File to write, - for standard output; its own name by default."
        ),
    ] = "",
) -> None:
    """Save one of an item's files: from where it lies, or from the store when its bytes are kept."""
    from orchestration.cli.saving import STDOUT, write_file, write_out
    from orchestration.services.collections.contents import WantedPart, read_content
    from orchestration.services.collections.item_files import file_of
    from orchestration.services.collections.item_media import MediaObjects
    from orchestration.services.collections.items import show_item

    own = context.ensure_object(CommandContext)
    with reported():
        of = file_of(name, show_item(_declared(context), name, number), file)
        found = read_content(
            lambda scratch: MediaObjects(lambda: own.location, own.location.store, scratch),
            of,
            WantedPart(),
        )
        if output == STDOUT:
            write_out(found.chunks, is_text=found.head.media_type.startswith("text/"))
            return
        target, size = write_file(found.chunks, found.head.file_name, output)
    typer.echo(f"{target}: {to_size(size)}")


def _declared(context: typer.Context) -> DeclaredCollections:
    from orchestration.services.collections.declared import DeclaredCollections

    return DeclaredCollections.of(context.ensure_object(CommandContext).location)
