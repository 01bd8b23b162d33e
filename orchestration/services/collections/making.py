"""Specifications made of a listing: the objects of a bucket, a folder or a file server, without a script (F108, F109)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from assets.collections.listing import specify
from assets.collections.specification.making import FileOptions, MadeSpecification
from assets.collections.specification.making_items import SectionName
from assets.collections.specification.sections import MOST_ITEMS
from assets.collections.specification.source import Format
from orchestration.location import Location
from resources.connectors.base import FileConnector
from resources.kernel.errors import ConfigError, InputError, NotFoundError

SECTIONS: tuple[SectionName, ...] = get_args(SectionName)


@dataclass(frozen=True)
class MakeChoice:
    """What a specification is to be made of, and how."""

    connector: str
    path: str
    """A key or a glob."""
    section: str = ""
    """What all objects are; told by their extensions when empty."""
    group_by: str = ""
    """`folder`, or a pattern whose first group names the image group or series; images stay single when empty."""
    sequence: bool = False
    format: Format = "json"
    skip_duplicates: bool = False
    most_items: int = MOST_ITEMS


def make_from_listing(location: Location, choice: MakeChoice) -> MadeSpecification:
    """Lists a place and makes specifications of its objects; sidecar files give their custom metadata.

    Raises:
        UnknownNameError: no such connector.
        ConfigError: it holds tables; a pattern that makes no sense.
        InputError: an unknown type, or the format has no place for what is asked for.
    """
    if choice.section and choice.section not in SECTIONS:
        raise InputError(f"unknown type {choice.section!r}", hint=f"One of {', '.join(SECTIONS)}")
    connector = location.connector(choice.connector)
    if not isinstance(connector, FileConnector):
        raise ConfigError(
            f"connector {choice.connector!r} holds tables, not files",
            hint="Name a folder, a bucket or a file server",
        )
    files = FileOptions(choice.format, choice.skip_duplicates, choice.most_items)
    return specify(
        connector,
        choice.path,
        files,
        section=choice.section or None,
        group_by=choice.group_by,
        sequence=choice.sequence,
    )


def write(made: MadeSpecification, output: Path) -> list[tuple[Path, int]]:
    """Writes the files, each whole or not at all; of several, `-2` and so on stands in the names. Files and their items.

    Raises:
        NotFoundError: nothing that was listed can be an item.
        InputError: there is no such folder.
    """
    if not made.files:
        raise NotFoundError(
            "nothing that was listed can be an item", hint="Check the path, or say the type"
        )
    if not output.parent.is_dir():
        raise InputError(f"there is no folder {str(output.parent)!r}")
    written = []
    for number, file in enumerate(made.files, 1):
        name = output.name if number == 1 else f"{output.stem}-{number}{output.suffix}"
        path = output.with_name(name)
        scratch = path.with_name(f".{path.name}.part")
        with scratch.open("wb") as target:
            target.writelines(file.chunks())
        scratch.replace(path)
        written.append((path, len(file.items)))
    return written
