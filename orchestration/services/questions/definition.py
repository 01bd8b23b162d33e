"""Questions about definitions: what a form asks for, and a change, which is judged by loading users' code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from orchestration.services.access.audit import audited
from orchestration.services.access.subjects import subject_of
from orchestration.services.asking.question import Desk, Question
from orchestration.services.definitions.change import (
    USE_CASES,
    Changed,
    DefinitionChange,
    check_may_change,
)
from orchestration.services.forms.model import Choice, Form
from resources.kernel.errors import ConfigError
from resources.project import find_project
from resources.stores.catalog.database import CatalogDatabase

if TYPE_CHECKING:
    from orchestration.location import Location

# What works changes out reaches users' types and DuckDB: it is imported where a question is answered, not where it is asked.
CHANGE_SECONDS = 170.0


@dataclass(frozen=True)
class NewForm:
    """What a new definition of a noun may be, and the form for one of them.

    Args:
        choices: the types, and variants of types.
        form: of the one that was chosen; None while none is.
    """

    choices: tuple[Choice, ...]
    form: Form | None = None


def _new(desk: Desk, noun: str, type: str = "") -> NewForm:  # noqa: A002 - as the address has it
    from orchestration.services.forms.build import new_form
    from orchestration.services.forms.names import names_of
    from orchestration.services.forms.types import choices_of, choose

    choices = tuple(choices_of(noun))
    if not type and len(choices) > 1:
        return NewForm(choices)
    return NewForm(choices, new_form(choose(noun, type), names_of(_location(desk))))


def _show(desk: Desk, noun: str, name: str) -> Form:
    from orchestration.services.definitions.saving import planner_of

    planner = planner_of(find_project(), _location(desk))
    return planner.form(planner.find(noun, name))


def _change(desk: Desk, change: Mapping[str, Any], dry_run: bool = False) -> Changed:
    from orchestration.services.definitions.saving import save

    asked = msgspec.convert(change, DefinitionChange)
    check_may_change()
    given = (asked, find_project(), _location(desk), desk.home)
    if dry_run:
        return save(*given, dry_run=True)
    use_case = f"{USE_CASES[asked.noun]}.{asked.action}"
    subject = subject_of(asked.noun, asked.name, desk.project)
    with audited(CatalogDatabase.open(), desk.actor, use_case, subject) as noted:
        done = save(*given)
        noted.before, noted.after = done.before, done.after
        noted.detail = done.file if done.is_written else "nothing changed"
    return done


def _location(desk: Desk) -> Location:
    """The definitions as they were loaded; of a project that does not load none, so that forms can mend it."""
    import dagster as dg

    from orchestration.location import Location

    try:
        return desk.location
    except ConfigError:
        return Location(dg.Definitions())


NEW = Question("definition.new", _new, NewForm)
SHOW = Question("definition.show", _show, Form)
CHANGE = Question("definition.change", _change, Changed, seconds=CHANGE_SECONDS)
QUESTIONS = (NEW, SHOW, CHANGE)


def as_argument(change: DefinitionChange) -> dict[str, Any]:
    """A change as a question takes it."""
    return asdict(change)
