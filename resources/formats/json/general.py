"""The way from a chunk to columns of literals that takes any records, and tells what is wrong with a bad one."""

from __future__ import annotations

import re
from itertools import chain

import msgspec
import pyarrow as pa

from resources.formats.decoding import not_decodable
from resources.formats.json.chunks import JsonChunk, RecordShape
from resources.formats.json.structure import count_members
from resources.kernel.errors import ParseError

Record = dict[str, msgspec.Raw]

_RECORD = msgspec.json.Decoder(Record)
_RECORDS = msgspec.json.Decoder(list[Record])
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_BLANK = b" \t\r\n"
_POSITION = re.compile(r" ?\((?:byte|character) (\d+)\)")
_NO_JSON = re.compile(rb"[:,\[]\s*-?(NaN|Infinity|nan|inf)\b")
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_NULL = b"null"


def cut_records(chunk: JsonChunk) -> dict[str, pa.Array]:
    """The literals of all records by column, in order of first appearance; null where `null` or nothing stands.

    Raises:
        ParseError: what is no JSON, no object, not UTF-8, or an object with two members of one name; with the line.
    """
    _check_text(chunk)
    records = _decode(chunk)
    if count_members(chunk.data) != sum(map(len, records)) + _inner_members(records):
        raise _twins(chunk)
    return {
        name: _spread(members, len(records)).view(pa.string())
        for name, members in _members(records).items()
    }


def _members(records: list[Record]) -> dict[str, list[tuple[int, bytes]]]:
    """By name the members that are there, each with the place of its record: never a look at those that are not."""
    found: dict[str, list[tuple[int, bytes]]] = {}
    for place, record in enumerate(records):
        for name, raw in record.items():
            found.setdefault(name, []).append((place, bytes(raw)))
    return found


def _spread(members: list[tuple[int, bytes]], count: int) -> pa.Array:
    literals: list[bytes | None] = [None] * count
    for place, text in members:
        literals[place] = None if text == _NULL else text
    return pa.array(literals, pa.binary())


def count_records(chunk: JsonChunk) -> int:
    """How many records a sound chunk has."""
    return len(_decode(chunk))


def _check_text(chunk: JsonChunk) -> None:
    if chunk.data.isascii():
        return
    try:
        chunk.data.decode()
    except UnicodeDecodeError as error:
        line = chunk.line + chunk.data.count(b"\n", 0, error.start)
        around = chunk.data[max(error.start - 2000, 0) : error.start + 2000]
        raise not_decodable(chunk.file.source, "utf-8", None, line, around) from error


def _decode(chunk: JsonChunk) -> list[Record]:
    if chunk.file.shape is not RecordShape.LINES:
        try:
            return _RECORDS.decode(b"[" + chunk.data + b"]")
        except _FAULTS as error:
            raise _explain_array(chunk, error) from error
    try:
        records = _RECORD.decode_lines(chunk.data)
    except _FAULTS:
        records = []
    lines = chunk.data.split(b"\n")
    if len(records) == sum(1 for line in lines if line.strip(_BLANK)):
        return records
    return _decode_lines(chunk, lines)


def _decode_lines(chunk: JsonChunk, lines: list[bytes]) -> list[Record]:
    records = []
    for number, line in enumerate(lines):
        if not line.strip(_BLANK):
            continue
        try:
            records.append(_RECORD.decode(line))
        except _FAULTS as error:
            raise _explain(chunk, chunk.line + number, line, error) from error
    return records


def _explain_array(chunk: JsonChunk, error: Exception) -> ParseError:
    found = _POSITION.search(str(error))
    place = int(found[1]) - 1 if found else 0
    line = chunk.line + chunk.data.count(b"\n", 0, place)
    return _explain(chunk, line, chunk.data[max(place - 80, 0) : place + 20], error)


def _explain(chunk: JsonChunk, line: int, text: bytes, error: Exception) -> ParseError:
    said = _POSITION.sub("", str(error)).removeprefix("JSON is malformed: ")[:120]
    hint = "Correct the record, or send the file again if it is cut off"
    if isinstance(error, RecursionError):
        said, hint = "nested too deeply", "At most a few hundred levels are read"
    elif isinstance(error, msgspec.ValidationError):
        said, hint = f"a record that is no object ({said})", "Every record has to be an object"
    elif _NO_JSON.search(text):
        said = "NaN and Infinity are no JSON"
        hint = (
            "Give `non_finite: number` to read them as such, or `non_finite: null`; or write null"
        )
    elif _LONE_SURROGATE.search(text):
        said, hint = (
            f"{said}; a `\\u` escape may be half of a pair",
            "Write both halves, or the character",
        )
    elif said.startswith("Input data was truncated") and chunk.file.shape is RecordShape.LINES:
        said = "an object that does not end on its line"
        hint = (
            "Read are one object a line, or an array of objects over any lines (`format: json`)."
            " Of an array within an object send the array alone; a line that is cut off, send again"
        )
    return ParseError(said, file=chunk.file.name, line=line, hint=hint)


def _inner_members(records: list[Record]) -> int:
    """Members of objects within the values."""
    nested = [
        raw
        for raw in map(bytes, chain.from_iterable(record.values() for record in records))
        if raw[:1] in (b"{", b"[")
    ]
    return count_members(b"\n".join(nested)) if nested else 0


def _twins(chunk: JsonChunk) -> ParseError:
    """The error about the first record with two members of one name."""
    line, names = chunk.line, "a name"
    for number, text in enumerate(_record_texts(chunk)):
        pairs = msgspec.json.decode(text, type=Record)
        if count_members(text) != len(pairs) + _inner_members([pairs]):
            line = chunk.line + number if chunk.file.shape is RecordShape.LINES else line
            names = _repeated(text, pairs)
            break
    return ParseError(
        f"an object has two members of one name: {names}",
        file=chunk.file.name,
        line=line,
        hint="Only one of them could be kept: rename or remove the other",
    )


def _record_texts(chunk: JsonChunk) -> list[bytes]:
    if chunk.file.shape is RecordShape.LINES:
        return [line or b"{}" for line in (part.strip(_BLANK) for part in chunk.data.split(b"\n"))]
    raws = msgspec.json.decode(b"[" + chunk.data + b"]", type=list[msgspec.Raw])
    return [bytes(raw) for raw in raws]


def _repeated(text: bytes, record: Record) -> str:
    seen = [name for name in record if text.count(msgspec.json.encode(name)) > 1]
    return ", ".join(repr(name) for name in seen[:3]) or "one of its members"
