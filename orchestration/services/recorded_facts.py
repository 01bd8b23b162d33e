"""Metadata of events as plain values, out of the JSON in which Dagster stores it: a tenth of what its own objects cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_FIELDS = {
    "BoolMetadataEntryData": "value",
    "FloatMetadataEntryData": "value",
    "IntMetadataEntryData": "value",
    "JsonMetadataEntryData": "data",
    "MarkdownMetadataEntryData": "md_str",
    "PathMetadataEntryData": "path",
    "TextMetadataEntryData": "text",
    "UrlMetadataEntryData": "url",
}
"""Kinds of values that Waybill records, and where each has its value."""


def facts_of_entries(entries: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The metadata of a materialization or an observation.

    Raises:
        KeyError: a kind of value that only Dagster can read.
    """
    return {entry["label"]: _plain(entry["entry_data"]) for entry in entries}


def facts_of_mapping(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The metadata of a check.

    Raises:
        KeyError: a kind of value that only Dagster can read.
    """
    return {label: _plain(value) for label, value in values.items()}


def _plain(value: Mapping[str, Any]) -> Any:
    return value[_FIELDS[value["__class__"]]]
