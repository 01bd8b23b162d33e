"""`waybill embedding`: which there are, and one computed now; `definition.py` adds what changes definitions."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.output import print_facts, print_json, print_table
from orchestration.cli.run import AsJson, NoWait, launch, start

app = typer.Typer(
    no_args_is_help=True, help="Vectors for the rows of datasets, and those of collections."
)


@app.command("list")
def list_all(context: typer.Context, *, as_json: AsJson = False) -> None:
    """List the embeddings that the project declares, where each comes from, and what is stored of it."""
    from orchestration.services.embeddings import list_embeddings

    own = context.ensure_object(CommandContext)
    with reported():
        found = list_embeddings(own.snapshot.embeddings, own.store)
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "origin", "of", "key", "refresh", "version", "vectors", "dimension", "made (UTC)"),
        [
            (
                *(one.name, one.origin, one.dataset, one.metadata_key or None, one.refresh),
                *(one.version, one.vectors, one.dimension, one.made_at),
            )
            for one in found
        ],
    )


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the embedding.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show an embedding: where it comes from, and what its newest version holds."""
    from orchestration.services.embeddings import show_embedding

    own = context.ensure_object(CommandContext)
    with reported():
        found = show_embedding(own.snapshot.embeddings, own.store, name)
    if as_json:
        print_json(found)
        return
    inputs = ", ".join(f"{name}, version {number}" for name, number in (found.inputs or {}).items())
    print_facts(
        [
            ("name", found.name),
            ("origin", found.origin),
            ("of", inputs or found.dataset),
            ("metadata key", found.metadata_key or None),
            ("refresh", found.refresh),
            ("version", found.version),
            ("vectors", found.vectors),
            ("dimension", found.dimension),
            ("made (UTC)", found.made_at),
            ("problem", found.problem or None),
            ("description", found.description),
        ]
    )


@app.command()
def compute(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the embedding.")],
    *,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Compute an embedding anew from the newest version of its dataset; otherwise like `waybill run`."""
    from orchestration.services.runs.launch import compute_embedding, start_embedding

    if no_wait:
        start(context, start_embedding, name, as_json=as_json)
    else:
        launch(context, compute_embedding, name, as_json=as_json)
