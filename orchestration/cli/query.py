"""`waybill query`: SQL over the datasets of the project, and which queries you have run."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import check_output, reported
from orchestration.cli.output import print_json, print_table, to_size, to_verbatim

if TYPE_CHECKING:
    from orchestration.services.queries.record import Outcome

app = typer.Typer(no_args_is_help=True, help="SQL over the datasets of the project, read-only.")

Sql = Annotated[
    str, typer.Argument(help="One SELECT in DuckDB's dialect; datasets are tables. - reads it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command()
def run(
    context: typer.Context,
    sql: Sql,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most rows.")] = 100,
    whole: Annotated[bool, typer.Option("--whole", help="Do not cut long values.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a query and print the first rows of its result."""
    from orchestration.services.queries.run import run_query
    from orchestration.services.rows.cells import CUT_AT, WHOLE

    statement = _given(sql)
    with reported(), _written_down(statement) as outcome:
        location = context.ensure_object(CommandContext).location
        found = run_query(location, statement, limit=limit, cut_at=WHOLE if whole else CUT_AT)
        outcome.rows = len(found.rows)
    if as_json:
        print_json(found)
        return
    print_table([column.name for column in found.columns], to_verbatim(found.rows))
    more = (
        "; there are more: raise --limit, or use `waybill query download`" if found.has_more else ""
    )
    typer.echo(f"{len(found.rows):,} rows in {found.seconds:.2f} s{more}")


@app.command()
def download(
    context: typer.Context,
    sql: Sql,
    file: Annotated[Path, typer.Argument(help="A .csv or .parquet file to write.")],
    *,
    raw: Annotated[
        bool, typer.Option("--raw", help="CSV: leave texts that look like formulas as they are.")
    ] = False,
) -> None:
    """Write all rows of a query to a file, whole or not at all."""
    from orchestration.services.queries.download import download_query, save

    statement = _given(sql)
    check_output(file)
    with reported(), _written_down(statement):
        location = context.ensure_object(CommandContext).location
        kind = file.suffix.removeprefix(".").lower()
        _, chunks = download_query(location, statement, file_format=kind, raw=raw)
        size = save(chunks, file)
    typer.echo(f"{file}: {to_size(size)}")


@app.command()
def history(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most queries.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List your own queries, newest first: when, what became of them, how long they took."""
    from orchestration.services.queries.history import own_history

    del context
    with reported():
        found = own_history(_project(), getpass.getuser(), limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(
        ("asked (UTC)", "state", "seconds", "rows", "query"),
        [
            (
                q.asked_at,
                q.state,
                None if q.seconds is None else f"{q.seconds:.2f}",
                q.rows,
                q.statement,
            )
            for q in found
        ],
        limit=80,
    )


@app.command()
def transform(
    context: typer.Context,
    sql: Sql,
    *,
    name: Annotated[str, typer.Option(help="Name of the dataset that it is to make.")],
    as_json: AsJson = False,
) -> None:
    """Print a query as the YAML of a transform, to be put into a `defs.yaml`."""
    from orchestration.services.queries.transform import transform_text

    with reported():
        location = context.ensure_object(CommandContext).location
        found = transform_text(location, _given(sql), name)
    if as_json:
        print_json(found)
    else:
        typer.echo(found.yaml, nl=False)


def _given(sql: str) -> str:
    return sys.stdin.read() if sql == "-" else sql


@contextmanager
def _written_down(sql: str) -> Iterator[Outcome]:
    from orchestration.services.queries.history import open_log
    from orchestration.services.queries.record import Asked, recorded

    with recorded(open_log(), Asked(_project(), getpass.getuser(), sql).checked()) as outcome:
        yield outcome


def _project() -> str:
    from resources.project import find_project

    return find_project().location
