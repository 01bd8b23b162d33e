"""From a source to a published version. Pure of Dagster: a source, a store, a report.

An import whose source shows the same fingerprint as the newest version did, under the same declaration, writes
nothing: that version is the answer. So schedules and sensors may ask as often as they like.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resources.kernel.errors import EmptySourceError, IntegrityError
from resources.kernel.records import BatchStream, Guess, StoredVersion
from resources.kernel.schema import SchemaChange, compare_schemas
from resources.sources.source import Fingerprint, Source
from resources.stores.tables import TableStore

RULES = 2  # grows when the same bytes would be imported differently: an unchanged source is then read again


@dataclass(frozen=True)
class ImportOrder:
    """What to import where, and for whom."""

    name: str
    key: tuple[str, ...]
    run_id: str
    attempt: int = 0
    allow_empty: bool = False
    force: bool = False
    """Import even if the source looks unchanged."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did."""

    version: StoredVersion
    fingerprint: Fingerprint
    seconds: float
    unchanged: bool = False
    change: SchemaChange = field(default_factory=SchemaChange)
    guesses: tuple[Guess, ...] = ()
    warnings: tuple[str, ...] = ()


def import_table(source: Source, store: TableStore, order: ImportOrder) -> ImportReport:
    """Imports the source's whole content as a new version, or finds that nothing changed.

    Raises:
        EmptySourceError: the source has no rows, the dataset has some, and `allow_empty` is false (E11).
        WaybillError: whatever the source, the format or the store refuses; nothing is published then.
    """
    started = time.monotonic()
    fingerprint = source.fingerprint()
    previous = _newest_readable(store, order.key)
    if previous is not None and not order.force and _is_same(previous, source, fingerprint):
        return ImportReport(previous, fingerprint, time.monotonic() - started, unchanged=True)
    with store.writer(order.key, run_id=order.run_id, attempt=order.attempt) as writer:
        with source.open_streams() as open_stream:
            stream = writer.write_settled(open_stream)
        if writer.rows == 0 and not order.allow_empty and previous is not None and previous.rows:
            raise EmptySourceError(
                f"dataset {order.name}: source {source.spec.name} ({source.spec.target}) returned 0 rows;"
                f" kept version {previous.number} with {previous.rows:,}",
                hint="If the source is rightly empty, set `allow_empty: true` and run again",
            )
        version = writer.publish(properties=_properties(source, fingerprint, stream))
    return ImportReport(
        version,
        fingerprint,
        time.monotonic() - started,
        change=_schema_change(store, order.key, previous, version),
        guesses=tuple(stream.guesses),
        warnings=tuple(stream.warnings),
    )


def _newest_readable(store: TableStore, key: tuple[str, ...]) -> StoredVersion | None:
    """The newest version; None when its manifest is damaged too: the import then starts from the source."""
    try:
        return store.item(key).latest()
    except IntegrityError:
        return None


def _is_same(version: StoredVersion, source: Source, fingerprint: Fingerprint) -> bool:
    kept = version.properties.get("source")
    return isinstance(kept, Mapping) and (
        kept.get("fingerprint"),
        kept.get("declaration"),
        kept.get("rules"),
    ) == (fingerprint.version, source.spec.digest(), RULES)


def _properties(source: Source, fingerprint: Fingerprint, stream: BatchStream) -> dict[str, Any]:
    spec = source.spec
    return {
        "origin": "datasource",
        "source": {
            "datasource": spec.name,
            "connector": spec.connector,
            "target": spec.target,
            "fingerprint": fingerprint.version,
            "declaration": spec.digest(),
            "rules": RULES,
            "facts": dict(fingerprint.facts),
        },
        "guesses": [
            {
                "subject": guess.subject,
                "value": guess.value,
                "reason": guess.reason,
                "override": guess.override,
            }
            for guess in stream.guesses
        ],
        "warnings": list(stream.warnings),
    }


def _schema_change(
    store: TableStore, key: tuple[str, ...], previous: StoredVersion | None, version: StoredVersion
) -> SchemaChange:
    if previous is None or previous.number == version.number:
        return SchemaChange()
    return compare_schemas(
        store.read(key, previous.number).schema, store.read(key, version.number).schema
    )
