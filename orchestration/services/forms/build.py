"""A form from a component's type: everything is taken from the schema of its YAML, which users' own types have too."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestration.services.definition_files.found import FoundDefinition
from orchestration.services.forms.model import Choice, Field, Form, Kind
from orchestration.services.forms.texts import show_value
from orchestration.services.forms.types import known_kinds, summary_of, title_of
from resources.component_schema import parse_example
from resources.connectors.component import Secret
from resources.declared import DeclaredComponent, asked_by

_UNSET = "__DAGSTER_UNSET_DEFAULT__"
_ASKED = {"cron": Kind.CRON, "refresh": Kind.REFRESH, "sql": Kind.SQL, "lines": Kind.LINES}
_PLAIN = {"integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.BOOLEAN}
_WORDS = {"sql": "SQL", "tls": "TLS", "json": "JSON", "url": "URL", "db": "Database", "ca": "CA", "ftp": "FTP"}  # fmt: skip
_REFRESHES = ("on_change", "manual")
_SECRET = Secret.__metadata__[0]

Names = Mapping[str, Sequence[str]]
"""What there is in the project, by noun."""


def new_form(choice: Choice, names: Names) -> Form:
    """The form for something new.

    Args:
        choice: its type.
        names: what there is to choose from.
    """
    kind = known_kinds()[choice.type]
    fields = _Fields(kind, choice.variant, names).all()
    return _form(kind, choice.type, fields, choice.variant)


def edit_form(found: FoundDefinition, type_name: str, names: Names) -> Form:
    """The form for something that there is, with what it says now.

    Args:
        found: where it stands.
        type_name: of its component, among the known ones.
        names: what there is to choose from.
    """
    kind, given = known_kinds()[type_name], found.definition.attributes
    variant = str(given.get(kind.decides) or "") if kind.decides else ""
    variant = variant if variant in kind.variants else ""
    fields = _Fields(kind, variant, names, given).all()
    form = _form(kind, type_name, [f for f in fields if f.name != "name"], variant)
    document = found.definition.document
    return replace(
        form,
        name=document.name,
        file=str(found.file.path),
        line=document.line(),
        revision=found.definition.revision,
    )


def _form(
    kind: type[DeclaredComponent], type_name: str, fields: Sequence[Field], variant: str
) -> Form:
    about = kind.variants.get(variant)
    title = about.title if about else title_of(type_name, kind)
    ordered = tuple(sorted(fields, key=lambda f: (not f.is_main, f.name == "description")))
    return Form(
        kind.noun, type_name, title, summary_of(kind), ordered, kind.decides if about else "", variant
    )  # fmt: skip


@dataclass
class _Fields:
    """Makes the fields of a type."""

    kind: type[DeclaredComponent]
    variant: str
    names: Names
    given: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        model = self.kind.get_model_cls()
        self._schema: dict[str, Any] = model.model_json_schema() if model else {"properties": {}}
        self._asks = asked_by(self.kind)
        self._first = parse_example(self.kind.examples[0]) if self.kind.examples else {}
        self._about = self.kind.variants.get(self.variant)

    def all(self) -> list[Field]:
        """The fields in the order of the type."""
        required = set(self._schema.get("required", ()))
        found: list[Field] = []
        for name, said in self._schema["properties"].items():
            if not self._counts(name):
                continue
            value = None if self.given is None else self.given.get(name)
            found += self._of(name, said, value, is_required=name in required)
        return found

    def _counts(self, name: str) -> bool:
        """Whether an attribute means anything here; one that is given is shown in any case."""
        if self._about is None or name in ("name", "description"):
            return True
        if name == self.kind.decides:
            return False
        about = self._about
        return name in (*about.needs, *about.takes, *about.rarely) or name in (self.given or {})

    def _of(
        self, name: str, said: Mapping[str, Any], value: Any, *, is_required: bool
    ) -> Iterator[Field]:
        inner = self._inner(said)
        if inner is not None and (value is None or isinstance(value, dict)):
            needed = set(inner.get("required", ()))
            for part, about in inner["properties"].items():
                held = value.get(part) if value else None
                yield self._field(f"{name}.{part}", about, held, is_required=part in needed)
        else:
            yield self._field(name, said, value, is_required=is_required)

    def _inner(self, said: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The schema of an attribute that is a mapping with attributes of its own."""
        references = [one["$ref"] for one in _branches(said) if "$ref" in one]
        if len(references) != 1:
            return None
        inner: Mapping[str, Any] = self._schema["$defs"][references[0].rpartition("/")[2]]
        return inner

    def _field(self, name: str, said: Mapping[str, Any], value: Any, *, is_required: bool) -> Field:
        kind, noun = self._kind(name, said)
        choices = self._choices(kind, noun, said)
        if self._about and name in self._about.needs:
            is_required = True
        examples = said.get("examples") or ()
        field = Field(
            name=name,
            label=_label(name),
            kind=kind,
            help=_help(kind, str(said.get("description") or "")),
            example=show_value(kind, examples[0]) if examples else "",
            default=_default(kind, said.get("default")),
            is_required=is_required,
            is_main=self._is_main(name, is_required=is_required),
            choices=choices,
            noun=noun,
        )
        return _with_value(field, value)

    def _is_main(self, name: str, *, is_required: bool) -> bool:
        top = name.partition(".")[0]
        if self._about is not None:
            shown = (*self._about.needs, *self._about.takes, *self.kind.shown_first)
            return top == "name" or top in shown
        if "." not in name and is_required:
            return True
        return top in self._first or top in self.kind.shown_first

    def _kind(self, name: str, said: Mapping[str, Any]) -> tuple[Kind, str]:
        branches = _branches(said)
        types = {one.get("type") for one in branches}
        asked = self._asks.get(name, "")
        if asked and asked not in _ASKED:
            return (Kind.NAMES if "array" in types else Kind.NAME), asked
        if asked:
            return _ASKED[asked], ""
        info = self.kind.model_fields.get(name)
        if info is not None and _SECRET in info.metadata:
            return Kind.SECRET, ""
        return _kind_of(branches, said.get("examples") or ()), ""

    def _choices(self, kind: Kind, noun: str, said: Mapping[str, Any]) -> tuple[str, ...]:
        if kind in (Kind.NAME, Kind.NAMES):
            return tuple(self.names.get(noun, ()))
        if kind is Kind.REFRESH:
            return _REFRESHES
        return tuple(str(v) for one in _branches(said) for v in one.get("enum", ()))


