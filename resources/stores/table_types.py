"""Arrow types as the store keeps them: one form for what means the same, and nothing that a reader would misread.

| arrives as | is kept as | why |
|---|---|---|
| `large_string`, `string_view`, `null` | `string` | one text type, so that two versions compare equal |
| `large_binary`, `binary_view` | `binary` | the same |
| `large_list`, `list_view` ... | `list` | the same |
| dictionary, run-end encoded | its value type | Parquet encodes by itself |
| `decimal256` that fits 38 digits | `decimal128` | DuckDB reads wider decimals as doubles (E36) |
| `duration[ns]` | `duration[us]`, exactly or refused | DuckDB's intervals end at microseconds |
| `arrow.json` | `string` | what it holds |

Everything else is kept as it is, or refused by the name of its column. Metadata of schemas and fields is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resources.kernel.errors import InputError, SchemaMismatchError
from resources.kernel.schema import check_column_names

_MAX_DECIMAL128 = 38


def storage_schema(schema: pa.Schema, *, where: str) -> pa.Schema:
    """The schema under which a table of `schema` is kept.

    Raises:
        InputError: two columns of one name (E22), or a type that Parquet cannot keep, naming the column.
    """
    check_column_names(schema.names, where=where)
    stored = pa.schema([pa.field(field.name, storage_type(field.type)) for field in schema])
    _check_writable(stored, where)
    return stored


def storage_type(kind: pa.DataType) -> pa.DataType:
    """The type under which values of `kind` are kept; see the table above."""
    for belongs, convert in _RULES:
        if belongs(kind):
            return convert(kind)
    return kind


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
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_run_end_encoded(column.type):
        column = pc.run_end_decode(column)
    try:
        return column.cast(field.type)
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
        if storage_type(got.type) != wanted.type:
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


def _try_write(schema: pa.Schema) -> None:
    extension = next((f for f in schema if isinstance(f.type, pa.BaseExtensionType)), None)
    if extension is not None:
        raise pa.ArrowNotImplementedError(str(extension.type))
    pq.ParquetWriter(pa.BufferOutputStream(), schema).close()


def _text(_: pa.DataType) -> pa.DataType:
    return pa.string()


def _binary(_: pa.DataType) -> pa.DataType:
    return pa.binary()


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(storage_type(kind.value_type))


def _fixed_list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(storage_type(kind.value_type), kind.list_size)


def _struct(kind: pa.DataType) -> pa.DataType:
    return pa.struct([pa.field(field.name, storage_type(field.type)) for field in kind])


def _map(kind: pa.DataType) -> pa.DataType:
    return pa.map_(storage_type(kind.key_type), storage_type(kind.item_type))


def _value(kind: pa.DataType) -> pa.DataType:
    return storage_type(kind.value_type)


def _decimal(kind: pa.DataType) -> pa.DataType:
    fits = kind.precision <= _MAX_DECIMAL128
    return pa.decimal128(kind.precision, kind.scale) if fits else kind


def _duration(_: pa.DataType) -> pa.DataType:
    return pa.duration("us")


def _is_any_list(kind: pa.DataType) -> bool:
    known = (
        pa.types.is_list,
        pa.types.is_large_list,
        pa.types.is_list_view,
        pa.types.is_large_list_view,
    )
    return any(belongs(kind) for belongs in known)


_RULES: list[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], pa.DataType]]] = [
    (lambda t: isinstance(t, pa.JsonType), _text),
    (pa.types.is_large_string, _text),
    (pa.types.is_string_view, _text),
    (pa.types.is_null, _text),
    (pa.types.is_large_binary, _binary),
    (pa.types.is_binary_view, _binary),
    (pa.types.is_dictionary, _value),
    (pa.types.is_run_end_encoded, _value),
    (_is_any_list, _list),
    (pa.types.is_fixed_size_list, _fixed_list),
    (pa.types.is_struct, _struct),
    (pa.types.is_map, _map),
    (pa.types.is_decimal256, _decimal),
    (lambda t: t == pa.duration("ns"), _duration),
]
