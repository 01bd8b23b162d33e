"""Tables as the store keeps them: schemas that can be read back, and batches turned into them.

Which type is kept as which is `resources.kernel.kept_types`. Everything else is kept as it is, or refused by the name of
its column before anything is written. Metadata of schemas and fields is dropped, but for the
marks of `resources.kernel.schema`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from resources.formats.plain_arrays import to_plain
from resources.kernel.errors import InputError, SchemaMismatchError
from resources.kernel.kept_types import holds, kept_type
from resources.kernel.schema import check_column_names, with_marks


def storage_schema(schema: pa.Schema, *, where: str) -> pa.Schema:
    """The schema under which a table of `schema` is kept.

    Raises:
        InputError: two columns of one name (E22), or a type that Parquet cannot keep, naming the column.
    """
    check_column_names(schema.names, where=where)
    stored = pa.schema([with_marks(pa.field(f.name, kept_type(f.type)), f) for f in schema])
    _check_writable(stored, where)
    return stored


def to_storage(batch: pa.RecordBatch, schema: pa.Schema, *, where: str) -> Iterator[pa.RecordBatch]:
    """`batch` with the types of `schema`, cut in halves where its text does not fit 32-bit offsets.

    Raises:
        SchemaMismatchError: other columns than announced.
        InputError: a value that the stored type cannot hold exactly.
    """
    _check_batch(batch, schema, where)
    try:
        columns = [
            _convert(column, field, where)
            for column, field in zip(batch.columns, schema, strict=True)
        ]
    except _TooLongError:
        middle = batch.num_rows // 2
        yield from to_storage(batch.slice(0, middle), schema, where=where)
        yield from to_storage(batch.slice(middle), schema, where=where)
        return
    yield pa.RecordBatch.from_arrays(columns, schema=schema)


class _TooLongError(Exception):
    """The text of a batch needs 64-bit offsets."""


def _convert(column: pa.Array, field: pa.Field, where: str) -> pa.Array:
    if column.type == field.type:
        return column
    try:
        return to_plain(column).cast(field.type)
    except pa.ArrowInvalid as error:
        if "too large" in str(error) and len(column) > 1:
            raise _TooLongError from error
        raise InputError(
            f"{where}: column {field.name!r} of type {column.type} holds a value that {field.type}"
            f" cannot hold exactly: {str(error)[:120]}",
            hint="Round it or turn it into text before it is stored",
            column=field.name,
        ) from error


def _check_batch(batch: pa.RecordBatch, schema: pa.Schema, where: str) -> None:
    if batch.schema.names != schema.names:
        raise SchemaMismatchError(
            f"{where}: a batch has the columns {batch.schema.names[:20]}, announced were"
            f" {schema.names[:20]}",
            hint="All batches of a stream have the columns of its schema, in its order",
        )
    for got, wanted in zip(batch.schema, schema, strict=True):
        if not _means_the_same(got.type, wanted.type):
            raise SchemaMismatchError(
                f"{where}: a batch has {got.type} in column {got.name!r}, announced was {wanted.type}",
                hint="All batches of a stream have the types of its schema",
                column=got.name,
            )


def _check_writable(schema: pa.Schema, where: str) -> None:
    try:
        _try_write(schema)
    except pa.ArrowException as whole:
        for field in schema:
            try:
                _try_write(pa.schema([field]))
            except pa.ArrowException as error:
                raise InputError(
                    f"{where}: column {field.name!r} has the type {field.type}, which cannot be kept",
                    hint="Turn it into text, numbers, dates, lists or structs first",
                    column=field.name,
                ) from error
        raise InputError(f"{where}: the schema cannot be kept: {str(whole)[:200]}") from whole


def _means_the_same(one: pa.DataType, other: pa.DataType) -> bool:
    return bool(one == other or kept_type(one) == kept_type(other))


def _is_extension(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.BaseExtensionType)


def _try_write(schema: pa.Schema) -> None:
    """Proves on a file without rows that Parquet takes the types and gives the same back."""
    extension = next((f for f in schema if holds(f.type, _is_extension)), None)
    if extension is not None:
        raise pa.ArrowNotImplementedError(str(extension.type))
    sink = pa.BufferOutputStream()
    try:
        pq.ParquetWriter(sink, schema).close()
    except OSError as error:  # so Parquet refuses the scale of a decimal
        raise pa.ArrowNotImplementedError(str(error)) from error
    back = pq.read_schema(pa.BufferReader(sink.getvalue()))
    for written, read in zip(schema, back, strict=True):
        if written.type != read.type:
            raise pa.ArrowNotImplementedError(f"{written.type} is read back as {read.type}")
