"""`waybill dataset profile`: what is in a version of a dataset, and the work of finding out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import fail, reported
from orchestration.cli.output import print_facts, print_json, print_table, to_size
from orchestration.cli.run import NoWait, launch, start
from resources.kernel.errors import InputError

if TYPE_CHECKING:
    from orchestration.services.dataset_profile import DatasetProfile
    from resources.profiles.record import ColumnProfile, Distribution, Profile

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
_MOST_PAIRS = 10


def profile(  # noqa: PLR0913 - one parameter an option
    context: typer.Context,
    name: Name,
    *,
    version: Annotated[int | None, typer.Option(help="Version; the newest by default.")] = None,
    column: Annotated[str, typer.Option(help="Show all facts of this column.")] = "",
    compute: Annotated[
        bool, typer.Option("--compute", help="Make the profile of the version if it has none.")
    ] = False,
    no_wait: NoWait = False,
    html: Annotated[
        Path | None, typer.Option(help="Write the profile to this file, as one HTML page.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show what is in a version of a dataset: its columns, their values, and how they go together.

    Shows a profile that is kept; --compute makes one, like `waybill run`. Ends with 1 when there is none.
    """
    if compute:
        _compute(context, name, version or 0, no_wait=no_wait, as_json=as_json)
        return
    from orchestration.services.dataset_profile import show_profile, tried_profile

    with reported():
        own = context.ensure_object(CommandContext)
        entry = own.dataset(name)
        tried = tried_profile(entry, own.instance)
        found = show_profile(entry, own.store, tried, version, column=column)
    if html is not None and found.profile is not None:
        _write_report(found.profile, html)
    elif as_json:
        print_json(found)
    elif found.profile is not None and column:
        _print_column(found.profile)
    elif found.profile is not None:
        _print_profile(found.profile)
    if found.profile is None:
        fail(_absent(found))


def _write_report(profile: Profile, path: Path) -> None:
    from orchestration.services.profiles.report import render_report

    with reported():
        try:
            path.write_text(render_report(profile), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    typer.echo(f"Wrote {path}: {to_size(path.stat().st_size)}")


def _compute(
    context: typer.Context, name: str, version: int, *, no_wait: bool, as_json: bool
) -> None:
    from orchestration.services.runs.profiling import compute_profile, start_profile

    if no_wait:
        start(context, start_profile, name, as_json=as_json, version=version)
    else:
        launch(context, compute_profile, name, as_json=as_json, version=version)


def _absent(found: DatasetProfile) -> str:
    which = "yet" if found.version is None else f"of version {found.version}"
    said = f"dataset {found.dataset!r} has no profile {which}: {found.state}"
    said += f" ({found.reason})" if found.reason else ""
    return f"{said}. Make it with `waybill dataset profile {found.dataset} --compute`"


def _print_profile(found: Profile) -> None:
    repeated = "not counted" if found.duplicate_rows is None else found.duplicate_rows
    print_facts(
        [
            ("version", found.of.version),
            ("rows", found.rows),
            ("columns", len(found.columns)),
            ("missing cells", found.missing_cells),
            ("repeated rows", repeated),
            ("size", to_size(found.size_bytes)),
            ("in memory", to_size(found.memory_bytes)),
            ("made (UTC)", found.made_at),
            ("seconds", found.seconds),
            *(("note", note.text) for note in found.notes),
        ]
    )
    typer.echo()
    header = (
        "column",
        "type",
        "missing",
        "different",
        "from",
        "to",
        "mean",
        "most frequent",
        "warnings",
    )
    print_table(header, [_line(column) for column in found.columns], limit=200)
    pairs = sorted(found.associations, key=lambda one: -abs(one.value))[:_MOST_PAIRS]
    if pairs:
        typer.echo()
        rows = [(one.a, one.b, one.method, f"{one.value:.3f}", one.rows) for one in pairs]
        print_table(("column", "with", "method", "value", "rows"), rows)


def _line(column: ColumnProfile) -> tuple[object, ...]:
    top = f"{column.top[0].value} ({column.top[0].rows})" if column.top else ""
    mean = "" if column.mean is None else f"{column.mean:.6g}"
    bounds = (column.lowest, column.highest)
    if column.lengths is not None:
        bounds = (f"{column.lengths.least} long", f"{column.lengths.most} long")
    warned = ", ".join(column.warnings)
    return (column.name, column.type, column.missing, column.distinct, *bounds, mean, top, warned)


def _print_column(found: Profile) -> None:
    from resources.profiles.record import QUANTILES, WARNINGS

    column = found.columns[0]
    lengths = column.lengths
    print_facts(
        [
            ("column", column.name),
            ("type", column.type),
            ("rows", found.rows),
            ("missing", column.missing),
            ("different", column.distinct),
            ("occur once", column.once),
            ("mean", column.mean),
            ("deviation", column.std),
            ("skewness", column.skew),
            ("zeros", column.zeros),
            ("negative", column.negatives),
            ("infinite", column.infinities),
            ("NaN", column.nans),
            ("outliers", column.outliers),
            ("true", column.trues),
            ("blank", column.blanks),
            ("length", lengths and f"{lengths.least} to {lengths.most}, mean {lengths.mean:.6g}"),
            *(("warning", WARNINGS[code]) for code in column.warnings),
        ]
    )
    quantiles = [
        (f"{part:.0%}", value) for part, value in zip(QUANTILES, column.quantiles, strict=False)
    ]
    top = [(one.value, one.rows) for one in column.top]
    pairs = [
        (one.b if one.a == column.name else one.a, one.method, f"{one.value:.3f}")
        for one in found.associations
    ]
    bars = [] if column.distribution is None else _bars(column.distribution)
    for header, rows in (
        (("quantile", "value"), quantiles),
        (("most frequent", "rows"), top),
        (("values", "rows"), bars if column.kind in ("number", "time") else []),
        (("goes with", "method", "value"), pairs),
    ):
        if rows:
            typer.echo()
            print_table(header, rows)


def _bars(found: Distribution) -> list[tuple[object, ...]]:
    spans = zip(found.edges, found.edges[1:], found.counts, strict=False)
    rows: list[tuple[object, ...]] = [(f"{low} to {high}", count) for low, high, count in spans]
    if found.below:
        rows.insert(0, (f"below {found.edges[0]}", found.below))
    return [*rows, (f"above {found.edges[-1]}", found.above)] if found.above else rows
