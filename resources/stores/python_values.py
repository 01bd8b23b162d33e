"""Tables as a Python transform takes and returns them: by the annotation of a parameter, by the type of a result."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from resources.kernel.errors import ConfigError, InputError
from resources.kernel.keys import Key
from resources.kernel.records import BatchStream
from resources.stores.table_writer import TableWriter
from resources.stores.tables import BATCH_ROWS, StoredTable, TableStore

if TYPE_CHECKING:
    import duckdb

_TAKEN = (
    "pandas.DataFrame, pyarrow.Table, pyarrow.RecordBatchReader, duckdb.DuckDBPyRelation,"
    " polars.DataFrame, polars.LazyFrame, StoredTable or BatchStream"
)


def read_value(
    store: TableStore,
    key: Key,
    annotation: Any,
    select: Callable[[StoredTable], StoredTable] = lambda table: table,
) -> tuple[Any, int]:
    """The newest version of a table as `annotation` asks for it, and that version's number.

    No annotation means a pandas frame. Relations belong to DuckDB's default connection, so that several of
    them can be joined, by `duckdb.sql("... from flights join planes ...")` too. `select` narrows the table to the
    partitions that are asked for.

    Raises:
        ConfigError: an annotation that names no table.
        NotFoundError: the table has no version.
        MissingDependencyError: Polars is asked for and not installed.
    """
    reader = _READERS.get(_type_name(annotation))
    if reader is None:
        raise ConfigError(
            f"The parameter for {'/'.join(key)} is annotated {annotation!r}, which is no table",
            hint=f"Annotate it {_TAKEN}; without an annotation it is a pandas.DataFrame",
        )
    return store.read_latest(key, lambda table: (reader(select(table)), table.version.number))


def write_value(writer: TableWriter, value: Any, *, where: str) -> None:
    """Writes what a transform returned.

    Raises:
        InputError: no table, or one that cannot be stored as it is, with column and row.
    """
    if _is_of(value, "duckdb", "DuckDBPyRelation"):
        writer.copy_relation(value)
    else:
        stream = _stream(value, where)
        if not stream.schema.names:
            raise InputError(
                f"{where}: the transform returned a table without columns",
                hint="Return at least one column; a table may have no rows",
            )
        writer.write(stream)


def _stream(value: Any, where: str) -> BatchStream:
    if is_pandas(value):
        from resources.stores.frames import from_pandas

        return from_pandas(value, where=where)
    if isinstance(value, BatchStream):
        return value
    if isinstance(value, StoredTable):
        return value.batches()
    polars = _from_polars(value)
    return _arrow_stream(value if polars is None else polars, where)


def _arrow_stream(value: Any, where: str) -> BatchStream:
    if isinstance(value, pa.Table):
        return BatchStream(value.schema, iter(value.to_batches(max_chunksize=BATCH_ROWS)))
    if isinstance(value, pa.RecordBatch):
        return BatchStream(value.schema, iter([value]))
    if isinstance(value, pa.RecordBatchReader):
        return BatchStream(value.schema, iter(value))
    if isinstance(value, Iterator):
        return _from_iterator(value, where)
    raise InputError(
        f"{where}: the transform returned {type(value).__name__}, which is no table",
        hint=f"Return {_TAKEN} or an iterator of record batches",
    )


def _from_iterator(batches: Iterator[Any], where: str) -> BatchStream:
    first = next(batches, None)
    if first is None:
        raise InputError(
            f"{where}: the transform yielded no batch, so its columns are unknown",
            hint="Yield at least one record batch; it may have no rows",
        )
    every = _checked(chain([first], batches), where)
    opening = next(every)
    return BatchStream(opening.schema, chain([opening], every))


def _checked(batches: Iterator[Any], where: str) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if not isinstance(batch, pa.RecordBatch):
            raise InputError(
                f"{where}: the transform yielded {type(batch).__name__}, not a pyarrow.RecordBatch",
                hint="Yield record batches of one schema",
            )
        yield batch


def _from_polars(value: Any) -> pa.Table | None:
    """A Polars frame as an Arrow table."""
    if _is_of(value, "polars", "LazyFrame"):
        value = value.collect(engine="streaming")
    return value.to_arrow() if _is_of(value, "polars", "DataFrame") else None


def is_pandas(value: object) -> bool:
    """Whether it is a pandas frame."""
    return _is_of(value, "pandas", "DataFrame")


def _is_of(value: object, library: str, name: str) -> bool:
    """Whether it is an instance of a library's class. The library is not imported for it: who has one has done that."""
    kind = getattr(sys.modules.get(library), name, None)
    return kind is not None and isinstance(value, kind)


def _type_name(annotation: Any) -> str:
    if annotation is Any or annotation is None:
        return "Any"
    module = str(getattr(annotation, "__module__", "")).partition(".")[0]
    return f"{module.removeprefix('_')}.{getattr(annotation, '__name__', '')}"


def _relation(table: StoredTable) -> duckdb.DuckDBPyRelation:
    import duckdb

    return table.relation(duckdb.default_connection())


_READERS: dict[str, Callable[[StoredTable], Any]] = {
    "Any": StoredTable.to_pandas,
    "pandas.DataFrame": StoredTable.to_pandas,
    "pyarrow.Table": StoredTable.to_table,
    "pyarrow.RecordBatchReader": lambda table: table.batches().to_reader(),
    "duckdb.DuckDBPyRelation": _relation,
    "polars.DataFrame": StoredTable.to_polars,
    "polars.LazyFrame": StoredTable.scan_polars,
    "resources.StoredTable": lambda table: table,
    "resources.BatchStream": StoredTable.batches,
}
