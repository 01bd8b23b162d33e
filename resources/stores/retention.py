"""What is said of an item's versions beside their content: tags, pins, and how far the collection has come.

Records and their JSON; no input or output here. Where they are kept, and why a change is one step, is `retention_log.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from resources.kernel.errors import InputError, IntegrityError, StorageError

FORMAT = 1
MOST_TAGS = 1_000
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_NAME = re.compile(r"(\d{20})\.tags")


@dataclass(frozen=True)
class Said:
    """Something that was said of a version."""

    version: int
    at: datetime
    by: str = ""
    """Who said it."""


@dataclass(frozen=True)
class Retention:
    """All that is said of the versions of one item. `keeps` tells what must not be collected."""

    floor: int = 0
    """Versions up to this number are collected, but for those that are kept here: no other comes to be kept."""
    tags: Mapping[str, Said] = field(default_factory=dict)
    """By name: at most one version each."""
    pins: Mapping[int, Said] = field(default_factory=dict)
    """By version."""
    holds: Mapping[str, Said] = field(default_factory=dict)
    """By the run that needs a version until it has published; for a day."""
    released: Mapping[int, Said] = field(default_factory=dict)
    """By version: since when nothing keeps it any more. Its grace begins then."""
    changes: tuple[str, ...] = ()
    """Marks of the last changes, by which a writer knows its own again."""

    def is_tagged(self, version: int) -> bool:
        """Whether a tag or a pin keeps a version."""
        return version in self.pins or any(said.version == version for said in self.tags.values())

    def keeps(self, version: int) -> bool:
        """Whether anything here speaks for a version, for good or for a while."""
        held = any(said.version == version for said in self.holds.values())
        return held or version in self.released or self.is_tagged(version)

    def tags_of(self, version: int) -> tuple[str, ...]:
        """Names of the tags that a version has, in order."""
        return tuple(sorted(name for name, said in self.tags.items() if said.version == version))

    def without_tag(self, name: str, at: datetime) -> Retention:
        """The same without a tag; the grace of a version that nothing else keeps begins."""
        version = self.tags[name].version
        left = {other: said for other, said in self.tags.items() if other != name}
        return _released(replace(self, tags=left), version, at)

    def without_pin(self, version: int, at: datetime) -> Retention:
        """The same without a pin."""
        left = {other: said for other, said in self.pins.items() if other != version}
        return _released(replace(self, pins=left), version, at)

    def without_hold(self, holder: str, at: datetime) -> Retention:
        """The same without what a run held."""
        version = self.holds[holder].version
        left = {other: said for other, said in self.holds.items() if other != holder}
        return _released(replace(self, holds=left), version, at)

    def collected(self, versions: set[int]) -> Retention:
        """The same once versions are to be removed: nothing can be said of them any more."""
        return replace(
            self,
            floor=max([self.floor, *versions]),
            holds={h: said for h, said in self.holds.items() if said.version not in versions},
            released={v: said for v, said in self.released.items() if v not in versions},
        )


def _released(state: Retention, version: int, at: datetime) -> Retention:
    if state.is_tagged(version):
        return state
    return replace(state, released={**state.released, version: Said(version, at)})


def tags_name(number: int) -> str:
    """File name of the `number`-th state: names sort as numbers do."""
    return f"{number:020d}.tags"


def tags_number(name: str) -> int | None:
    """Which state a file name stands for; None for anything else."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def check_tag(name: str) -> str:
    """`name` itself if it may be a tag.

    Raises:
        InputError: anything but letters, digits, `_`, `.`, `-`; or a number, which names a version already.
    """
    if not _TAG.fullmatch(name) or name.isdigit():
        raise InputError(
            f"{name[:120]!r} cannot be a tag",
            hint="Use letters, digits, '_', '.' and '-', at most 100, and not digits alone: train-2026-11",
        )
    return name


def encode_retention(state: Retention) -> bytes:
    """The JSON text of a state."""
    document = {
        "format": FORMAT,
        "floor": state.floor,
        "tags": [{"tag": name, **_written(said)} for name, said in sorted(state.tags.items())],
        "pins": [_written(said) for _, said in sorted(state.pins.items())],
        "holds": [{"run": run, **_written(said)} for run, said in sorted(state.holds.items())],
        "released": [_written(said) for _, said in sorted(state.released.items())],
        "changes": list(state.changes),
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def decode_retention(data: bytes, *, where: str) -> Retention:
    """A state, read from `where`.

    Raises:
        StorageError: written by a newer Waybill.
        IntegrityError: it is damaged.
    """
    try:
        document = json.loads(data)
        number = int(document["format"])
        state = _state(document) if number <= FORMAT else None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(
            f"The tags in {where} are damaged: {type(error).__name__}",
            hint="Restore this file from a backup. No version is collected before that",
            path=where,
        ) from error
    if state is None:
        raise StorageError(
            f"{where} has format {number}; this Waybill reads up to {FORMAT}",
            hint="It was written by a newer Waybill: upgrade this one",
            path=where,
        )
    return state


def _state(document: Mapping[str, Any]) -> Retention:
    pins, released = map(_said, document["pins"]), map(_said, document["released"])
    return Retention(
        floor=int(document["floor"]),
        tags={str(entry["tag"]): _said(entry) for entry in document["tags"]},
        pins={said.version: said for said in pins},
        holds={str(entry["run"]): _said(entry) for entry in document["holds"]},
        released={said.version: said for said in released},
        changes=tuple(map(str, document["changes"])),
    )


def _said(entry: Mapping[str, Any]) -> Said:
    at = datetime.fromisoformat(entry["at"]).astimezone(UTC)
    return Said(int(entry["version"]), at, str(entry["by"]))


def _written(said: Said) -> dict[str, Any]:
    return {"version": said.version, "at": said.at.isoformat(), "by": said.by}