def _branches(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What a value may be; nothing, and the text that any attribute takes as a template, come after the rest."""
    found = list(said.get("anyOf") or [said])
    return [one for one in found if one.get("type") != "null"]


def _kind_of(branches: Sequence[Mapping[str, Any]], examples: Sequence[Any]) -> Kind:
    for one in branches:
        if "enum" in one:
            return Kind.CHOICE
        if one.get("type") == "array":
            return Kind.TEXTS if one.get("items", {}).get("type") == "string" else Kind.YAML
        if one.get("type") == "object" or "$ref" in one:
            return Kind.YAML
        if (plain := _PLAIN.get(str(one.get("type")))) is not None:
            return plain
        if "type" not in one and examples:  # it has a parser of its own
            return _KINDS.get(type(examples[0]), Kind.TEXT)
    return Kind.TEXT


_KINDS = {int: Kind.INTEGER, dict: Kind.YAML, list: Kind.YAML, bool: Kind.BOOLEAN}


def _label(name: str) -> str:
    words = name.replace(".", " ").split("_") if "." not in name else name.split(".")
    words = [part for word in words for part in word.split("_")]
    shown = [_WORDS.get(word, word) for word in words]
    return " ".join([shown[0][:1].upper() + shown[0][1:], *shown[1:]])


_ENV = re.compile(
    r"^(?:Its password: )?`\{env: NAME\}`(?: of|[:;,])?\s*"
    r"(?:the name of an environment variable\.(?: A literal is refused\.)?)?"
)
_NAME_OF_VARIABLE = (
    "The name of an environment variable, in capital letters, never the secret itself."
)


def _help(kind: Kind, text: str) -> str:
    """What an attribute is for; of a secret without how YAML writes the name of a variable."""
    if kind is not Kind.SECRET:
        return text
    rest = _ENV.sub("", text)
    return f"{rest[:1].upper()}{rest[1:]} {_NAME_OF_VARIABLE}".strip()


def _default(kind: Kind, value: Any) -> str:
    return "" if value in (None, _UNSET, "") else show_value(kind, value)


def _with_value(field: Field, value: Any) -> Field:
    """The field with what it holds now; of a secret the variable's name, and whether that is set here."""
    if value is None:
        return field
    text = show_value(field.kind, value)
    if field.kind is Kind.SECRET:
        note = (
            ("is set here" if text in os.environ else "is not set where Waybill runs")
            if text
            else _LITERAL
        )
        return replace(field, value=text, note=note, is_kept=not text)
    if "{{" in text:
        return replace(
            field, value=text, note="a template: stays as it is unless you replace it", is_kept=True
        )
    return replace(field, value=text)


_LITERAL = "holds something that is not the name of a variable; it is not shown"
