"""One CSV or TSV record -> its fields, by the rules as they are written (C2, C3, C11). The exact way."""

from __future__ import annotations

from dataclasses import dataclass

FIELD_LIMIT = (
    10_000  # fields of a record that are kept apart; a set with so many columns is refused before
)


@dataclass(frozen=True, slots=True)
class RecordDialect:
    """CSV trims spaces round a field and refuses a quote inside an unquoted one; TSV does neither."""

    delimiter: bytes
    is_csv: bool

    @property
    def blank(self) -> bytes:
        """What a blank line may consist of (C10)."""
        return b" " if self.is_csv else b""


@dataclass(frozen=True, slots=True)
class Record:
    """Fields of a record: none for a blank line, None if its quoting is broken. `end` is where the next one starts."""

    fields: list[bytes] | None
    end: int


def read_record(data: bytes, start: int, dialect: RecordDialect, *, is_last: bool) -> Record | None:
    """The record that starts there; None if its end is not in `data` and more is to come.

    After broken quoting the record goes on as if the quote were text, so that the next record is found.
    """
    newline = data.find(b"\n", start)
    if newline < 0 and not is_last:
        return None
    line = data[start:] if newline < 0 else data[start:newline]
    end = len(data) if newline < 0 else newline + 1
    if b'"' not in line:
        return Record(_split_plain(line.removesuffix(b"\r"), dialect), end)
    scan = _Scan(data, start, dialect)
    return scan.run(is_last=is_last)


def _split_plain(line: bytes, dialect: RecordDialect) -> list[bytes]:
    if not line.strip(dialect.blank):
        return []
    fields = line.split(dialect.delimiter, FIELD_LIMIT)
    return [field.strip(b" ") for field in fields] if dialect.is_csv else fields


class _Scan:
    """Field by field through one record that has a quote somewhere."""

    def __init__(self, data: bytes, start: int, dialect: RecordDialect) -> None:
        self._data = data
        self._position = start
        self._dialect = dialect
        self._is_broken = False

    def run(self, *, is_last: bool) -> Record | None:
        fields: list[bytes] = []
        while True:
            opening = self._skip_spaces(self._position)
            if self._data[opening : opening + 1] == b'"':
                field = self._quoted(opening)
            else:
                field = self._unquoted(self._position)
            if len(fields) <= FIELD_LIMIT:
                fields.append(field)
            if self._position >= len(self._data):
                if not is_last:
                    return None
                break
            stop = self._data[self._position]
            self._position += 1
            if stop == 0x0A:
                break
        return Record(None if self._is_broken else fields, self._position)

    def _quoted(self, opening: int) -> bytes:
        parts = []
        position = opening + 1
        while True:
            closing = self._data.find(b'"', position)
            if closing < 0:
                self._is_broken = True
                self._position = len(self._data)
                return b""
            parts.append(self._data[position:closing])
            if self._data[closing + 1 : closing + 2] != b'"':
                break
            parts.append(b'"')
            position = closing + 2
        after = self._skip_spaces(closing + 1)
        stop = self._field_end(after)
        if self._without_return(after, stop) != after:
            self._is_broken = True
        self._position = stop
        return b"".join(parts)

    def _unquoted(self, start: int) -> bytes:
        stop = self._field_end(start)
        field = self._data[start : self._without_return(start, stop)]
        self._position = stop
        if not self._dialect.is_csv:
            return field
        if b'"' in field:
            self._is_broken = True
        return field.strip(b" ")

    def _field_end(self, start: int) -> int:
        newline = self._data.find(b"\n", start)
        newline = len(self._data) if newline < 0 else newline
        delimiter = self._data.find(self._dialect.delimiter, start, newline)
        return newline if delimiter < 0 else delimiter

    def _without_return(self, start: int, stop: int) -> int:
        """Where the field ends if a carriage return belongs to the line end (G12)."""
        is_line_end = stop == len(self._data) or self._data[stop] == 0x0A
        has_return = stop > start and self._data[stop - 1] == 0x0D
        return stop - 1 if is_line_end and has_return else stop

    def _skip_spaces(self, position: int) -> int:
        if self._dialect.is_csv:
            while self._data[position : position + 1] == b" ":
                position += 1
        return position
