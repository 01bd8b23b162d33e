"""The command line: what commands there are. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from orchestration.cli import (
    audit,
    classification,
    collection,
    connector,
    dataset,
    datasource,
    embedding,
    exporter,
    image_folder,
    import_task,
    pipeline,
    query,
    runs,
    schema,
    tokens,
    users,
    webhook,
)
from orchestration.cli.backup import backup
from orchestration.cli.definition import add_commands
from orchestration.cli.demo import demo
from orchestration.cli.init import init
from orchestration.cli.run import cancel, check, refresh, run
from orchestration.cli.up import up

app = typer.Typer(
    name="waybill",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A self-hosted data section: sources, datasets, models, predictions, embeddings and exports.",
)
app.command()(init)
app.command()(up)
app.command()(demo)
app.command()(check)
app.command()(backup)
app.command()(run)
app.command()(refresh)
app.command()(cancel)
app.add_typer(connector.app, name="connector")
app.add_typer(datasource.app, name="datasource")
app.add_typer(dataset.app, name="dataset")
app.add_typer(query.app, name="query")
app.add_typer(embedding.app, name="embedding")
app.add_typer(exporter.app, name="exporter")
app.add_typer(classification.app, name="classification")
app.add_typer(collection.app, name="collection")
app.add_typer(schema.app, name="schema")
app.add_typer(image_folder.app, name="image-folder")
app.add_typer(import_task.app, name="import")
app.add_typer(pipeline.app, name="pipeline")
app.add_typer(runs.app, name="runs")
app.add_typer(users.app, name="user")
app.add_typer(tokens.app, name="token")
app.add_typer(webhook.app, name="webhook")
app.add_typer(audit.app, name="audit")
add_commands(app)  # after the groups: it adds to them


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"waybill {version('waybill')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and end.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """A self-hosted data section: sources, datasets, models, predictions, embeddings and exports."""


def start() -> None:
    """The command `waybill`, in its project: the `.env` there counts, as for Dagster's own commands."""
    from orchestration.services.env_file import take_env_file

    if sys.argv[1:2] != [
        "init"
    ]:  # which works for another project than the one that it is started in
        take_env_file()
    app()


if __name__ == "__main__":
    start()
