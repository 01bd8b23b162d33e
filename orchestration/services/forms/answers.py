"""What was given in a form, read: attributes as YAML has them, or what is wrong with which field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestration.services.forms.model import Answers, Field, Form
from orchestration.services.forms.texts import read_text
from resources.kernel.errors import InputError


def parse_form(form: Form, given: Mapping[str, str]) -> Answers:
    """What the texts of a form mean.

    A field that is not given stays as it is, as does one whose text is what the form showed. An empty one leaves its
    attribute out.

    Args:
        form: as it was shown.
        given: texts by the names of fields.
    """
    values: dict[str, object] = {}
    unset: list[str] = []
    errors: dict[str, str] = {}
    for field in form.fields:
        text = given.get(field.name, field.value)
        if not text.strip():
            if field.value:
                unset.append(field.name)
            if _is_missing(field, form, given):
                errors[field.name] = "this is needed"
        elif text.replace("\r\n", "\n").strip() != field.value.strip() or not form.name:
            try:
                values[field.name] = read_text(field, text)
            except InputError as error:
                errors[field.name] = str(error)
    return Answers(values, tuple(unset), errors)


def _is_missing(field: Field, form: Form, given: Mapping[str, str]) -> bool:
    """Whether an empty field has to be given: one inside another when anything of that is."""
    if not field.is_required or field.is_kept:
        return False
    if not field.within:
        return True
    beside = (f for f in form.fields if f.within == field.within)
    return any(given.get(f.name, f.value).strip() for f in beside)


def merged(
    attributes: Mapping[str, Any], values: Mapping[str, object], unset: Iterable[str]
) -> dict[str, Any]:
    """Attributes with some set and some left out; `schedule.cron` is one inside another.

    Raises:
        InputError: something is to be set inside of what is no mapping.
    """
    found = dict(attributes)
    for name in unset:
        _put(found, name.split("."), None, is_set=False)
    for name, value in values.items():
        _put(found, name.split("."), value, is_set=True)
    return found


def _put(into: dict[str, Any], path: list[str], value: object, *, is_set: bool) -> None:
    name, *rest = path
    if not rest:
        if is_set:
            into[name] = value
        else:
            into.pop(name, None)
        return
    inner = into.get(name)
    if inner is None:
        inner = {}
    if not isinstance(inner, dict):
        raise InputError(f"{name} is no mapping, so {'.'.join(path)} cannot be set inside of it")
    into[name] = inner = dict(inner)
    _put(inner, rest, value, is_set=is_set)
    if not inner:
        del into[name]
