"""What commands do to a dataset and to an image folder alike: give it a title, remove its versions."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import typer

from orchestration.cli.context import CommandContext
from orchestration.cli.errors import warn
from orchestration.cli.noting import change_of_command
from orchestration.cli.output import print_json
from orchestration.cli.saving import confirm_removal, delete_definition

if TYPE_CHECKING:
    from orchestration.services.dataset_list import DatasetEntry, DatasetTitle
    from orchestration.services.dataset_removal import RemovalReport


def retitle(
    own: CommandContext, entry: DatasetEntry, title: str | None, description: str | None
) -> DatasetTitle:
    """Gives a thing a title or a description.

    Raises:
        InputError: neither is given, one is too long, or holds characters that do not show.
    """
    from orchestration.services.dataset_list import DatasetTitle
    from orchestration.services.dataset_titles import read_titles, rename_dataset

    before = read_titles().get(entry.key)
    found = rename_dataset(entry, title=title, description=description, by=own.user)
    if (noted := change_of_command()) is not None:
        noted.before, noted.after = asdict(before or DatasetTitle()), asdict(found)
    return found


def tell_title(said: str, name: str, found: DatasetTitle, *, as_json: bool) -> None:
    """Prints what a thing is called now; `said` is its noun."""
    if as_json:
        print_json({"name": name, "title": found.title or name, "description": found.description})
    else:
        typer.echo(f"{said} {name} is called {found.title or name!r}")


def remove_versions(
    own: CommandContext,
    entry: DatasetEntry,
    *,
    question: str,
    force: bool,
    definition: bool,
    with_tags: bool = False,
) -> RemovalReport:
    """Removes all versions of a thing, and what declares it where `definition` says so; that is tried first.

    Args:
        own: of the command.
        entry: the thing.
        question: asked before; empty: nothing is asked.
        force: also when others are made from it, or a run is making it.
        definition: whether what declares it goes too.
        with_tags: also versions that are tagged or pinned.

    Raises:
        WaybillError: something uses it, or the store refuses.
    """
    from orchestration.services.dataset_removal import deletion_of, remove_dataset
    from orchestration.services.home import open_home

    change = deletion_of(own.snapshot, entry) if definition else None
    if change is not None:
        delete_definition(own, change, dry_run=True)
    if question:
        confirm_removal(question)
    found = remove_dataset(
        entry, own.store, own.instance, open_home(), force=force, with_tags=with_tags, by=own.user
    )
    if (noted := change_of_command()) is not None:
        noted.detail = "forced" if force else ""
        noted.before = {"versions": list(found.versions)}
    if change is not None:
        found = replace(found, definition=delete_definition(own, change, dry_run=False))
    return found


def tell_removal(what: str, found: RemovalReport, *, freed: str = "") -> None:
    """Prints what a removal has removed; `what` names the thing, `freed` ends the first line."""
    count = len(found.versions)
    typer.echo(f"{what}: {count} version{'s' if count != 1 else ''} removed{freed}")
    if found.definition:
        typer.echo(f"its definition was taken out of {found.definition}")
    if found.kept_versions:
        warn(f"version {found.kept_versions[-1]} was published meanwhile, and is there")
