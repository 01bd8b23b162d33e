"""One line of JSON against the rules of a set (J1-J13). The exact way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from assets.classifications.problems import FileProblem
from assets.classifications.reading.batch import (
    DELETE_FIELDS,
    DELETE_KEY,
    UPDATE,
    Findings,
    RecordList,
)
from assets.classifications.reading.source import SAVE_AS_UTF8, has_c1_byte
from assets.classifications.reading.table_rows import unknown_column
from assets.classifications.reading.values import (
    Fault,
    Taken,
    Value,
    check_key,
    check_text,
    excerpt,
    read_elements,
    read_value,
)
from assets.classifications.schema import (
    DELETE_TOKEN,
    EMPTY_TOKEN,
    VALUE_LIMIT,
    ColumnType,
    Encoding,
    ParseOptions,
    SetColumn,
    SetSchema,
    find_encoding,
)

MEMBERS = frozenset({"key", "data", "action", "enc"})
LINE_LIMIT = 4 * 1024 * 1024  # bytes; what a longer line holds would not fit the memory bound
_ACTIONS = ("update", "delete-field", "delete-key")
_ABSENT = object()
_SURELY_SHORT = VALUE_LIMIT // 4  # characters, of at most four bytes each


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number or boolean as it was written (J10)."""

    text: str


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {excerpt(twice)} is there twice")
    return members


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=Scalar,
    parse_float=Scalar,
    parse_constant=_refuse_constant,
)


def parse_json(text: str) -> Any:
    """The value; numbers as `Scalar`.

    Raises:
        ValueError: it is not JSON, or has a member twice, or half a surrogate pair.
    """
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if "\\ud" in text.lower():
        _refuse_surrogates(value)
    return value


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=lambda scalar: scalar.text).encode()
    except UnicodeEncodeError:
        raise ValueError("an escape is half a surrogate pair") from None


