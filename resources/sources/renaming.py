"""Columns that get another name on their way in: `rename: {old: new}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import pyarrow as pa

from resources.kernel.errors import ConfigError, SchemaMismatchError
from resources.kernel.records import BatchStream
from resources.kernel.schema import check_column_names

_NAMED = 20


def check_rename(rename: Mapping[str, str]) -> None:
    """Looks at new names without knowing the columns.

    Raises:
        ConfigError: an empty name, or one that two columns would have. Its fact `attribute` is `rename`.
    """
    new = list(rename.values())
    twin = next((name for name in new if new.count(name) > 1), None)
    if twin is not None:
        raise ConfigError(
            f"rename: two columns would be called {twin!r}",
            hint="Give each a name of its own",
            attribute="rename",
        )
    if not all(name.strip() for pair in rename.items() for name in pair):
        raise ConfigError("rename: a name is empty", hint="Write `old: new`", attribute="rename")


def renamed(stream: BatchStream, rename: Mapping[str, str], *, where: str) -> BatchStream:
    """The same rows under the new names; guesses and errors keep the names that stand in the file.

    Raises:
        SchemaMismatchError: a column that is not there, or two of one name afterwards.
    """
    names = stream.schema.names
    unknown = [name for name in rename if name not in names]
    if unknown:
        near = get_close_matches(unknown[0], names, n=1)
        meant = f". Did you mean {near[0]!r}?" if near else ""
        raise SchemaMismatchError(
            f"{where}: rename: there is no column {unknown[0]!r}",
            hint=f"Columns: {', '.join(map(repr, names[:_NAMED]))}{meant}",
            columns=unknown,
        )
    new = [rename.get(name, name) for name in names]
    check_column_names(new, where=f"{where}: rename", hint="Give another new name")
    schema = pa.schema(
        [column.with_name(name) for column, name in zip(stream.schema, new, strict=True)],
        metadata=stream.schema.metadata,
    )
    stream.batches = _renamed(stream.batches, schema)
    stream.schema = schema
    return stream


def _renamed(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    try:
        for batch in batches:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()
