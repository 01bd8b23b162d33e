"""The command line: what commands there are. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import typer

from orchestration.cli import classification, connector, dataset, datasource
from orchestration.cli.demo import demo
from orchestration.cli.up import up

app = typer.Typer(
    name="waybill",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A self-hosted data section: sources, datasets, models, predictions, embeddings and exports.",
)
app.command()(up)
app.command()(demo)
app.add_typer(connector.app, name="connector")
app.add_typer(datasource.app, name="datasource")
app.add_typer(dataset.app, name="dataset")
app.add_typer(classification.app, name="classification")


@app.callback()
def main() -> None:
    """A self-hosted data section: sources, datasets, models, predictions, embeddings and exports."""