@dataclass
class JsonRows:
    """Takes lines one by one: good ones into `records`, the others into `findings`."""

    schema: SetSchema
    options: ParseOptions
    records: RecordList
    findings: Findings

    def take(self, row: int, line: bytes) -> None:
        """One line that is not blank; without its newline."""
        record = self._read_object(line)
        if isinstance(record, Fault):
            self.findings.refuse([record.at(row)])
            return
        problems = self._check_members(row, record)
        encoding = self._encoding(record)
        if isinstance(encoding, Fault):
            self.findings.refuse([*problems, encoding.at(row)])
            return
        record = self._in_encoding(line, record, encoding)
        if isinstance(record, Fault):
            self.findings.refuse([record.at(row)])
            return
        self._take_record(row, record, problems)

    def _read_object(self, line: bytes) -> dict[str, Any] | Fault:
        """The line in the file's encoding; as Latin-1 if it is not UTF-8, to find its own `enc`."""
        if len(line) > LINE_LIMIT:
            return Fault("json_syntax", f"a line has at most {LINE_LIMIT} bytes")
        text = self._decode(line, self.options.encoding)
        try:
            value = parse_json(line.decode("latin-1") if text is None else text)
        except ValueError as error:
            return _not_utf8(line) if text is None else Fault("json_syntax", _reason(error, text))
        if not isinstance(value, dict):
            return (
                _not_utf8(line)
                if text is None
                else Fault("json_record_not_object", f"found {_show(value)}")
            )
        return value

    @staticmethod
    def _decode(line: bytes, encoding: Encoding) -> str | None:
        if encoding is Encoding.LATIN1:
            return line.decode("latin-1")
        try:
            return line.decode()
        except UnicodeDecodeError:
            return None

    def _check_members(self, row: int, record: Mapping[str, Any]) -> list[FileProblem]:
        """J12."""
        problems = []
        for name in record:
            if name in MEMBERS:
                continue
            if name.isascii() and name.lower() in MEMBERS:
                fault = Fault("member_name_case", f"found {excerpt(name)}, not {name.lower()!r}")
                problems.append(fault.at(row))
            else:
                self.findings.warn(row, "unknown_member", None, excerpt(name))
        return problems

    def _encoding(self, record: Mapping[str, Any]) -> Encoding | Fault:
        """J7."""
        name = record.get("enc", _ABSENT)
        if name is _ABSENT:
            return self.options.encoding
        known = find_encoding(name) if isinstance(name, str) else None
        return known or Fault("encoding_unsupported", f"{_show(name)} is neither utf8 nor latin1")

    def _in_encoding(
        self, line: bytes, record: dict[str, Any], encoding: Encoding
    ) -> dict[str, Any] | Fault:
        """The record again if its own encoding is not the file's (J8); the structure is ASCII in both."""
        if line.isascii():
            return record
        text = self._decode(line, encoding)
        if text is None:
            return _not_utf8(line)
        if encoding is self.options.encoding:
            return record
        try:
            again = parse_json(text)
        except ValueError as error:  # two member names that differ in the other encoding only
            return Fault("json_syntax", _reason(error, text))
        return dict(again)

    def _take_record(self, row: int, record: dict[str, Any], problems: list[FileProblem]) -> None:
        if not problems and self._is_plain(record):
            self.records.add(row, UPDATE, record["key"], record["data"], [])
            return
        action = record.get("action", "update")
        is_known = isinstance(action, str) and action in _ACTIONS
        if not is_known:
            problems.append(
                Fault("action_unsupported", f"{_show(action)} is none of {', '.join(_ACTIONS)}").at(
                    row
                )
            )
        fault = _check_json_key(record.get("key"))
        if fault:
            problems.append(fault.at(row))
        if not is_known:
            self.findings.refuse(problems)
        elif action == "delete-key":
            self._delete_key(row, record, problems)
        elif action == "delete-field":
            self._delete_fields(row, record, problems)
        else:
            self._update(row, record, problems)

    def _is_plain(self, record: dict[str, Any]) -> bool:
        """Whether this is the commonest record, of which no rule has more to say: short texts for text columns."""
        key, data = record.get("key"), record.get("data")
        if len(record) != 2 or not isinstance(data, dict) or not data:
            return False
        columns = self.schema.by_name
        for name, value in data.items():
            column = columns.get(name)
            if column is None or column.type is not ColumnType.TEXT or not _is_short_text(value):
                return False
        return _is_short_text(key) and not str(key).isspace()

    def _add(
        self,
        row: int,
        kind: int,
        key: str,
        problems: list[FileProblem],
        values: Mapping[str, Value],
        cleared: list[str],
    ) -> None:
        if problems:
            self.findings.refuse(problems)
        else:
            self.records.add(row, kind, key, values, cleared)

    def _delete_key(self, row: int, record: dict[str, Any], problems: list[FileProblem]) -> None:
        """J6."""
        if "data" in record:
            problems.append(
                Fault("data_forbidden_delete_key", f"found {_show(record['data'])}").at(row)
            )
        self._add(row, DELETE_KEY, record.get("key", ""), problems, {}, [])

    def _delete_fields(self, row: int, record: dict[str, Any], problems: list[FileProblem]) -> None:
        """J5."""
        names = self._columns_of(row, record, "data_required_delete_field", problems)
        self._add(row, DELETE_FIELDS, record.get("key", ""), problems, {}, names)

    def _columns_of(
        self, row: int, record: dict[str, Any], rule: str, problems: list[FileProblem]
    ) -> list[str]:
        """Known columns that `data` names (J4, J5, J13)."""
        data = record.get("data", _ABSENT)
        if not isinstance(data, dict) or not data:
            found = "an empty object" if data == {} else _show(data)
            problems.append(Fault(rule, f"found {found}, which names no column").at(row))
            return []
        unknown = [name for name in data if name not in self.schema.by_name]
        problems.extend(
            Fault("unknown_header", unknown_column(name, self.schema)).at(row, name)
            for name in unknown
        )
        return [name for name in data if name in self.schema.by_name]

    def _update(self, row: int, record: dict[str, Any], problems: list[FileProblem]) -> None:
        """J4, J9, J10."""
        values: dict[str, Value] = {}
        cleared = []
        for name in self._columns_of(row, record, "data_required_update", problems):
            found = self._read_cell(self.schema.by_name[name], record["data"][name])
            if isinstance(found, Taken):
                self.findings.warn(row, found.rule, name, found.detail)
                found = found.value
            if isinstance(found, Fault):
                problems.append(found.at(row, name))
            elif found == EMPTY_TOKEN or (found is None and self.options.blank_clears):
                cleared.append(name)
            elif found is not None:
                values[name] = found
        self._add(row, UPDATE, record.get("key", ""), problems, values, cleared)

    def _read_cell(self, column: SetColumn, cell: Any) -> Value | Taken | Fault | None:
        """The value, `~empty~`, or None for a blank one."""
        if isinstance(cell, list):
            return self._read_list(column, cell)
        if isinstance(cell, dict):
            return Fault("value_type_invalid", "an object is no value")
        text = _text_of(cell)
        if not text:
            return None
        if text == EMPTY_TOKEN:
            return EMPTY_TOKEN
        if text == DELETE_TOKEN:
            return _reserved()
        return read_value(column, text, self.options.list_delimiter)

    def _read_list(self, column: SetColumn, cell: list[Any]) -> Value | Taken | Fault | None:
        """An array is the cell that its elements make when they are joined, but stays as it is divided."""
        if column.type is not ColumnType.LIST:
            return Fault("value_type_invalid", "an array is a value of list columns only")
        elements = [_text_of(element) for element in cell]
        texts = [text for text in elements if text is not None]
        if len(texts) < len(elements):
            return Fault("value_type_invalid", "the elements of a list are texts")
        if texts == [EMPTY_TOKEN] or not texts:
            return EMPTY_TOKEN if texts else None
        if texts == [DELETE_TOKEN]:
            return _reserved()
        return check_text(self.options.list_delimiter.join(texts)) or read_elements(texts)


