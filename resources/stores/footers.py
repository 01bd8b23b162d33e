"""What the footers of written files say: whether readers get the types that were announced, and which columns hold no value.

No row is read again for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from resources.kernel.errors import IntegrityError
from resources.kernel.kept_types import count_leaves, kept_type
from resources.kernel.schema import without_values


class FooterCheck:
    """Looks at every file of one version before it is published."""

    def __init__(self) -> None:
        self._empty: set[str] | None = None

    def take(self, path: Path, schema: pa.Schema, *, where: str) -> None:
        """Compares a file with the schema that its version will have.

        Raises:
            IntegrityError: readers would get other columns or types than announced.
        """
        with pq.ParquetFile(path) as file:
            _check_types(file.schema_arrow, schema, where)
            candidates = self._empty if self._empty is not None else set(schema.names)
            self._empty = _without_values(file.metadata, schema, candidates)

    def mark(self, schema: pa.Schema) -> pa.Schema:
        """`schema` with the mark of `kernel.schema.has_no_values` on columns that no file has a value of."""
        empty = self._empty or set()
        return pa.schema([without_values(f) if f.name in empty else f for f in schema])


def _check_types(found: pa.Schema, announced: pa.Schema, where: str) -> None:
    if found.names == announced.names:
        pairs = zip(found, announced, strict=True)
        odd = next((p for p in pairs if kept_type(p[0].type) != kept_type(p[1].type)), None)
        if odd is None:
            return
        said = f"column {odd[1].name!r} is written as {odd[1].type} and read back as {odd[0].type}"
    else:
        said = f"its file has the columns {found.names[:10]}, announced were {announced.names[:10]}"
    raise IntegrityError(
        f"{where}: nothing was published, because no reader could read it: {said}",
        hint="Give the column another type where it is made",
    )


def _without_values(metadata: pq.FileMetaData, schema: pa.Schema, names: set[str]) -> set[str]:
    """Those of the columns `names` that have nulls alone; nested columns are never among them."""
    left = [(name, leaf) for name, leaf in _flat_columns(schema) if name in names]
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        left = [(name, leaf) for name, leaf in left if _is_all_null(group.column(leaf))]
        if not left:
            break
    return {name for name, _ in left}


def _is_all_null(chunk: pq.ColumnChunkMetaData) -> bool:
    statistics = chunk.statistics
    known = statistics is not None and statistics.has_null_count
    return known and bool(statistics.null_count == chunk.num_values)


def _flat_columns(schema: pa.Schema) -> Iterator[tuple[str, int]]:
    """Columns that are no lists, structs or maps, and the places of their values among those of a file."""
    place = 0
    for field in schema:
        if not field.type.num_fields:
            yield field.name, place
        place += count_leaves(field.type)
