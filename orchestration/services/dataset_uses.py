"""What used which version of a dataset: models, tables made from it, exports; and what its own versions were made of.

From what is recorded: the manifests of all that is declared downstream or kept without being declared any more, and the history of
exports, those of exporters that are gone included. A version that was collected meanwhile is still named by those that used it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dagster as dg

from assets.refresh import MANUAL
from orchestration.services.dataset_list import DatasetEntry
from orchestration.services.exports.entries import ExporterEntry
from orchestration.services.exports.history import Export, HistoryFilter, export_history
from resources.kernel.keys import Key, Noun, noun_of_key
from resources.kernel.records import StoredVersion
from resources.profiles.kept import ORIGIN as PROFILE
from resources.stores.versions import VersionStore

EXPORTS: Noun = "exports"
_EXPORTS = 200
_PAGES = 5
"""Pages of exports that are looked through: a thousand exports."""


@dataclass(frozen=True)
class VersionUse:
    """That a version was used."""

    version: int
    kind: str
    """`model`, `dataset`, `embedding` or `exporter`."""
    name: str
    made: int | None
    """The version of it that was made; None of an export."""
    at: datetime
    run_id: str
    detail: str = ""
    """Of an export: where it went, and whether it arrived."""


@dataclass(frozen=True)
class DatasetUses:
    """All that used the versions of a dataset, the newest first."""

    dataset: str
    version: int | None
    """The one that was asked for."""
    uses: tuple[VersionUse, ...]
    is_whole: bool
    """False where there are more exports than are looked through."""


def dataset_uses(
    entry: DatasetEntry,
    store: VersionStore,
    instance: dg.DagsterInstance,
    exporters: Sequence[ExporterEntry],
    version: int | None = None,
    *,
    declared: Collection[Key] = (),
) -> DatasetUses:
    """What used a dataset, or one version of it.

    Args:
        entry: the dataset.
        store: where it and what is made from it are kept.
        instance: where exports are recorded.
        exporters: those that are declared.
        version: only this one.
        declared: keys of the datasets of the project: what they are made from is declared too.
    """
    readers = {_key(reader): None for reader in (*entry.used_by, *_kept(store, declared))}
    made = [use for reader in readers for use in _made(entry, store, reader)]
    known = [*exporters, *_gone(entry, instance, exporters)]
    exports, is_whole = _exported(entry, instance, known)
    wanted = [use for use in [*made, *exports] if version in (None, use.version)]
    wanted.sort(key=lambda use: (use.at, use.name), reverse=True)
    return DatasetUses(entry.name, version, tuple(wanted), is_whole)


def _key(text: str) -> Key:
    return tuple(text.split("/"))


def _kept(store: VersionStore, declared: Collection[Key]) -> Iterator[str]:
    """What is kept that may have used it, whether or not it is declared: models, embeddings, and tables that nothing declares."""
    for noun in ("models", "embeddings", "datasets"):
        for key in store.keys((noun,)):
            is_profile = len(key) > len((noun, "name")) and key[-1] == PROFILE
            if not is_profile and (noun != "datasets" or key not in declared):
                yield "/".join(key)


def _gone(
    entry: DatasetEntry, instance: dg.DagsterInstance, exporters: Sequence[ExporterEntry]
) -> Iterator[ExporterEntry]:
    """Exporters that delivered once and are not declared any more; what each delivered its exports say."""
    known = {exporter.name for exporter in exporters}
    for key in instance.get_asset_keys(prefix=[EXPORTS]):
        if len(key.path) == len((EXPORTS, "name")) and key.path[-1] not in known:
            yield ExporterEntry(
                key.path[-1], entry.key, connector="", table="", mode="", refresh=MANUAL
            )


def _made(entry: DatasetEntry, store: VersionStore, key: Key) -> Iterator[VersionUse]:
    """Versions of what is made from the dataset that say which version they were made of."""
    kind = noun_of_key(key)
    if kind in ("", "exporter", "datasource"):
        return
    for version in store.item(key).versions():
        used = _input(version, entry.name)
        if used is not None:
            name = "/".join(key[1:])
            yield VersionUse(used, kind, name, version.number, version.created_at, version.run_id)


def _input(version: StoredVersion, name: str) -> int | None:
    inputs: Any = version.properties.get("inputs")
    used = inputs.get(name) if isinstance(inputs, dict) else None
    return used if isinstance(used, int) else None


def _exported(
    entry: DatasetEntry, instance: dg.DagsterInstance, exporters: Sequence[ExporterEntry]
) -> tuple[list[VersionUse], bool]:
    found: list[VersionUse] = []
    cursor: str | None = None
    source = f"{entry.noun} {entry.name}"
    for _ in range(_PAGES):
        page = export_history(instance, exporters, HistoryFilter(), cursor=cursor, limit=_EXPORTS)
        found += [_use(one) for one in page.items if one.source == source and one.version]
        cursor = page.next
        if cursor is None:
            return found, True
    return found, False


def _use(export: Export) -> VersionUse:
    where = f"{export.connector}: {export.table}" if export.table else export.connector
    return VersionUse(
        version=export.version or 0,
        kind="exporter",
        name=export.exporter,
        made=None,
        at=export.asked_at,
        run_id=export.run_id,
        detail=f"{where}, {export.status}",
    )
