"""Rows, changes and files of a set, for tests."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.classifications.records import FileEntry, FileFacts, RowChanges

COLUMNS = [("Brand", "text"), ("Size", "integer"), ("Price", "float"), ("Tags", "list[string]")]
TYPES = {
    "text": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "list[string]": pa.list_(pa.string()),
}
SET = "products"


def table(rows: dict[str, tuple[Any, ...]], columns=COLUMNS) -> pa.Table:
    schema = pa.schema(
        [pa.field("Key", pa.string(), nullable=False), *((n, TYPES[k]) for n, k in columns)]
    )
    ordered = sorted(rows.items(), key=lambda item: item[0].encode())
    return pa.table(
        [[key for key, _ in ordered], *([v[n] for _, v in ordered] for n in range(len(columns)))],
        schema=schema,
    )


def held(catalog: ClassificationCatalog, columns=COLUMNS, name=SET) -> dict[str, tuple[Any, ...]]:
    """All rows of the set, read as a stream."""
    with catalog.stream(name, columns) as (_stored, stream):
        rows = [row for batch in stream for row in batch.to_pylist()]
    assert [row["Key"] for row in rows] == sorted((row["Key"] for row in rows), key=str.encode)
    return {row.pop("Key"): tuple(row.values()) for row in rows}


def facts(run_id: str, **changes: Any) -> FileFacts:
    given = {
        "kind": "file",
        "name": f"{run_id}.csv",
        "sha256": "ab",
        "size_bytes": 7,
        "author": "ada",
    }
    return FileFacts(run_id=run_id, **{**given, **changes})


def change(
    catalog: ClassificationCatalog,
    run_id: str,
    put: dict[str, tuple[Any, ...]] | None = None,
    delete: tuple[str, ...] = (),
    *,
    columns=COLUMNS,
    keep: int = 10,
    base: int | None = None,
    name: str = SET,
) -> FileEntry:
    """Writes rows and deletes keys as a file of run `run_id`."""
    before = held(catalog, columns, name)
    put = put or {}
    old = {key: before[key] for key in {*put, *delete} if key in before}
    stored = catalog.find(name)
    if base is None:
        base = stored.version if stored else 0
    changes = RowChanges(
        upserts=table(put, columns),
        old=table(old, columns),
        deleted=pa.array(sorted(delete, key=str.encode), pa.string()),
    )
    return catalog.apply(name, columns, changes, facts(run_id), base_version=base, keep=keep)


def go_back(
    catalog: ClassificationCatalog, run_id: str, wanted: int, *, columns=COLUMNS
) -> FileEntry:
    earlier = catalog.earlier(SET, columns, wanted)
    then = {row.pop("Key"): tuple(row.values()) for row in earlier.table.to_pylist()}
    now = held(catalog, columns)
    touched = set(earlier.keys.to_pylist())
    put = {key: row for key, row in then.items() if now.get(key) != row}
    gone = tuple(key for key in now if key in touched and key not in then)
    return change(catalog, run_id, put, gone, columns=columns)
