"""A field's text read as the value that YAML has, and a value shown as a field's text.

Whatever is typed is data: a text stays a text, also one that looks like a number, a tag or a document's end. A
template would be evaluated when the project loads, and so could show any variable of the server: it is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from orchestration.loading.documents import MAX_ALIASES
from orchestration.services.definition_files.emit import plain, to_inline, to_yaml
from orchestration.services.forms.model import Field, Kind
from resources.component_schema import parse_example
from resources.kernel.errors import InputError, WaybillError

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_BRACES = re.compile(r"\{\{.*?\}\}|\{%|\{#", re.DOTALL)
_MOST_LEVELS, _MOST_PARTS = 50, 100_000
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")


def read_text(field: Field, text: str) -> object:
    """What a text of a field means.

    Raises:
        InputError: it means nothing there. Does not repeat it.
    """
    try:
        value = _READERS[field.kind](field, text.replace("\r\n", "\n"))
    except InputError:
        raise
    except (ValueError, WaybillError) as error:
        raise InputError(f"{field.label} cannot be read") from error
    check_value(field, value)
    return value


def check_value(field: Field, value: object) -> None:
    """Nothing, where a value may stand in this field.

    Raises:
        InputError: a secret that is no name of a variable; a template; what no YAML holds. Does not repeat it.
    """
    if field.kind is Kind.SECRET:
        _check_secret(value)
    for text in _texts(plain(value)):
        if _BRACES.search(text):
            raise InputError(
                f"{field.label} holds a template ({{{{ ... }}}}), which would be evaluated when the project loads",
                hint="Write templates into the file by hand",
            )
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{field.label} holds half of a character") from error


def _check_secret(value: object) -> None:
    given = value.get("env") if isinstance(value, Mapping) and set(value) == {"env"} else None
    if not (isinstance(given, str) and _VARIABLE.fullmatch(given)):
        raise InputError(
            "this takes the NAME of an environment variable, in capital letters, never the secret itself",
            hint="Set a variable such as WAREHOUSE_PASSWORD where Waybill runs, and give its name",
        )


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    return [text for part in value for text in _texts(part)] if isinstance(value, list) else []


def show_value(kind: Kind, value: object) -> str:
    """A value as a field of this kind shows it."""
    if value is None:
        return ""
    if kind is Kind.SECRET:
        return str(value["env"]) if isinstance(value, dict) and set(value) == {"env"} else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind in (Kind.TEXTS, Kind.NAMES) and isinstance(value, list):
        return "\n".join(value) if all(map(_is_one_line, value)) else to_inline(value)
    shows_yaml = kind is Kind.YAML or isinstance(value, dict | list)
    return to_yaml(value).rstrip("\n") if shows_yaml else str(value)


def _is_one_line(item: object) -> bool:
    return isinstance(item, str) and bool(item) and item.strip() == item and "\n" not in item


def _line(_field: Field, text: str) -> str:
    if "\n" in text.strip():
        raise InputError("this takes one line")
    return text.strip()


def _integer(_field: Field, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InputError("this takes a whole number") from error


def _number(_field: Field, text: str) -> int | float:
    try:
        value = float(text)
    except ValueError as error:
        raise InputError("this takes a number") from error
    if not math.isfinite(value):
        raise InputError("this takes a number")
    return int(text) if text.strip().lstrip("+-").isdigit() else value


def _boolean(_field: Field, text: str) -> bool:
    word = text.strip().lower()
    if word not in (*_TRUE, *_FALSE):
        raise InputError("this takes true or false")
    return word in _TRUE


def _choice(field: Field, text: str) -> str:
    if text.strip() not in field.choices:
        raise InputError(f"this takes one of {', '.join(field.choices)}")
    return text.strip()


def _items(_field: Field, text: str) -> list[str]:
    stripped = text.strip()
    if stripped.startswith("[") and stripped.endswith("]"):
        found = _yaml(_field, stripped)
        if isinstance(found, list) and all(isinstance(item, str) for item in found):
            return found
        raise InputError("this takes texts, one a line")
    return [line.strip() for line in text.split("\n") if line.strip()]


def _secret(_field: Field, text: str) -> dict[str, str]:
    name = text.strip()
    if name.startswith("{"):
        found = _yaml(_field, name)
        name = str(found.get("env", "")) if isinstance(found, dict) else ""
    return {"env": name}


def _yaml(_field: Field, text: str) -> Any:
    if text.count("*") > MAX_ALIASES and _aliases(text) > MAX_ALIASES:
        raise InputError("this has too many aliases", hint="Write the values out")
    try:
        documents = sum(1 for _ in yaml.compose_all(text, Loader=yaml.CSafeLoader))
        if documents > 1:
            raise InputError("this takes one value, not several documents")
        return _bounded(parse_example(text))
    except InputError:
        raise
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"this is no YAML, in line {line} of it") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError("this is no YAML") from error


def _bounded(value: Any) -> Any:
    """The value itself: what holds itself by an alias, or grows by aliases of aliases, has no end or nearly none."""
    level, seen = [value], 0
    for _ in range(_MOST_LEVELS):
        level = [part for one in level for part in _parts(one)]
        seen += len(level)
        if seen > _MOST_PARTS:
            raise InputError("this has too many values")
        if not level:
            return value
    raise InputError(f"this is nested more than {_MOST_LEVELS} levels deep")


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _aliases(text: str) -> int:
    try:
        return sum(
            isinstance(e, yaml.AliasEvent) for e in yaml.parse(text, Loader=yaml.CSafeLoader)
        )
    except yaml.YAMLError as error:
        raise InputError("this is no YAML") from error


_READERS: Mapping[Kind, Callable[[Field, str], object]] = {
    Kind.TEXT: _line,
    Kind.LINES: lambda _field, text: text.strip(),
    Kind.SQL: lambda _field, text: "\n".join(line.rstrip() for line in text.split("\n")).strip(),
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.CHOICE: _choice,
    Kind.TEXTS: _items,
    Kind.NAME: _line,
    Kind.NAMES: _items,
    Kind.SECRET: _secret,
    Kind.CRON: _line,
    Kind.REFRESH: _line,
    Kind.YAML: _yaml,
}