def _is_short_text(value: Any) -> bool:
    """Text within the limit whatever its characters are, no token, no U+0000."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= _SURELY_SHORT
        and value[0] != "~"
        and "\0" not in value
    )


def _check_json_key(key: Any) -> Fault | None:
    """J2."""
    if key is None:
        return check_key("", blank_rule="key_required")
    if not isinstance(key, str):
        return Fault("key_type_invalid", f"found {_show(key)}")
    return check_key(key, blank_rule="key_required")


def _text_of(cell: Any) -> str | None:
    """Text of a scalar as it was written; None for null and for what is no scalar."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Scalar):
        return cell.text
    return cell if isinstance(cell, str) else None


def _show(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    if value is None:
        return "null"
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "an array"
    return excerpt(value) if isinstance(value, str) else str(_text_of(value))


def _reserved() -> Fault:
    return Fault("value_reserved_token", "a JSON record deletes its key with action=delete-key")


def _reason(error: ValueError, text: str) -> str:
    if text.strip(" \t\r") in ("[", "]"):
        return "the file is one array; a line holds one object, without brackets and commas between"
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    if error.msg == "Extra data" and text[error.pos :].strip(" \t\r") == ",":
        return "a comma follows the object; lines stand without commas between"
    return f"{error.msg[:1].lower()}{error.msg[1:]} at character {error.pos + 1}"


def _not_utf8(line: bytes) -> Fault:
    if has_c1_byte(line):
        return Fault("file_encoding_invalid", f"the line is not UTF-8; {SAVE_AS_UTF8}")
    return Fault(
        "file_encoding_invalid",
        'the line is not UTF-8; Latin-1 needs "enc":"latin1" or the file encoding latin1',
    )
