"""Specifications made of a listing: the objects of a bucket, a folder or a file server, without a script (F108, F109)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from assets.collections.keeping import SPECIFICATION_LIMIT
from assets.collections.listing import specify
from assets.collections.specification.making import FileOptions, MadeSpecification
from assets.collections.specification.making_items import SectionName
from assets.collections.specification.sections import MOST_ITEMS
from assets.collections.specification.source import Format
from orchestration.location import Location
from resources.connectors.base import FileConnector
from resources.connectors.files.key_patterns import KeyPattern
from resources.kernel.errors import ConfigError, InputError, NotFoundError
from resources.stores.uploads import UploadStore

LEFT_OUT_SHOWN = 100
FORMATS: tuple[Format, ...] = get_args(Format)
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
    include: tuple[str, ...] = ()
    """Globs of keys: objects that fit one of them alone; all when empty."""
    exclude: tuple[str, ...] = ()
    """Globs of keys: objects that fit one of them are left out."""
    probe: bool = False
    """Whether media metadata are looked up and written down."""

    def file_name(self, number: int) -> str:
        """What the file of this number, from 1 on, may be called."""
        more = "" if number == 1 else f"-{number}"
        return f"{self.connector}{more}.{self.format}"


@dataclass(frozen=True)
class MadeUpload:
    """A specification that was made, and is kept for a check or an import."""

    upload: str
    """Its SHA-256."""
    file_name: str
    items: int
    size_bytes: int


@dataclass(frozen=True)
class LeftOutObject:
    """An object that is in no specification, or not as it is."""

    key: str
    reason: str


@dataclass(frozen=True)
class KeptListing:
    """What was made of a listing."""

    files: tuple[MadeUpload, ...]
    left_out: tuple[LeftOutObject, ...]
    """The first of them."""
    left_out_count: int


def make_from_listing(location: Location, choice: MakeChoice) -> MadeSpecification:
    """Lists a place and makes specifications of its objects; sidecar files give their custom metadata.

    Raises:
        UnknownNameError: no such connector.
        ConfigError: it holds tables; a glob that makes no sense.
        InputError: an unknown type or format, a pattern that makes no sense, or no place for what is asked for.
    """
    _check_choice(choice)
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
        include=_chosen(choice),
        probe=choice.probe,
    )


def keep_made(made: MadeSpecification, choice: MakeChoice) -> KeptListing:
    """Keeps the files, so that they can be checked and imported.

    Raises:
        NotFoundError: nothing that was listed can be an item.
        StorageError: no room for them.
    """
    _check_made(made)
    uploads, files = UploadStore.open(), []
    for number, file in enumerate(made.files, 1):
        name = choice.file_name(number)
        with tempfile.TemporaryFile() as stream:
            stream.writelines(file.chunks())
            stream.seek(0)
            kept = uploads.take(stream, name, limit=SPECIFICATION_LIMIT)
        files.append(MadeUpload(kept.sha256, name, len(file.items), kept.size_bytes))
    left_out = tuple(LeftOutObject(one.key, one.reason) for one in made.left_out[:LEFT_OUT_SHOWN])
    return KeptListing(tuple(files), left_out, len(made.left_out))


def write(made: MadeSpecification, output: Path) -> list[tuple[Path, int]]:
    """Writes the files, each whole or not at all; of several, `-2` and so on stands in the names. Files and their items.

    Raises:
        NotFoundError: nothing that was listed can be an item.
        InputError: there is no such folder.
    """
    _check_made(made)
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


def _check_choice(choice: MakeChoice) -> None:
    if choice.section and choice.section not in SECTIONS:
        raise InputError(f"unknown type {choice.section!r}", hint=f"One of {', '.join(SECTIONS)}")
    if choice.format not in FORMATS:
        raise InputError(f"unknown format {choice.format!r}", hint=f"One of {', '.join(FORMATS)}")
    if not 1 <= choice.most_items <= MOST_ITEMS:
        raise InputError(
            f"a file of {choice.most_items:,} items cannot be made", hint=f"1 to {MOST_ITEMS:,}"
        )
    if choice.probe and choice.format == "csv":
        raise InputError(
            "a CSV specification has no place for media metadata",
            hint="Write JSON, or leave `probe` out",
        )
    try:
        re.compile(choice.group_by)
    except re.error as error:
        raise InputError(
            f"{choice.group_by[:80]!r} is no pattern: {error}",
            hint="`folder`, or a regular expression",
        ) from error


def _chosen(choice: MakeChoice) -> Callable[[str], bool] | None:
    """Which objects are meant; None: all."""
    if not (choice.include or choice.exclude):
        return None
    include = [KeyPattern(glob) for glob in choice.include]
    exclude = [KeyPattern(glob) for glob in choice.exclude]

    def is_meant(key: str) -> bool:
        is_in = not include or any(glob.matches(key) for glob in include)
        return is_in and not any(glob.matches(key) for glob in exclude)

    return is_meant


def _check_made(made: MadeSpecification) -> None:
    if not made.files:
        raise NotFoundError(
            "nothing that was listed can be an item", hint="Check the path, or say the type"
        )
