"""Specifications that were not handed in are kept as those are: one that lies in a connector, and what is in the watched place.

So an import reads its specification in one way, and can be gone on with although the place holds another file by then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assets.collections.declaration import CollectionSpec
from assets.collections.importing import Means, WantedImport
from assets.collections.listing import specify
from assets.collections.specification.making import FileOptions
from assets.collections.specification.making_items import type_of
from resources.connectors.base import FileConnector
from resources.kernel.errors import ConfigError, InputError
from resources.scratch import ScratchFolder
from resources.stores.uploads import UploadStore, too_large

SPECIFICATION_LIMIT = 5_000_000_000
"""Bytes of a specification file."""

_SHOWN = 10


def imports_of(means: Means, wanted: WantedImport) -> Iterator[WantedImport]:
    """The imports that a run was asked for, each with a specification that is kept.

    Raises:
        InputError: the connector is none of the collection's.
        ConfigError: the collection watches nothing.
        WaybillError: the object cannot be read, or the place not be listed.
    """
    if wanted.object_key:
        yield _of_object(means, wanted)
    elif wanted.watched:
        yield from _of_watched_place(means, wanted)
    else:
        yield wanted


def _of_object(means: Means, wanted: WantedImport) -> WantedImport:
    connector = means.connectors.get(wanted.connector)
    if connector is None:
        raise InputError(
            f"collection {means.spec.name}: {wanted.connector!r} is none of its connectors",
            hint=f"Its connectors: {', '.join(means.connectors) or 'none'}",
        )
    sha256 = keep_object(connector, wanted.object_key, means.uploads)
    name = wanted.file_name or wanted.object_key.rpartition("/")[2]
    return replace(wanted, upload=sha256, file_name=name)


def keep_object(connector: FileConnector, key: str, uploads: UploadStore) -> str:
    """Keeps an object of a connector; its SHA-256.

    Raises:
        InputError: it is too large.
        WaybillError: it cannot be read, or not be kept.
    """
    found = connector.stat(key)
    if found.size_bytes > SPECIFICATION_LIMIT:
        raise too_large(key, SPECIFICATION_LIMIT)
    with ScratchFolder("import") as scratch, connector.local_copy(found, scratch.path) as path:
        return uploads.stage(path, limit=SPECIFICATION_LIMIT).sha256


def _of_watched_place(means: Means, wanted: WantedImport) -> Iterator[WantedImport]:
    """Made anew each time; known items are skipped."""
    watch = means.spec.watch
    if watch is None:
        raise ConfigError(
            f"collection {means.spec.name} watches no place", hint="Declare `watch:` for it"
        )
    made = specify(
        means.connectors[watch.connector],
        watch.path,
        FileOptions(skip_duplicates=True),
        include=lambda key: _is_taken(means.spec, key),
        # One sidecar file that does not fit must not keep all others out: it is left out.
        schema=means.schema,
    )
    for left in made.left_out[:_SHOWN]:
        means.tell(f"{left.key} is left out: {left.reason}")
    if len(made.left_out) > _SHOWN:
        means.tell(f"{len(made.left_out) - _SHOWN:,} more are left out")
    for number, file in enumerate(made.files):
        with ScratchFolder("import") as scratch:
            path = scratch.path / "watched.json"
            with path.open("wb") as target:
                target.writelines(file.chunks())
            kept = means.uploads.stage(path, limit=SPECIFICATION_LIMIT)
        yield replace(
            wanted,
            key=f"{wanted.key}-{number}",
            upload=kept.sha256,
            file_name=f"{watch.connector}.json",
            ignore_errors=True,  # the place is watched: one bad object must not keep all others out
        )


def _is_taken(spec: CollectionSpec, key: str) -> bool:
    kind = type_of(key)
    return kind is not None and spec.takes(kind)
