"""Thrift's compact protocol, as far as the footer of a Parquet file needs it: bytes into plain values and back, unknown fields too.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from resources.kernel.errors import InputError

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
_INTEGERS = (I16, I32, I64)
_DEPTH = 64


@dataclass
class Struct:
    """Fields by number: (type, value). A boolean is told by its type."""

    fields: dict[int, tuple[int, Any]] = field(default_factory=dict)

    def get(self, number: int, default: Any = None) -> Any:
        """The value of a field."""
        return self.fields[number][1] if number in self.fields else default

    def put(self, number: int, kind: int, value: Any) -> None:
        """Sets a field."""
        self.fields[number] = kind, value


@dataclass
class Items:
    """A list or a set: the type of its values, and these."""

    kind: int
    values: list[Any]


def decode(data: bytes) -> Struct:
    """The struct that `data` is.

    Raises:
        InputError: it is none.
    """
    try:
        return _Reader(data).struct(0)
    except (IndexError, ValueError) as error:
        raise InputError(f"this is no Thrift struct: {error}") from error


def encode(struct: Struct) -> bytes:
    """The same as bytes."""
    out = bytearray()
    _write_struct(out, struct)
    return bytes(out)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self, depth: int) -> Struct:
        if depth > _DEPTH:
            raise ValueError("it is nested too deep")
        found, number = Struct(), 0
        while (head := self._byte()) != 0:
            kind, step = head & 15, head >> 4
            number = number + step if step else _unzigzag(self._varint())
            found.fields[number] = kind, self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int, *, is_item: bool = False) -> Any:
        if kind in (TRUE, FALSE):
            return self._byte() if is_item else kind == TRUE
        if kind in _INTEGERS:
            return _unzigzag(self._varint())
        if kind in (BYTE, DOUBLE, BINARY):
            return self._plain(kind)
        if kind in (LIST, SET):
            return self._items(depth)
        if kind == STRUCT:
            return self.struct(depth + 1)
        raise ValueError(f"type {kind} is not known")

    def _plain(self, kind: int) -> Any:
        if kind == BYTE:
            return self._byte()
        return self._take(8 if kind == DOUBLE else self._varint())

    def _items(self, depth: int) -> Items:
        head = self._byte()
        kind, count = head & 15, head >> 4
        count = self._varint() if count == 15 else count
        if count > len(self._data):
            raise ValueError("a list is longer than the data")
        values = [self._value(kind, depth + 1, is_item=True) for _ in range(count)]
        return Items(kind, values)

    def _byte(self) -> int:
        value = self._data[self._at]
        self._at += 1
        return value

    def _take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) != count:
            raise ValueError("it ends too early")
        self._at += count
        return found

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number is too long")


def _write_struct(out: bytearray, struct: Struct) -> None:
    last = 0
    for number, (kind, value) in sorted(struct.fields.items()):
        step = number - last
        if 0 < step < 16:
            out.append(step << 4 | kind)
        else:
            out.append(kind)
            _write_varint(out, _zigzag(number))
        last = number
        if kind not in (TRUE, FALSE):
            _write_value(out, kind, value)
    out.append(0)


def _write_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in (TRUE, FALSE, BYTE):
        out.append(value)
    elif kind in _INTEGERS:
        _write_varint(out, _zigzag(value))
    elif kind == DOUBLE:
        out += value
    elif kind == BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind == STRUCT:
        _write_struct(out, value)
    else:
        _write_items(out, value)


def _write_items(out: bytearray, items: Items) -> None:
    count = len(items.values)
    out.append(min(count, 15) << 4 | items.kind)
    if count >= 15:
        _write_varint(out, count)
    for value in items.values:
        _write_value(out, items.kind, value)


def _write_varint(out: bytearray, value: int) -> None:
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(value: int) -> int:
    return value >> 1 if not value & 1 else -(value >> 1) - 1
