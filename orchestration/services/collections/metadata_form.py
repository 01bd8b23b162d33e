"""An item's custom metadata as a form: a field for each declared key that has a plain value, and JSON for all else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

from orchestration.services.collections.items import ShownItem
from resources.collections.metadata_schema import KeyKind, MetadataKey, MetadataSchema
from resources.collections.metadata_values import BeyondDouble, parse_json
from resources.kernel.errors import ConflictError, InputError

TEXT_LIMIT = 20_000
"""Characters of a text that a field has; a longer one is changed as JSON."""
JSON_FIELD = "json"
_PREFIX = "key:"
_NOT_PLAIN: tuple[KeyKind, ...] = ("embedding", "geospatial")
_SHOWN = 40


@dataclass(frozen=True)
class MetadataField:
    """A key in the form.

    Args:
        key: its name.
        kind: what the schema says of it.
        value: as text; empty: it has none.
        choices: all that it can be; empty: anything.
        error: what is wrong with what was typed.
    """

    key: str
    kind: KeyKind
    value: str
    choices: tuple[str, ...] = ()
    error: str = ""

    @property
    def name(self) -> str:
        """Of the field in the form, where a blank would end an id."""
        return f"{_PREFIX}{quote(self.key, safe='')}"

    @property
    def control(self) -> Literal["text", "textarea"]:
        """How it is typed."""
        return "textarea" if self.kind == "text" or "\n" in self.value else "text"


def parse_changes(text: str) -> dict[str, Any]:
    """Changes of custom metadata as they are given: a JSON object.

    Raises:
        InputError: it is none.
    """
    try:
        found = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the changes are no JSON: {error}", hint=_HINT) from error
    if not isinstance(found, dict):
        kind = "a number beyond a double" if isinstance(found, BeyondDouble) else repr(found)
        raise InputError(f"the changes are no JSON object, but {kind[:_SHOWN]}", hint=_HINT)
    return found


_HINT = 'Give an object, such as {"lux": 3.5, "note": null}: null takes a key out'


def fields_of(item: ShownItem, schema: MetadataSchema) -> tuple[MetadataField, ...]:
    """The fields of a form, by name."""
    metadata = item.metadata or {}
    fields = (
        _field(key, metadata.get(key.name))
        for key in sorted(schema.keys.values(), key=lambda one: one.name)
        if key.state == "active" and key.kind not in _NOT_PLAIN
    )
    return tuple(one for one in fields if one is not None)


def changes_of(
    fields: tuple[MetadataField, ...], typed: Mapping[str, str], text: str
) -> dict[str, Any]:
    """What a form changes: fields that are not as they were, and what its JSON says.

    Args:
        fields: of `fields_of`, as the item is.
        typed: what came of them; one that is missing is as it was.
        text: the JSON; may be empty.

    Raises:
        InputError: the JSON is none.
    """
    changed = {
        one.key: _value(one.kind, given)
        for one in fields
        if (given := _given(typed, one)) != one.value
    }
    return {**changed, **(parse_changes(text) if text.strip() else {})}


def as_typed(
    fields: tuple[MetadataField, ...], typed: Mapping[str, str], error: InputError | ConflictError
) -> tuple[MetadataField, ...]:
    """The form as it came, with what is wrong beside its fields."""
    found: dict[str, str] = {}
    problems: Any = error.facts.get("problems") or ()
    for problem in problems:
        found.setdefault(next(iter(problem["path"]), ""), problem["message"])
    return tuple(
        replace(one, value=_given(typed, one), error=found.get(one.key, "")) for one in fields
    )


def _given(typed: Mapping[str, str], field: MetadataField) -> str:
    # Browsers send every line end as two characters.
    return typed.get(field.name, field.value).replace("\r\n", "\n")


def _field(key: MetadataKey, value: Any) -> MetadataField | None:
    """The field of a key; None where its value does not fit into one, as one that the schema contradicts."""
    if value is not None and not _FITS[key.kind](value):
        return None
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    choices = ("", "true", "false") if key.kind == "boolean" else ("", *key.options)
    return MetadataField(key.name, key.kind, text, choices if len(choices) > 1 else ())


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= TEXT_LIMIT and "\r" not in value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "number": _is_number,
    **dict.fromkeys(("datetime", "uuid", "varchar", "text", "enum"), _is_short),
}


def _value(kind: KeyKind, text: str) -> Any:
    """What was typed as the value that it means; the schema says what is wrong with it."""
    if not text:
        return None
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind != "number":
        return text
    try:
        found = parse_json(text.strip())
    except (ValueError, RecursionError):
        return text
    return found if _is_number(found) or isinstance(found, BeyondDouble) else text
