"""A task as the HTTP API and the pages are asked for it: like its definition, only that files are named by their uploads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from resources.import_tasks.definition import (
    ConnectorSource,
    Target,
    TaskDefinition,
    TaskOptions,
    UploadedFile,
    UploadSource,
    WebSource,
    check_definition,
)
from resources.import_tasks.places import place_of
from resources.kernel.errors import InputError


class SentFiles(msgspec.Struct, frozen=True, tag="upload"):
    """Files that were received before, each an item of its own; the members of a ZIP are its items."""

    uploads: tuple[str, ...]
    """Ids, as `upload.create` gives them."""


class TaskOrder(msgspec.Struct, frozen=True):
    """A task to be made."""

    target: Target
    source: WebSource | SentFiles | ConnectorSource
    name: str = ""
    """What people call it, not unique; empty: after its source."""
    options: TaskOptions = TaskOptions()
    start: bool = False
    """Whether it is started at once; else it waits until somebody does."""

    @property
    def uploads(self) -> tuple[str, ...]:
        """What its files were received as."""
        return self.source.uploads if isinstance(self.source, SentFiles) else ()

    def definition(self, files: tuple[UploadedFile, ...] = ()) -> TaskDefinition:
        """As the task keeps it, checked.

        Args:
            files: what its uploads are.

        Raises:
            InputError: what cannot be; names it.
        """
        source = UploadSource(files) if isinstance(self.source, SentFiles) else self.source
        return check_definition(TaskDefinition(self.name, self.target, source, self.options))


def parse_task_order(given: object) -> TaskOrder:
    """What was asked for, from JSON.

    Raises:
        InputError: a field is missing, unknown or of the wrong kind; names it.
    """
    if not isinstance(given, Mapping):
        raise InputError("an import task is a JSON object", hint=_HINT)
    try:
        found = msgspec.convert(given, TaskOrder)
    except msgspec.ValidationError as error:
        place = place_of(str(error))
        told = ", ".join(_choices(place))
        hint = f"Give one of {told}" if told else _HINT
        raise InputError(f"this is no import task: {error}", hint=hint, place=place) from None
    if place := _unknown(given, msgspec.to_builtins(found), ""):
        told = f"this is no import task: unknown field '$.{place}'"
        raise InputError(told, hint=_HINT, place=place)
    return found


def schema_of_task_order() -> dict[str, Any]:
    """What `parse_task_order` takes, as a JSON schema in one piece."""
    whole = msgspec.json.schema(TaskOrder)
    parts = whole.pop("$defs")
    found: dict[str, Any] = _inlined(whole, parts)
    return found


_HINT = "The reference at /api/v1/ has its fields"


def _unknown(given: object, taken: object, place: str) -> str:
    """The first field that was given and not taken; empty where there is none."""
    if isinstance(given, Mapping) and isinstance(taken, Mapping):
        for name, value in given.items():
            own = f"{place}.{name}".removeprefix(".")
            found = own if name not in taken else _unknown(value, taken[name], own)
            if found:
                return found
    if isinstance(given, list) and isinstance(taken, (list, tuple)):
        for number, (value, other) in enumerate(zip(given, taken, strict=True)):
            if found := _unknown(value, other, f"{place}[{number}]"):
                return found
    return ""


def _choices(place: str) -> list[str]:
    """The words that a field may be, where it is one of a few."""
    parts: list[Any] = [schema_of_task_order()]
    for name in re.sub(r"\[\d*\]", "", place).split("."):
        parts = [
            one["properties"][name] for one in _alternatives(parts) if name in one["properties"]
        ]
    return list(dict.fromkeys(str(word) for part in parts for word in part.get("enum", ()) if word))


def _alternatives(parts: list[Any]) -> list[Any]:
    """What has fields among some parts of a schema: themselves, one of several, or the elements of a list."""
    wider = [one for part in parts for one in part.get("anyOf", [part.get("items", part)])]
    return [one for one in wider if "properties" in one]


def _inlined(part: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_inlined(one, parts) for one in part]
    if not isinstance(part, dict):
        return part
    if reference := part.get("$ref"):
        rest = {name: value for name, value in part.items() if name != "$ref"}
        return {**_inlined(parts[reference.rpartition("/")[2]], parts), **rest}
    # Where a kind is looked up by its name, the names lead to parts that stand here themselves now.
    return {name: _inlined(one, parts) for name, one in part.items() if name != "discriminator"}
