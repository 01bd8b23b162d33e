"""Media metadata given up front: both spellings, all fields or none."""

from __future__ import annotations

from typing import Any

import msgspec

from assets.collections.specification.json_items import PLAIN_MEDIA
from assets.collections.specification.sections import (
    FRACTIONS,
    LARGEST,
    TEXTS,
    Section,
    media_field,
)
from resources.collections.items import MEDIA_FIELDS
from resources.collections.metadata_values import shown, unkept_text
from resources.collections.rules import ItemRule

MediaProblem = tuple[tuple[str, ...], ItemRule, str]


def read_media(value: object, section: Section) -> tuple[bytes | None, list[MediaProblem]]:
    """Media metadata as it is kept, and what is wrong with it; null and an empty object are none.

    Args:
        value: of the section's member.
        section: whose items are meant.
    """
    if value is None or value == {}:
        return None, []
    if not isinstance(value, dict):
        message = f"media metadata is an object, not {shown(value)}"
        return None, [((), "media_metadata_invalid", message)]
    fields: dict[str, Any] = {}
    problems: list[MediaProblem] = []
    for member, given in value.items():
        field = media_field(section, member)
        if field is None or field in fields:
            problems.append(((member,), "media_metadata_invalid", _odd(member, field, section)))
            continue
        fields[field] = _read_field(field, given)
        if fields[field] is None:
            problems.append(((member,), "media_metadata_type", _misfit(field, given)))
    missing = [field for field in MEDIA_FIELDS[section.type] if field not in fields]
    if missing:
        message = f"{', '.join(missing)} missing: give all fields or none"
        problems.append(((), "media_metadata_missing", message))
    if problems:
        return None, problems
    return msgspec.json.encode(PLAIN_MEDIA[section.type](**fields)), []


def _odd(member: str, field: str | None, section: Section) -> str:
    if field is not None:
        return f"{field} is given twice, in two spellings"
    known = ", ".join(MEDIA_FIELDS[section.type])
    return f"{section.media_member} has no field {shown(member)}; its fields are {known}"


def _read_field(name: str, value: object) -> str | float | int | None:
    """The value as its field keeps it; None if it does not fit."""
    if name in TEXTS:
        return value if isinstance(value, str) and not unkept_text(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    if name in FRACTIONS:
        return _double(value)
    return int(value) if value <= LARGEST and value == int(value) else None


def _double(value: float) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _misfit(name: str, value: object) -> str:
    kind = "a whole number" if name not in FRACTIONS else "a number"
    expected = "a text" if name in TEXTS else f"{kind} of 0 or more"
    return f"{name} is {shown(value)}: {expected} is expected"
