"""`waybill dataset rows`, `facets` and `cell`: what is in a dataset, value by value."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.output import print_facts, print_json, print_table, to_verbatim

if TYPE_CHECKING:
    from orchestration.services.rows.page import RowsPage

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
AtVersion = Annotated[int | None, typer.Option(help="Version; the newest by default.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        "-w",
        help="A condition, such as 'hour >= 5'. Several hold together.",
        metavar="TEXT",
    ),
]
Search = Annotated[str, typer.Option(help="Rows with this in any text, in any case.")]


def rows(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    name: Name,
    *,
    where: Where = None,
    search: Search = "",
    sort: Annotated[str, typer.Option(help="Sort by this column; nulls come last.")] = "",
    descending: Annotated[bool, typer.Option("--descending", help="The largest first.")] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option(help="Only these columns, in this order: a,b", metavar="NAMES"),
    ] = None,
    offset: Annotated[int, typer.Option(help="How many rows to leave out first.")] = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most rows.")] = 50,
    version: AtVersion = None,
    whole: Annotated[bool, typer.Option("--whole", help="Do not cut long values.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print rows of a dataset: filtered, sorted, from anywhere in it, of any version."""
    from orchestration.services.rows.cells import CUT_AT, WHOLE
    from orchestration.services.rows.page import RowsWanted, dataset_rows

    with reported():
        wanted = RowsWanted(
            where=tuple(where or ()),
            search=search,
            sort=sort,
            descending=descending,
            columns=tuple(columns or ()),
            offset=offset,
            limit=limit,
            version=version,
            cut_at=WHOLE if whole else CUT_AT,
        )
        found = dataset_rows(context.ensure_object(CommandContext).location, name, wanted)
    if as_json:
        print_json(found)
    else:
        _print_page(found)


def facets(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    name: Name,
    column: Annotated[str, typer.Argument(help="Name of the column.")],
    *,
    where: Where = None,
    search: Search = "",
    top: Annotated[int, typer.Option(help="How many of the most frequent values.")] = 10,
    version: AtVersion = None,
    as_json: AsJson = False,
) -> None:
    """Print what is in a column: smallest, largest, nulls, the most frequent values."""
    from orchestration.services.rows.facets import dataset_facets
    from orchestration.services.rows.page import RowsWanted

    with reported():
        wanted = RowsWanted(where=tuple(where or ()), search=search, version=version)
        location = context.ensure_object(CommandContext).location
        found = dataset_facets(location, name, column, wanted, top=top)
    if as_json:
        print_json(found)
        return
    ends = [to_verbatim([[value]])[0][0] for value in (found.minimum, found.maximum)]
    facts = [("rows", found.rows), ("nulls", found.nulls), ("distinct", found.distinct)]
    print_facts([("type", found.type), *facts, ("minimum", ends[0]), ("maximum", ends[1])])
    typer.echo()
    values = to_verbatim([[frequent.value] for frequent in found.top])
    print_table(("value", "rows"), [(v[0], f.rows) for v, f in zip(values, found.top, strict=True)])


def cell(
    context: typer.Context,
    name: Name,
    row: Annotated[int, typer.Argument(help="Number of the row, from 1, as `rows` shows it.")],
    column: Annotated[str, typer.Argument(help="Name of the column.")],
    *,
    version: Annotated[int, typer.Option(help="Version that the number is of.")],
) -> None:
    """Write one whole value to standard output as it is: text, bytes, or JSON of a nested one. Nothing for null."""
    from orchestration.services.rows.cell import dataset_cell

    with reported():
        location = context.ensure_object(CommandContext).location
        found = dataset_cell(location, name, version=version, row=row, column=column)
    sys.stdout.buffer.write(found.data)
    sys.stdout.flush()


def _print_page(found: RowsPage) -> None:
    header = ["row", *(column.name for column in found.columns)]
    values = to_verbatim(found.rows)
    print_table(header, [[str(n), *v] for n, v in zip(found.numbers, values, strict=True)])
    first = found.offset + 1
    shown = f"{first:,} to {first + len(found.rows) - 1:,}" if found.rows else "none"
    matching = f"of {found.matching_rows:,}" + (
        f" that match, {found.total_rows:,} in all"
        if found.matching_rows != found.total_rows
        else ""
    )
    typer.echo(f"rows {shown} {matching}, version {found.version}")
    if found.cut:
        typer.echo(
            f"{len(found.cut)} values are cut; --whole or `waybill dataset cell` shows all of one"
        )
