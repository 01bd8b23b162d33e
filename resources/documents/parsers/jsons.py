"""JSON: records become tables, other values lists of `name: value`, long texts paragraphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from resources.documents.parsers.gathering import Fact, Gathered
from resources.documents.parsers.plain import read_text
from resources.documents.refusals import DocumentRefusedError
from resources.kernel.foreign_text import one_line
from resources.sandbox.ranged_file import RangedFile

_FACTS: dict[str, Fact] = {
    "title": "title",
    "language": "language",
    "lang": "language",
    "author": "author",
    "created": "created",
    "modified": "modified",
    "description": "description",
}
_LONG = 200
"""Characters from which on a text is a paragraph of its own."""
_DEEPEST_HEADING = 6


def parse(file: RangedFile, gathered: Gathered) -> None:
    """Reads a JSON document.

    Raises:
        DocumentRefusedError: it is no JSON.
    """
    text = read_text(file, gathered)
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise DocumentRefusedError(
            "unreadable", f"It is no valid JSON: {one_line(str(error))}"
        ) from None
    if isinstance(value, dict):
        for name, fact in _FACTS.items():
            if isinstance(value.get(name), str):
                gathered.fact(fact, value[name])
    _put(value, gathered, 1)


def _put(value: Any, gathered: Gathered, level: int) -> None:
    """A value without a name."""
    if isinstance(value, dict):
        for name, one in value.items():
            _put_named(str(name), one, gathered, level)
    elif isinstance(value, list):
        _put_list(value, gathered, level)
    else:
        gathered.paragraph(_shown(value))


def _put_named(name: str, value: Any, gathered: Gathered, level: int) -> None:
    if isinstance(value, dict | list) and value:
        gathered.heading(min(level, _DEEPEST_HEADING), name)
        _put(value, gathered, level + 1)
    elif isinstance(value, str) and (len(value) > _LONG or "\n" in value):
        gathered.heading(min(level, _DEEPEST_HEADING), name)
        gathered.paragraph(value)
    elif not isinstance(value, dict | list):
        gathered.item(f"{name}: {_shown(value)}")


def _put_list(values: Sequence[Any], gathered: Gathered, level: int) -> None:
    if values and all(isinstance(one, dict) and _is_flat(one) for one in values):
        names = list(dict.fromkeys(name for one in values for name in one))
        rows = ([_shown(one.get(name)) for name in names] for one in values)
        gathered.table(chain([names], rows), header=True)
        return
    for number, one in enumerate(values, 1):
        if isinstance(one, dict | list):
            gathered.heading(min(level, _DEEPEST_HEADING), str(number))
            _put(one, gathered, level + 1)
        else:
            gathered.item(_shown(one))


def _is_flat(record: Mapping[str, Any]) -> bool:
    return not any(isinstance(value, dict | list) for value in record.values())


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
