"""`waybill embedding`: what is computed now; `definition.py` adds what changes definitions."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.run import AsJson, NoWait, launch, start

app = typer.Typer(no_args_is_help=True, help="Vectors for the rows of datasets.")


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
