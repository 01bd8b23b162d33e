"""What lies in the place that a collection watches, as specifications: made anew each time, known items are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from assets.collections.declaration import CollectionSpec
from assets.collections.importing import Means, WantedImport
from assets.collections.listing import specify
from assets.collections.specification.making import FileOptions
from assets.collections.specification.making_items import EXTENSIONS
from resources.kernel.errors import ConfigError
from resources.scratch import ScratchFolder

MOST_BYTES = 5_000_000_000
_SHOWN = 10


def imports_of(means: Means, wanted: WantedImport) -> Iterator[WantedImport]:
    """The imports that a run was asked for: the one that it names, or one a specification of the watched place.

    Raises:
        ConfigError: the collection watches nothing.
        WaybillError: the place cannot be listed.
    """
    if not wanted.watched:
        yield wanted
        return
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
    )
    for left in made.left_out[:_SHOWN]:
        means.tell(f"{left.key} is left out: {left.reason}")
    if len(made.left_out) > _SHOWN:
        means.tell(f"{len(made.left_out) - _SHOWN:,} more are left out")
    for number, file in enumerate(made.files):
        with ScratchFolder("import") as scratch:
            path = Path(scratch.name) / "watched.json"
            with path.open("wb") as target:
                target.writelines(file.chunks())
            kept = means.uploads.stage(path, limit=MOST_BYTES)
        yield replace(
            wanted,
            watched=False,
            key=f"{wanted.key}-{number}",
            upload=kept.sha256,
            file_name=f"{watch.connector}.json",
            ignore_errors=True,  # the place is watched: one bad object must not keep all others out
        )


def _is_taken(spec: CollectionSpec, key: str) -> bool:
    name = key.rpartition("/")[2].lower()
    kind = EXTENSIONS.get(".".join(name.split(".")[-2:])) or EXTENSIONS.get(name.rpartition(".")[2])
    return kind is not None and spec.takes(kind)
