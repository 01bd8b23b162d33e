"""`waybill dataset checks` and `suggest-checks`: what a dataset is held to, and what it could be held to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.output import print_json, print_table

if TYPE_CHECKING:
    from orchestration.services.dataset_checks import CheckOutcome

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def checks(context: typer.Context, name: Name, *, as_json: AsJson = False) -> None:
    """List the checks of a dataset with their newest results and values that failed. Evaluates none."""
    from orchestration.services.dataset_checks import last_made, list_checks
    from orchestration.services.dataset_freshness import with_freshness

    with reported():
        own = context.ensure_object(CommandContext)
        entry = own.dataset(name)
        found = with_freshness(
            list_checks(entry, own.instance),
            entry,
            last_made(entry, own.instance),
            own.stale_reason(name),
            datetime.now(UTC),
        )
    if as_json:
        print_json(found)
        return
    header = ("check", "outcome", "severity", "failing", "found", "version", "at (UTC)")
    rows = [
        (c.name, c.outcome, c.severity or c.declared, c.failing, _found(c), c.version, c.at)
        for c in found
    ]
    print_table(header, rows, limit=80)


def suggest_checks(
    context: typer.Context,
    name: Name,
    *,
    version: Annotated[
        int | None,
        typer.Option(help="Version whose profile is asked; the newest that has one by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose checks from the profile of a dataset, as YAML to paste. All hold for the version that was profiled."""
    from orchestration.services.suggested_checks import suggest_checks as suggest

    with reported():
        own = context.ensure_object(CommandContext)
        entry = own.dataset(name)
        found = suggest(own.store, entry.key, [check.name for check in entry.checks], version)
    if as_json:
        print_json(found)
        return
    typer.echo(
        found.yaml or "There is nothing to propose that it is not held to already.", nl=False
    )
    if not found.yaml:
        typer.echo()


def _found(check: CheckOutcome) -> str:
    """What a person looks at first: why it could not be tried, rows that fail, or what was observed."""
    if check.reason or not check.examples:
        return check.reason or check.observed
    return ", ".join(
        f"{one.name}: {one.value}" if one.name else one.value for one in check.failing_rows
    )
