"""Profiles beside their tables: the profile of a version of `("datasets", NAME)` is a version of `("datasets", NAME, "profile")`.

One row a column, with the flat facts in columns of their own for SQL, exporters and pandas, and the whole record as JSON.
What belongs to the table as a whole is JSON in the first row. Reading needs pyarrow alone: the web process does it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
import pyarrow as pa

from resources.kernel.errors import IntegrityError, NotFoundError, StorageError
from resources.kernel.keys import Key
from resources.kernel.records import BatchStream, StoredVersion
from resources.profiles.record import (
    FORMAT,
    ColumnProfile,
    Profile,
    decode_column,
    decode_profile,
    encode_column,
    encode_profile,
)
from resources.stores.manifest import Manifest
from resources.stores.tables import StoredTable, TableStore
from resources.stores.versions import VersionStore

ORIGIN = "profile"
_BATCH_COLUMNS = 1_000

SCHEMA = pa.schema(
    [
        pa.field("position", pa.int32(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("missing", pa.int64(), nullable=False),
        pa.field("distinct", pa.int64()),
        pa.field("once", pa.int64()),
        pa.field("lowest", pa.string()),
        pa.field("highest", pa.string()),
        pa.field("mean", pa.float64()),
        pa.field("std", pa.float64()),
        pa.field("skew", pa.float64()),
        pa.field("quantiles", pa.list_(pa.string()), nullable=False),
        pa.field("zeros", pa.int64()),
        pa.field("negatives", pa.int64()),
        pa.field("infinities", pa.int64()),
        pa.field("nans", pa.int64()),
        pa.field("outliers", pa.int64()),
        pa.field("trues", pa.int64()),
        pa.field("blanks", pa.int64()),
        pa.field("least_length", pa.int64()),
        pa.field("mean_length", pa.float64()),
        pa.field("most_length", pa.int64()),
        pa.field("top_value", pa.string()),
        pa.field("top_rows", pa.int64()),
        pa.field("warnings", pa.string(), nullable=False),
        pa.field("record", pa.string(), nullable=False),
        pa.field("table", pa.string()),
    ]
)
COLUMN_DESCRIPTIONS = {
    "missing": "Rows without a value",
    "distinct": "How many different values there are",
    "once": "How many values occur exactly once",
    "quantiles": "At 0, 1, 5, 25, 50, 75, 95, 99 and 100 %",
    "outliers": "Numbers beyond one and a half times the distance of the quartiles",
    "warnings": "What is worth a look, separated by commas",
    "record": "All facts of the column, as JSON",
    "table": "What belongs to the table as a whole, as JSON, in the first row alone",
}


def profile_key(key: Key) -> Key:
    """Where the profiles of a table are kept."""
    return (*key, ORIGIN)


def content_of(version: StoredVersion) -> str:
    """SHA-256 over the hashes of the files of a version: two that share it have the same rows."""
    digest = hashlib.sha256()
    for file in version.files:
        digest.update(bytes.fromhex(file.sha256))
    return digest.hexdigest()


def keep_profile(
    store: TableStore, profile: Profile, *, run_id: str, attempt: int = 0
) -> StoredVersion:
    """Publishes a profile; the small facts of it are properties of the version, where listings find them."""
    facts = {
        "origin": ORIGIN,
        "profile_format": FORMAT,
        "profile_of": profile.of.version,
        "profile_content": profile.of.content,
        "table_rows": profile.rows,
        "missing_cells": profile.missing_cells,
        "duplicate_rows": profile.duplicate_rows,
        "seconds": round(profile.seconds, 3),
    }
    with store.writer(profile_key(profile.of.key), run_id=run_id, attempt=attempt) as writer:
        writer.write(BatchStream(SCHEMA, _batches(profile)))
        return writer.publish(facts)


def find_profile(store: VersionStore, key: Key, version: int | None = None) -> Manifest | None:
    """The newest profile of a version of a table, or of any version; None if there is none.

    Args:
        store: where both are kept.
        key: of the table.
        version: its number; None: whichever was profiled last.
    """
    for manifest in _profiles(store, key):
        if version is None or manifest.properties.get("profile_of") == version:
            return manifest
    return None


def kept_profiles(store: VersionStore, key: Key) -> tuple[Manifest, ...]:
    """The profiles of a table, the newest first, by one look; damaged ones are passed over."""
    return tuple(reversed(store.item(profile_key(key)).versions()))


def find_same_content(found: Iterable[Manifest], content: str) -> Manifest | None:
    """Among profiles one of the same rows, of whichever version: of a restored one it need not be computed again."""
    for manifest in found:
        facts = manifest.properties
        if facts.get("profile_content") == content and facts.get("profile_format") == FORMAT:
            return manifest
    return None


def read_profile(store: VersionStore, key: Key, version: int | None = None) -> Profile:
    """The profile of a version of a table, or the newest profile.

    Raises:
        NotFoundError: there is none of it.
        StorageError: a newer Waybill wrote it.
        IntegrityError: it is damaged.
    """
    return profile_in(store, key, _found(store, key, version))


def profile_in(store: VersionStore, key: Key, manifest: Manifest) -> Profile:
    """The profile that a version of `profile_key(key)` holds; errors as of `read_profile`."""
    _check_format(manifest)
    kept = _stored(store, key, manifest).to_table(["record", "table"])
    table, records = kept.column("table"), kept.column("record")
    try:
        whole = decode_profile(table[0].as_py())
        columns = tuple(decode_column(record.as_py()) for record in records)
    except (msgspec.MsgspecError, IndexError, TypeError) as error:
        raise _damaged(manifest, key, str(error)) from error
    return replace(whole, columns=columns)


def read_column_facts(store: VersionStore, key: Key, version: int) -> dict[str, dict[str, Any]]:
    """Flat facts of the columns of a version, by name; none where it has no profile. Quicker than the whole profile.

    Raises:
        IntegrityError: the profile is damaged.
    """
    manifest = find_profile(store, key, version)
    if manifest is None:
        return {}
    facts = ["name", "missing", "distinct", "lowest", "highest", "mean", "warnings"]
    rows = _stored(store, key, manifest).to_table(facts).to_pylist()
    return {row.pop("name"): row for row in rows}


def _found(store: VersionStore, key: Key, version: int | None) -> Manifest:
    manifest = find_profile(store, key, version)
    if manifest is None:
        which = "" if version is None else f"version {version} of "
        raise NotFoundError(
            f"There is no profile of {which}{key[-1]}",
            hint=f"Make it with `waybill dataset profile {key[-1]} --compute`",
            name=key[-1],
            version=version,
        )
    return manifest


def _profiles(store: VersionStore, key: Key) -> Iterator[Manifest]:
    """Kept profiles, the newest first; damaged ones are passed over."""
    item = store.item(profile_key(key))
    for number in reversed(item.numbers()):
        with suppress(IntegrityError, NotFoundError):
            yield item.version(number)


def _stored(store: VersionStore, key: Key, manifest: Manifest) -> StoredTable:
    return StoredTable(store.item(profile_key(key)), manifest)


def _check_format(manifest: Manifest) -> None:
    written = manifest.properties.get("profile_format")
    if not isinstance(written, int) or written > FORMAT:
        raise StorageError(
            f"A profile has format {written}; this Waybill reads up to {FORMAT}",
            hint="It was written by a newer Waybill: upgrade this one, or make the profile again",
        )


def _damaged(manifest: Manifest, key: Key, reason: str) -> IntegrityError:
    return IntegrityError(
        f"The profile {manifest.number} of {'/'.join(key)} is damaged: {reason[:200]}",
        hint=f"Make it again with `waybill dataset profile {key[-1]} --compute`",
    )


def _batches(profile: Profile) -> Iterator[pa.RecordBatch]:
    table: str | None = encode_profile(profile.without_columns())
    for start in range(0, len(profile.columns), _BATCH_COLUMNS):
        rows = [_row(column) for column in profile.columns[start : start + _BATCH_COLUMNS]]
        rows[0]["table"], table = table, None
        yield pa.RecordBatch.from_pylist(rows, SCHEMA)


def _row(column: ColumnProfile) -> dict[str, Any]:
    flat = {name: getattr(column, name) for name in SCHEMA.names if name in _SAME}
    lengths, top = column.lengths, column.top[0] if column.top else None
    return flat | {
        "lowest": _text(column.lowest),
        "highest": _text(column.highest),
        "quantiles": [str(value) for value in column.quantiles],
        "least_length": lengths and lengths.least,
        "mean_length": lengths and lengths.mean,
        "most_length": lengths and lengths.most,
        "top_value": top and top.value,
        "top_rows": top and top.rows,
        "warnings": ",".join(column.warnings),
        "record": encode_column(column),
    }


_SAME = {
    "position", "name", "type", "kind", "missing", "distinct", "once", "mean", "std", "skew", "zeros", "negatives",
    "infinities", "nans", "outliers", "trues", "blanks",
}  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)
