"""`waybill dataset drift`: how far one version of a dataset is from another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.output import print_facts, print_json, print_table

if TYPE_CHECKING:
    from resources.drift.record import Category, ColumnDrift, Drift


_SHOWN = 3
"""Most new and vanished categories in a line."""


def drift(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the dataset.")],
    *,
    version: Annotated[
        str, typer.Option(help="Number of the version, or a tag; the newest by default.")
    ] = "",
    against: Annotated[
        str,
        typer.Option(
            help="previous, tag:NAME, version:NUMBER, dataset:NAME or dataset:NAME@TAG; what the dataset declares by default,"
            " else the version before."
        ),
    ] = "",
    column: Annotated[str, typer.Option(help="Only this column.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show how far a version is from another one, column by column. Ends with 0 also if columns have drifted."""
    from orchestration.services.dataset_drift import show_drift

    with reported():
        own = context.ensure_object(CommandContext)
        entry = own.dataset(name)
        found = show_drift(
            own.store, entry.key, entry.drift, version=version, against=against, column=column
        )
    if as_json:
        print_json(found)
    else:
        _print(found)


def _print(found: Drift) -> None:
    from resources.drift.words import called, in_words, rank

    print_facts(
        [
            ("dataset", found.current.dataset),
            ("version", f"{found.current.version} ({found.current.rows:,} rows)"),
            ("against", f"{called(found)} ({found.reference.rows:,} rows)"),
            ("verdict", in_words(found)),
            ("columns added", [f"{c.column} {c.type}" for c in found.columns_added]),
            ("columns removed", [f"{c.column} {c.type}" for c in found.columns_removed]),
            (
                "columns retyped",
                [f"{c.column}: {c.reference} -> {c.current}" for c in found.columns_retyped],
            ),
            ("ignored", list(found.ignored)),
        ]
    )
    typer.echo()
    header = ["column", "state", "method", "value", "threshold", "by chance", "p"]
    header += ["missing points", "new", "vanished", "note"]
    print_table(header, [_line(column) for column in sorted(found.columns, key=rank)], limit=80)


def _line(column: ColumnDrift) -> tuple[object, ...]:
    from resources.drift.words import STATES

    figures = (column.value, column.threshold, column.chance, column.p_value)
    points = "" if column.missing_points is None else f"{column.missing_points:+.2f}"
    return (
        column.name,
        STATES[column.state],
        column.method or "",
        *("" if figure is None else f"{figure:.3g}" for figure in figures),
        points,
        _named(column.new, column.more_new),
        _named(column.vanished, column.more_vanished),
        column.reason,
    )


def _named(found: tuple[Category, ...], more: int) -> str:
    """The most frequent, so that a line of the table can be read; `--json` has the others."""
    named = [f"{one.value or '(empty)'} ({one.rows:,})" for one in found[:_SHOWN]]
    more += len(found) - len(named)
    return ", ".join([*named, *([f"{more:,} more"] if more else [])])
