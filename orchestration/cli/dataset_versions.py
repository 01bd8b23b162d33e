"""`waybill dataset compare`, `restore`, `tag`, `untag`, `pin`, `unpin` and `uses`: what is done with versions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import reported
from orchestration.cli.noting import change_of_command
from orchestration.cli.output import print_facts, print_json, print_table, to_verbatim
from orchestration.cli.run import NoWait, launch, start

if TYPE_CHECKING:
    from orchestration.services.dataset_compare import Comparison, OneRow
    from orchestration.services.dataset_versions import VersionTags

Name = Annotated[str, typer.Argument(help="Name of the dataset.")]
Tag = Annotated[str, typer.Argument(help="The tag: letters, digits, '_', '.' and '-'.")]
Asked = Annotated[str, typer.Argument(help="Number of the version, or a tag.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def compare(
    context: typer.Context,
    name: Name,
    before: Annotated[str, typer.Argument(metavar="FROM", help="A version, or a tag.")],
    after: Annotated[
        str, typer.Argument(metavar="[TO]", help="The other one; the newest by default.")
    ] = "",
    *,
    key: Annotated[
        str | None,
        typer.Option(
            help="Columns that tell rows apart: id, or day,shop. The declared `key` by default; '' or none: whole rows.",
            metavar="NAMES",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two versions: columns, rows added, removed and changed, with examples."""
    from orchestration.services.dataset_compare import compare_versions, compared_by

    with reported():
        own = context.ensure_object(CommandContext)
        entry = own.dataset(name)
        named = None if key is None else key.split(",")
        columns = compared_by(entry.row_key, named)
        found = compare_versions(own.store, entry.key, before=before, after=after, by=columns)
    if as_json:
        print_json(found)
    else:
        _print_comparison(found)


def restore(
    context: typer.Context,
    name: Name,
    version: Asked,
    *,
    no_wait: NoWait = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of progress.")
    ] = False,
) -> None:
    """Make an earlier version the newest one again, by a run; no byte is copied. Otherwise like `waybill run`."""
    from orchestration.services.dataset_restore import restore_dataset, start_restore

    if no_wait:
        start(context, partial(start_restore, version=version), name, as_json=as_json)
    else:
        launch(context, partial(restore_dataset, version=version), name, as_json=as_json)


def tag(
    context: typer.Context,
    name: Name,
    tag: Tag,
    *,
    version: Annotated[
        str, typer.Option(help="Number of the version, or another tag; the newest by default.")
    ] = "",
    move: Annotated[bool, typer.Option("--move", help="Also when another version has it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give a version a tag, such as train-2026-11. A tagged version is never collected."""
    from orchestration.services.dataset_versions import tag_version

    with reported():
        own = context.ensure_object(CommandContext)
        found = tag_version(own.dataset(name), own.store, tag, version, move=move, by=own.user)
        if (noted := change_of_command()) is not None:
            noted.before, noted.after = {"version": found.moved_from}, {"version": found.version}
    moved = f", moved from version {found.moved_from}" if found.moved_from else ""
    _tell(found, f"{tag} is at version {found.version}{moved}", as_json=as_json)


def untag(context: typer.Context, name: Name, tag: Tag, *, as_json: AsJson = False) -> None:
    """Take a tag away. What nothing else keeps is collected a day later at the earliest."""
    from orchestration.services.dataset_versions import untag_version

    with reported():
        own = context.ensure_object(CommandContext)
        found = untag_version(own.dataset(name), own.store, tag)
    _tell(found, f"{tag} is gone; version {found.version} had it", as_json=as_json)


def pin(context: typer.Context, name: Name, version: Asked, *, as_json: AsJson = False) -> None:
    """Keep a version until it is unpinned."""
    from orchestration.services.dataset_versions import pin_version

    with reported():
        own = context.ensure_object(CommandContext)
        found = pin_version(own.dataset(name), own.store, version, by=own.user)
    _tell(found, f"version {found.version} is pinned", as_json=as_json)


def unpin(context: typer.Context, name: Name, version: Asked, *, as_json: AsJson = False) -> None:
    """Take a pin away. What nothing else keeps is collected a day later at the earliest."""
    from orchestration.services.dataset_versions import unpin_version

    with reported():
        own = context.ensure_object(CommandContext)
        found = unpin_version(own.dataset(name), own.store, version)
    _tell(found, f"version {found.version} is not pinned any more", as_json=as_json)


def uses(
    context: typer.Context,
    name: Name,
    *,
    version: Annotated[int | None, typer.Option(help="Only of this version.")] = None,
    as_json: AsJson = False,
) -> None:
    """List which model, dataset, embedding and export used which version, newest first."""
    from orchestration.services.dataset_uses import dataset_uses

    with reported():
        own = context.ensure_object(CommandContext)
        entry, known = own.dataset(name), own.snapshot
        found = dataset_uses(
            entry,
            own.store,
            own.instance,
            known.exporters,
            version,
            declared={one.key for one in known.datasets},
        )
    if as_json:
        print_json(found)
        return
    header = ("version", "used by", "name", "made", "at (UTC)", "run", "detail")
    rows = [(u.version, u.kind, u.name, u.made, u.at, u.run_id, u.detail) for u in found.uses]
    print_table(header, rows, limit=80)
    if not found.is_whole:
        typer.echo("older exports were not looked through; `waybill exporter history` has them")


def _tell(found: VersionTags, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        typer.echo(f"dataset {found.dataset}: {text}")


def _print_comparison(found: Comparison) -> None:
    print_facts(
        [
            ("dataset", found.dataset),
            ("versions", f"{found.from_version} -> {found.to_version}"),
            ("key", ", ".join(found.key) or "none: whole rows are compared"),
            ("rows", f"{found.rows_before:,} -> {found.rows_after:,}"),
            ("added", f"{found.added:,}"),
            ("removed", f"{found.removed:,}"),
            ("changed", f"{found.changed:,}" if found.key else ""),
            ("unchanged", f"{found.unchanged:,}"),
            ("columns added", [f"{c.column} {c.type}" for c in found.columns_added]),
            ("columns removed", [f"{c.column} {c.type}" for c in found.columns_removed]),
            (
                "columns retyped",
                [f"{c.column}: {c.before} -> {c.after}" for c in found.columns_retyped],
            ),
            ("columns renamed", [f"{c.before} -> {c.after}" for c in found.columns_renamed]),
            ("columns", "in another order" if found.is_reordered else ""),
            ("not compared", [f"{c.column}: {c.reason}" for c in found.not_compared]),
            ("changes", [f"{c.column}: {c.rows:,}" for c in found.column_changes]),
        ]
    )
    _print_rows("added", found.added_rows)
    _print_rows("removed", found.removed_rows)
    if found.changed_rows:
        typer.echo()
        rows = [
            (
                f"{row.before:,} -> {row.after:,}",
                ", ".join(_texts([cell.value for cell in row.key])),
                cell.column,
                *_texts([cell.before, cell.after]),
            )
            for row in found.changed_rows
            for cell in row.changes
        ]
        print_table(("changed row", "key", "column", "before", "after"), rows)


def _print_rows(what: str, rows: tuple[OneRow, ...]) -> None:
    if not rows:
        return
    typer.echo()
    header = [f"{what} row", "times", *(cell.column for cell in rows[0].cells)]
    shown = [[f"{r.number:,}", str(r.times), *_texts([c.value for c in r.cells])] for r in rows]
    print_table(header, shown)


def _texts(values: list[object]) -> list[str]:
    return [str(value) for value in to_verbatim([values])[0]]
