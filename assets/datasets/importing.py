"""From a source to a published version. Pure of Dagster: a source, a store, a report.

An import whose source shows the same fingerprint as the newest version did, under the same declaration, writes
nothing: that version is the answer. So schedules and sensors may ask as often as they like. Where a fingerprint is made
of all rows, they are read once: the fingerprint is that of the very rows that were written.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assets.checks.schema_change import accepted_change, newest_readable
from resources.kernel.errors import EmptySourceError
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
    on_schema_change: str = "accept"
    """What becomes of rows whose columns are not those of the version before; see `assets/checks/schema_change.py`."""
    settle_seconds: float | None = 0
    """How long a file must have been left alone to be taken; as the source's connector has it when None."""


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
        SchemaMismatchError: its columns are others, and `on_schema_change` is `fail` (E19 to E21).
        EmptySourceError: the source has no rows, the dataset has some, and `allow_empty` is false (E11).
        WaybillError: whatever the source, the format or the store refuses; nothing is published then.
    """
    started = time.monotonic()
    with source.at_rest(order.settle_seconds).held() as held:
        return _import(held, store, order, started)


def _import(source: Source, store: TableStore, order: ImportOrder, started: float) -> ImportReport:
    previous = newest_readable(store, order.key)
    known = None if order.force else previous
    hint = source.change_hint()
    fingerprint = _ask_before(source, known, hint)
    if known is not None and fingerprint is not None and _is_same(known, source, fingerprint):
        return _unchanged(source, known, fingerprint, started)
    with store.writer(order.key, run_id=order.run_id, attempt=order.attempt) as writer:
        with source.open_streams() as open_stream:
            stream = writer.write_settled(open_stream)
        if fingerprint is None or source.reading_tells:
            fingerprint = source.fingerprint_of(stream)
            if known is not None and _is_same(known, source, fingerprint):
                return _unchanged(source, known, fingerprint, started)
        if writer.rows == 0 and not order.allow_empty and previous is not None and previous.rows:
            raise EmptySourceError(
                f"dataset {order.name}: {source.title} ({source.spec.target}) returned 0 rows;"
                f" kept version {previous.number} with {previous.rows:,}",
                hint="If the source is rightly empty, set `allow_empty: true` and run again",
            )
        remembered = source.kept()
        written, policy = writer.settled_schema(), order.on_schema_change
        changed = accepted_change(store, order.key, written, policy, before=previous)
        properties = _properties(remembered, fingerprint, stream, hint)
        version = writer.publish(properties={**properties, **changed})
    return ImportReport(
        version,
        fingerprint,
        time.monotonic() - started,
        change=_schema_change(store, order.key, previous, version),
        guesses=tuple(stream.guesses),
        warnings=tuple(stream.warnings),
    )


def _unchanged(
    source: Source, known: StoredVersion, fingerprint: Fingerprint, started: float
) -> ImportReport:
    seconds = time.monotonic() - started
    return ImportReport(
        known, fingerprint, seconds, unchanged=True, warnings=tuple(source.left_out)
    )


def _ask_before(source: Source, known: StoredVersion | None, hint: str) -> Fingerprint | None:
    """The fingerprint, if asking for it before reading can spare something; None where reading is the way to it.

    Where the rows tell it, a look of its own costs a pass over all of them. That pays when nothing has to be written
    afterwards, which the database's hint makes likely.
    """
    if source.reading_tells and not (known and hint and _source_of(known).get("hint") == hint):
        return None
    return source.fingerprint()


def imported_upload(store: TableStore, key: tuple[str, ...]) -> int:
    """The number of the upload that the newest version was made of; 0 where it was made of none."""
    newest = newest_readable(store, key)
    number = _source_of(newest).get("upload") if newest is not None else None
    return number if isinstance(number, int) else 0


def _source_of(version: StoredVersion) -> Mapping[str, object]:
    kept = version.properties.get("source")
    return kept if isinstance(kept, Mapping) else {}


def _is_same(version: StoredVersion, source: Source, fingerprint: Fingerprint) -> bool:
    kept = _source_of(version)
    return (
        kept.get("fingerprint"),
        kept.get("declaration"),
        kept.get("rules"),
    ) == (fingerprint.version, source.spec.digest(), RULES)


def _properties(
    source: Source, fingerprint: Fingerprint, stream: BatchStream, hint: str
) -> dict[str, Any]:
    return {
        "origin": source.origin,
        "source": {
            **source.record(),
            "fingerprint": fingerprint.version,
            "hint": hint,
            "declaration": source.spec.digest(),
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
