"""Reading Parquet: files of one schema to one stream of batches, memory bounded. Writing is `parquet_write`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from resources.formats.files import SourceFile, check_not_empty
from resources.kernel.errors import ParseError, SchemaMismatchError
from resources.kernel.records import BatchStream
from resources.kernel.schema import check_column_names

MAX_COLUMNS = 20_000
_BATCH_ROWS = 65_536
_BATCH_VALUES = 4_000_000
_BUFFER_BYTES = 1024 * 1024
_THRIFT_BYTES = (
    256 * 1024 * 1024
)  # a footer that claims more is refused before memory is taken (T39)


class ParquetReader:
    """One dataset from Parquet files of one schema.

    Dictionary columns come as the values they stand for; nothing else is converted.
    """

    def __init__(
        self, files: Sequence[SourceFile], *, columns: Sequence[str] | None = None
    ) -> None:
        self._files = list(files)
        self._columns = None if columns is None else list(columns)

    def stream(self) -> BatchStream:
        """The rows of all files in the order given.

        Raises:
            EmptySourceError: a file without a byte.
            ParseError: a file that is no Parquet or is damaged; also while iterating.
            SchemaMismatchError: files whose columns or types differ, naming file and column.
            InputError: columns without a name or of one name (E22).
        """
        check_not_empty(self._files)
        schema = self._common_schema()
        return BatchStream(schema, self._read(schema))

    def _common_schema(self) -> pa.Schema:
        first, *others = self._files
        with _open(first) as opened:
            schema = _plain_schema(opened, first)
        for file in others:
            with _open(file) as opened:
                _check_same(schema, _plain_schema(opened, file), first, file)
        if self._columns is None:
            return schema
        missing = [name for name in self._columns if name not in schema.names]
        if missing:
            raise SchemaMismatchError(
                f"{first.name} has no column {missing[0]!r}",
                hint=f"It has: {', '.join(schema.names[:20])}",
                file=first.name,
                missing=missing,
            )
        return pa.schema([schema.field(name) for name in self._columns])

    def _read(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        rows = max(1024, min(_BATCH_ROWS, _BATCH_VALUES // max(len(schema), 1)))
        for file in self._files:
            with _open(file) as opened:
                for batch in opened.iter_batches(
                    batch_size=rows, columns=schema.names, use_threads=True
                ):
                    yield _as_schema(batch, schema)


def _plain_schema(opened: pq.ParquetFile, file: SourceFile) -> pa.Schema:
    schema = opened.schema_arrow
    if len(schema) > MAX_COLUMNS:
        raise SchemaMismatchError(
            f"{file.name} has {len(schema):,} columns",
            hint=f"At most {MAX_COLUMNS:,} are read",
            file=file.name,
        )
    check_column_names(schema.names, where=file.name)
    return pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _check_same(one: pa.Schema, other: pa.Schema, first: SourceFile, file: SourceFile) -> None:
    for name in (*one.names, *other.names):
        sides = [
            f"{schema.field(name).type} in {source.name}"
            if name in schema.names
            else f"missing in {source.name}"
            for schema, source in ((one, first), (other, file))
        ]
        if name not in one.names or name not in other.names or one.field(name) != other.field(name):
            raise SchemaMismatchError(
                f"{file.name}: column {name!r} is {sides[0]}, but {sides[1]}",
                hint="Files of one dataset need the same columns and types; narrow the path or split the dataset",
                file=file.name,
                column=name,
            )


def _as_schema(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Columns by name in the order of `schema`, dictionaries decoded."""
    columns = [
        column
        if (column := batch.column(field.name)).type == field.type
        else column.cast(field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


@contextmanager
def _open(file: SourceFile) -> Iterator[pq.ParquetFile]:
    """The file, with what Arrow says about damage while it is open turned into one error.

    `pre_buffer` would hold the whole file, and without a buffer size a whole column chunk is read at once.
    """
    try:
        with pq.ParquetFile(
            file.path,
            pre_buffer=False,
            buffer_size=_BUFFER_BYTES,
            page_checksum_verification=True,
            thrift_string_size_limit=_THRIFT_BYTES,
            thrift_container_size_limit=10_000_000,
        ) as opened:
            yield opened
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = str(error).splitlines()[0][:200]
        raise ParseError(
            f"cannot be read as Parquet ({said})",
            file=file.name,
            hint="The file is damaged, cut off or of another format: send it again",
        ) from error
