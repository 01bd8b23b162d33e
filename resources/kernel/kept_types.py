"""Arrow types as Waybill keeps them: one form for what means the same, and nothing that a reader would misread.

| arrives as | is kept as | why |
|---|---|---|
| `large_string`, `string_view`, `null` | `string` | one text type, so that two versions compare equal |
| `large_binary`, `binary_view` | `binary` | the same |
| `large_list`, `list_view` ... | `list` | the same |
| dictionary, run-end encoded | its value type | Parquet encodes by itself |
| `decimal32`, `decimal64`, `decimal256` that fits 38 digits | `decimal128` | DuckDB reads wider decimals as doubles (E36) |
| decimals of a negative scale (hundreds, thousands) | whole numbers with all zeros | Parquet has no negative scale |
| `timestamp[s]`, `time32[s]` | the same in milliseconds | Parquet has no seconds, and would give back another type |
| `date64` | `date32` | Parquet has one type of dates |
| `duration[ns]` | `duration[us]`, exactly or refused | DuckDB's intervals end at microseconds |
| `arrow.json`, `arrow.uuid` | `string` | what they say; a UUID in its canonical form |
| `arrow.bool8` | `bool` | what it means |
| `arrow.fixed_shape_tensor` | fixed-size list of its values, row by row | what it holds; its shape is dropped |

Rules hold within lists, structs and maps, too. Every other type is kept as it is, or the store refuses it.
Converting values is the business of `resources.stores.table_types`.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

MAX_DECIMAL128 = 38
MAX_DECIMAL256 = 76


def kept_type(kind: pa.DataType) -> pa.DataType:
    """The type under which values of `kind` are kept; see the table above."""
    for belongs, convert in _RULES:
        if belongs(kind):
            return convert(kind)
    return kind


def children_of(kind: pa.DataType) -> list[pa.DataType]:
    """The types within a type: of elements, members, keys and items, dictionary values, extension storage."""
    if isinstance(kind, pa.BaseExtensionType):
        return [kind.storage_type]
    if pa.types.is_dictionary(kind):
        return [kind.value_type]
    return [kind.field(place).type for place in range(kind.num_fields)]


def holds(kind: pa.DataType, belongs: Callable[[pa.DataType], bool]) -> bool:
    """Whether a type or any type within it belongs."""
    return belongs(kind) or any(holds(child, belongs) for child in children_of(kind))


def is_any_list(kind: pa.DataType) -> bool:
    """Whether a type is a list of any length, in whichever layout."""
    known = (
        pa.types.is_list,
        pa.types.is_large_list,
        pa.types.is_list_view,
        pa.types.is_large_list_view,
    )
    return any(belongs(kind) for belongs in known)


def count_leaves(kind: pa.DataType) -> int:
    """How many columns of values a column of this type has in a Parquet file."""
    return sum(map(count_leaves, children_of(kind))) or 1


def _always(kept: pa.DataType) -> Callable[[pa.DataType], pa.DataType]:
    return lambda _: kept


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(kept_type(kind.value_type))


def _fixed_list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(kept_type(kind.value_type), kind.list_size)


def _struct(kind: pa.DataType) -> pa.DataType:
    return pa.struct([pa.field(field.name, kept_type(field.type)) for field in kind])


def _map(kind: pa.DataType) -> pa.DataType:
    return pa.map_(kept_type(kind.key_type), kept_type(kind.item_type))


def _value(kind: pa.DataType) -> pa.DataType:
    return kept_type(kind.value_type)


def _storage(kind: pa.DataType) -> pa.DataType:
    return kept_type(kind.storage_type)


def _decimal(kind: pa.DataType) -> pa.DataType:
    precision, scale = kind.precision - min(kind.scale, 0), max(kind.scale, 0)
    if precision > MAX_DECIMAL256:
        return kind
    build = pa.decimal128 if precision <= MAX_DECIMAL128 else pa.decimal256
    return build(precision, scale)


def _milliseconds(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp("ms", kind.tz)


def _is_row_major_tensor(kind: pa.DataType) -> bool:
    """A tensor whose values lie as its shape says: of a permuted one a plain list would mislead."""
    if not isinstance(kind, pa.FixedShapeTensorType):
        return False
    return kind.permutation is None or list(kind.permutation) == list(range(len(kind.shape)))


_RULES: list[tuple[Callable[[pa.DataType], bool], Callable[[pa.DataType], pa.DataType]]] = [
    (lambda t: isinstance(t, pa.JsonType | pa.UuidType), _always(pa.string())),
    (lambda t: isinstance(t, pa.Bool8Type), _always(pa.bool_())),
    (_is_row_major_tensor, _storage),
    (pa.types.is_large_string, _always(pa.string())),
    (pa.types.is_string_view, _always(pa.string())),
    (pa.types.is_null, _always(pa.string())),
    (pa.types.is_large_binary, _always(pa.binary())),
    (pa.types.is_binary_view, _always(pa.binary())),
    (pa.types.is_dictionary, _value),
    (pa.types.is_run_end_encoded, _value),
    (is_any_list, _list),
    (pa.types.is_fixed_size_list, _fixed_list),
    (pa.types.is_struct, _struct),
    (pa.types.is_map, _map),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_date64, _always(pa.date32())),
    (lambda t: t == pa.time32("s"), _always(pa.time32("ms"))),
    (lambda t: pa.types.is_timestamp(t) and t.unit == "s", _milliseconds),
    (lambda t: t == pa.duration("ns"), _always(pa.duration("us"))),
]
