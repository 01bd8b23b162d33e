"""What a command changes, in the audit log: one entry a command, made when the command is over.

The table of rights says which use cases change something; commands that only look open no catalog for it. What becomes
of users, tokens and webhooks is noted in the transaction that changes them, and so not here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from orchestration.cli.output import visible
from orchestration.services.access.actor import Scope
from orchestration.services.access.rights import RIGHTS
from resources.kernel.errors import WaybillError

if TYPE_CHECKING:
    from orchestration.services.access.audit import Change

USE_CASES: Mapping[str, str] = {
    # `waybill run` and `waybill refresh` are what people type most; the use case has the noun as well.
    "run": "pipeline.run",
    "refresh": "dataset.refresh",
    "cancel": "run.cancel",
    # Each change of a key has a command; they are one use case.
    **dict.fromkeys(
        (
            *("schema.add-scalar", "schema.add-enum", "schema.add-enum-options"),
            *("schema.add-embedding", "schema.add-geospatial"),
            *("schema.delete-key", "schema.restore-key"),
        ),
        "schema.apply",
    ),
    # `waybill run NAME` runs a pipeline, so the group of runs cannot be called so.
    **{f"runs.{verb}": f"run.{verb}" for verb in ("list", "show", "watch", "cancel", "retry")},
}
"""Commands whose use case has another name."""

_NOTED_WITHIN = ("user", "token", "webhook")
_HARMLESS = ("dry_run", "preview")
"""Options with which a command that changes something changes nothing."""
_PLACE = "waybill.change"


def will_note() -> None:
    """Has the command that runs noted at its end, if it is one that changes something. More calls change nothing."""
    context = click.get_current_context(silent=True)
    if context is None or _PLACE in context.meta:
        return
    use_case = _use_case(context)
    if not _changes(use_case) or any(context.params.get(option) for option in _HARMLESS):
        return
    from orchestration.services.access.audit import Change

    change = Change()
    context.meta[_PLACE] = change
    context.call_on_close(lambda: _note(use_case, change, context))


def change_of_command() -> Change | None:
    """What will be noted of the command that runs, for those who know more of it; None where nothing will be."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(_PLACE)


def note_failure(reason: str) -> None:
    """Has the command that runs noted as failed. The first reason counts."""
    change = change_of_command()
    if change is not None and change.outcome == "done":
        change.outcome, change.detail = "failed", reason


def _use_case(context: click.Context) -> str:
    _program, *words = context.command_path.split()
    name = ".".join(words)
    return USE_CASES.get(name, name)


def _changes(use_case: str) -> bool:
    right = RIGHTS.get(use_case)
    noun = use_case.partition(".")[0]
    return right is not None and right.scope is not Scope.READ and noun not in _NOTED_WITHIN


def _note(use_case: str, change: Change, context: click.Context) -> None:
    """Adds the entry. A catalog that does not take it keeps no command from its end, but is told of."""
    from orchestration.services.access.audit import note
    from orchestration.services.access.shell import open_access, shell_actor

    error = sys.exc_info()[1]
    if isinstance(error, click.Abort):  # the user said no
        return
    if error is not None and not (isinstance(error, click.exceptions.Exit) and not error.exit_code):
        note_failure(_reason(error))
    try:
        change.subject = change.subject or _subject(use_case, context)
        note(open_access(), shell_actor(), use_case, change)
    except WaybillError as problem:
        text = f"warning: this is not in the audit log: {problem}"
        click.echo(" ".join(visible(text).split()), err=True)


def _reason(error: BaseException) -> str:
    if isinstance(error, click.exceptions.Exit):
        return f"ended with {error.exit_code}"
    return (
        error.format_message() if isinstance(error, click.ClickException) else type(error).__name__
    )


def _subject(use_case: str, context: click.Context) -> str:
    """What the command was given first: the name of the thing it is about."""
    from orchestration.services.access.subjects import subject_of
    from resources.project import find_project

    arguments = [one.name for one in context.command.params if isinstance(one, click.Argument)]
    given = (context.params.get(name) for name in ("name", *arguments) if name)
    name = next((text for text in given if isinstance(text, str) and text), "")
    return subject_of(use_case.partition(".")[0], name, find_project().location)
