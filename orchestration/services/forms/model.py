"""What a form is: fields as any face shows them. Plain values; imports no component and no Dagster."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How a field is asked for, and how its text is read."""

    TEXT = "text"
    LINES = "lines"
    """A text of several lines."""
    SQL = "sql"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    """`true` or `false`."""
    CHOICE = "choice"
    """One of `choices`."""
    TEXTS = "texts"
    """A list, an item a line."""
    NAME = "name"
    """The name of something declared; `choices` are those that there are."""
    NAMES = "names"
    """Several of them, a name a line."""
    SECRET = "secret"  # noqa: S105 - a kind of field
    """The name of an environment variable."""
    CRON = "cron"
    REFRESH = "refresh"
    """`on_change`, `manual`, or a cron."""
    YAML = "yaml"
    """A list or mapping that has no better form, as YAML."""


@dataclass(frozen=True)
class Field:
    """One thing that a form asks for.

    Args:
        name: of the attribute; of one inside another `schedule.cron`.
        label: for people.
        kind: how it is asked.
        help: what it is for, from the type's own docstring.
        example: a value.
        default: what holds when it is left out.
        is_required: whether it has to be given; inside another attribute when anything of that is given.
        is_main: whether it is shown at once.
        choices: values that may be chosen.
        noun: what is chosen from, of `name` and `names`.
        value: what it holds now, as text.
        note: what a person should know of that value.
        is_kept: whether `value` is a template or more than a form can show, and stays unless it is replaced.
    """

    name: str
    label: str
    kind: Kind
    help: str = ""
    example: str = ""
    default: str = ""
    is_required: bool = False
    is_main: bool = False
    choices: tuple[str, ...] = ()
    noun: str = ""
    value: str = ""
    note: str = ""
    is_kept: bool = False

    @property
    def within(self) -> str:
        """The attribute that it is a part of; empty where it is one itself."""
        return self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Choice:
    """A type, or a kind of a type, that a form can be for.

    Args:
        type: as YAML names it.
        variant: the value of the attribute that decides which others count.
        title: for people.
        summary: what it is.
    """

    type: str
    variant: str
    title: str
    summary: str


@dataclass(frozen=True)
class Form:
    """A form for one type.

    Args:
        noun: what it declares.
        type: as YAML names it.
        title: of the type, for people.
        summary: what the type is.
        fields: those that are shown at once first.
        decides: the attribute that decides which others count, and is settled in this form.
        variant: its value.
        name: of what is edited; empty of something new.
        file: where that stands.
        line: of its document there.
        revision: changes with every byte of it.
    """

    noun: str
    type: str
    title: str
    summary: str
    fields: tuple[Field, ...]
    decides: str = ""
    variant: str = ""
    name: str = ""
    file: str = ""
    line: int = 0
    revision: str = ""

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((one for one in self.fields if one.name == name), None)


@dataclass(frozen=True)
class Answers:
    """What was given in a form: attributes by name, those that are to go, and what is wrong.

    Args:
        values: attributes that are set, as YAML has them.
        unset: attributes that are left out from now on.
        errors: what is wrong, by field. No error repeats what was given: it may be a secret in the wrong place.
    """

    values: dict[str, object] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
