"""What a version is compared with: the one before, a tag or a number of the same dataset, or another dataset.

As it is written in YAML, in an address and on the command line: `previous`, `tag:train-2026-11`, `version:7`, `dataset:flights_2025`, and
`dataset:flights_2025@train` for a version or tag of that. A bare number is a version, any other bare word a tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from resources.drift.record import ComparedVersion
from resources.kernel.errors import InputError
from resources.kernel.keys import Key, asset_key, is_table_name
from resources.stores.tables import StoredTable, TableStore
from resources.stores.versions import VersionStore

PREVIOUS = "previous"
_FORMS = "previous, tag:NAME, version:NUMBER, dataset:NAME or dataset:NAME@TAG"


@dataclass(frozen=True)
class DriftReference:
    """What is compared with."""

    kind: Literal["previous", "version", "tag", "dataset"] = "previous"
    name: str = ""
    """Of the tag or dataset."""
    version: str = ""
    """The number of a version; of another dataset a number or a tag, the newest if empty."""

    def __str__(self) -> str:
        if self.kind == "previous":
            return PREVIOUS
        if self.kind == "dataset":
            return f"dataset:{self.name}" + (f"@{self.version}" if self.version else "")
        return f"{self.kind}:{self.name or self.version}"


def parse_reference(text: str) -> DriftReference:
    """What a text names.

    Raises:
        InputError: it names nothing.
    """
    given = text.strip()
    if given in ("", PREVIOUS):
        return DriftReference()
    kind, colon, rest = given.partition(":")
    rest = rest.strip()
    if not colon:
        return DriftReference("version", version=given) if _is_number(given) else _tag(given)
    if kind == "tag" and rest:
        return _tag(rest)
    if kind == "version" and _is_number(rest):
        return DriftReference("version", version=rest)
    name, _, number = (part.strip() for part in rest.partition("@"))
    if kind == "dataset" and is_table_name(name):
        return DriftReference("dataset", name=name, version=number)
    raise InputError(
        f"{text[:100]!r} is nothing that a version could be compared with", hint=f"Give {_FORMS}"
    )


def find_reference(
    store: TableStore, key: Key, current: int, reference: DriftReference
) -> tuple[StoredTable, ComparedVersion] | None:
    """The version that is meant, and how it is called; None: there is none before, nothing to compare with.

    Args:
        store: where it is kept.
        key: of the table that is compared.
        current: the number of its version.
        reference: what is meant.

    Raises:
        NotFoundError: no such tag, version or dataset; `GoneError` when it has been collected.
    """
    found = locate_reference(store, key, current, reference)
    if found is None:
        return None
    place, number, tag = found
    table = store.read(place, number)
    return table, named_version(table, place, tag)


def locate_reference(
    store: VersionStore, key: Key, current: int, reference: DriftReference
) -> tuple[Key, int, str] | None:
    """The key and the number of the version that is meant, and its tag if it was named by one; as `find_reference`, without reading it."""
    if reference.kind == "previous":
        before = [number for number in store.item(key).numbers() if number < current]
        return (key, max(before), "") if before else None
    if reference.kind == "version":
        return key, int(reference.version[:18]), ""
    if reference.kind == "tag":
        return key, store.item(key).tagging.find(reference.name), reference.name
    other = asset_key("datasets", reference.name)
    if not reference.version:
        return other, store.item(other).read_latest(lambda manifest: manifest.number), ""
    number = store.item(other).tagging.find(reference.version)
    return other, number, "" if _is_number(reference.version) else reference.version


def named_version(table: StoredTable, key: Key, tag: str = "") -> ComparedVersion:
    """A version as the record calls it."""
    return ComparedVersion(key[-1], table.version.number, table.rows, tag)


def _tag(name: str) -> DriftReference:
    return DriftReference("tag", name=name)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
