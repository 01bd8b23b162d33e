"""`waybill collection`: what there is, and items found by metadata. How collections are filled is in `collection_imports.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli import collection_imports, collection_items
from orchestration.cli.collection_frames import frames
from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.output import print_facts, print_json, print_table

if TYPE_CHECKING:
    from orchestration.services.collections.declared import DeclaredCollections

app = typer.Typer(no_args_is_help=True, help="Media and documents by specification.")
collection_items.add_commands(app)
app.command()(frames)

Name = Annotated[str, typer.Argument(help="Name of the collection.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_all(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the collections that the project declares, and how many items each holds."""
    from orchestration.services.collections.declared import list_collections

    with reported():
        found = list_collections(_declared(context))
    if as_json:
        print_json(found)
        return
    print_table(
        (
            "name",
            "types",
            "connectors",
            "items",
            "pending",
            "failed",
            "last import",
            "imported (UTC)",
        ),
        [
            (
                one.name,
                list(one.types) or "all",
                list(one.connectors),
                *(one.items, one.pending, one.failed),
                *(one.last_import, one.imported_at),
            )
            for one in found
        ],
    )


@app.command()
def show(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """Show a collection: what is declared of it, how many items of each type and state it holds."""
    from orchestration.services.collections.detail import show_collection

    with reported():
        store = context.ensure_object(CommandContext).location.store()
        found = show_collection(_declared(context), store, name)
    if as_json:
        print_json(found)
        return
    print_facts(
        [
            ("collection", name),
            ("takes", list(found.summary.types) or "all types"),
            ("connectors", list(found.summary.connectors)),
            ("folder", found.folder or "/"),
            ("metadata schema", found.summary.metadata_schema or None),
            ("items", found.summary.items),
            *((state, count) for state, count in found.states.items()),
            *((kind.replace("_", " "), count) for kind, count in found.types.items()),
            ("last import", found.summary.last_import),
        ]
    )


@app.command()
def items(
    context: typer.Context,
    name: Name,
    *,
    filter_text: Annotated[
        str, typer.Option("--filter", "-f", help="Which of them: 'type = image and lux in 1..5'.")
    ] = "",
    sort: Annotated[str, typer.Option(help="A field; - before it turns the order round.")] = "",
    cursor: Annotated[
        str, typer.Option(help="`next` of the page before, to go on behind it.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Most items.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List items of a collection: which there are, by metadata, type, state, title, folder."""
    from orchestration.services.collections.items import ItemsQuery, list_items

    query = ItemsQuery(filter_text, sort, cursor, limit)
    with reported():
        found = list_items(_declared(context), name, query)
    if as_json:
        print_json(found)
        return
    print_table(
        ("id", "type", "title", "folder", "state", "error"),
        [(i.id, i.type, i.title, i.folder or "/", i.state, i.message or None) for i in found.items],
    )
    typer.echo(f"{len(found.items):,} of {found.total:,}")
    if found.next:
        typer.echo(f"more: --cursor {found.next}")


@app.command()
def item(
    context: typer.Context,
    name: Name,
    number: Annotated[int, typer.Argument(help="Id of the item.")],
) -> None:
    """Show an item whole, as JSON: its URLs, metadata and state."""
    from orchestration.services.collections.items import show_item

    with reported():
        print_json(show_item(_declared(context), name, number))


@app.command()
def folders(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """List the folders of a collection, and how many items each has."""
    from orchestration.services.collections.items import list_folders

    with reported():
        found = list_folders(_declared(context), name)
    if as_json:
        print_json(found)
    else:
        print_table(("folder", "items"), [(one.path or "/", one.items) for one in found])


def _declared(context: typer.Context) -> DeclaredCollections:
    from orchestration.services.collections.declared import DeclaredCollections

    return DeclaredCollections.of(context.ensure_object(CommandContext).location)


collection_imports.add_commands(app)
