"""Downloads: loading one again changes nothing, and makes the same set from nothing (F135)."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.classifications.operations import Operations
from assets.classifications.parsing import parse
from assets.classifications.schema import Encoding, ParseOptions, SetColumn, SetSchema
from assets.classifications.state import apply, empty_state
from assets.classifications.writing import FileFormat, WriteOptions, template, write, write_parts
from resources.kernel.errors import InputError
from tests.assets.classifications.sets import SET

NAMES = ["Brand", "Category", "Stock", "Price", "Tags"]


def rows_of(rows: list[dict], schema: SetSchema = SET) -> pa.Table:
    return pa.Table.from_pylist(
        sorted(rows, key=lambda row: row["Key"].encode()), schema=schema.arrow
    )


def load(
    state: pa.Table, content: bytes, file_format: FileFormat, schema: SetSchema, **options
) -> tuple:
    parsed = parse(
        io.BytesIO(content),
        file_name=f"f.{file_format}",
        schema=schema,
        options=ParseOptions.for_set(schema, **options),
    )
    assert isinstance(parsed, Operations), parsed.problems
    return apply(state, parsed)


TEXTS = st.one_of(
    st.sampled_from([" ", "  x  ", '"', '""', '"x"', "a,b", "a\tb", "\t", "\n", "a\r\nb", "\r", "x\r", "~EMPTY~", " ~empty~", "## SC", "é", "\u2028", "\x1c", "\x85", "\u00a0", "NaN", "null", "007", "x" * 255, '"' * 255, "\\", "\\n", "{}", "Key"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8),
).filter(lambda text: text not in ("~empty~", "~deletekey~"))  # fmt: skip
VALUES = {
    "Brand": TEXTS,
    "Category": TEXTS,
    "Stock": st.integers(-(2**63), 2**63 - 1),
    "Price": st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0),
    "Tags": st.lists(
        TEXTS.filter(lambda text: "|" not in text and len(text) < 60)
        .map(lambda text: text.strip(" "))
        .filter(bool)
        .filter(lambda text: text not in ("~empty~", "~deletekey~")),
        min_size=1,
        max_size=3,
    ),
}
STATES = st.dictionaries(
    TEXTS.filter(lambda text: not text.isspace()),
    st.fixed_dictionaries({name: st.one_of(st.none(), values) for name, values in VALUES.items()}),
    max_size=6,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(STATES, st.sampled_from(list(FileFormat)), st.sampled_from([4096, 4, 50]))
def test_round_trip_v40(rows: dict, file_format: FileFormat, piece_bytes: int) -> None:
    state = rows_of([{"Key": key, **values} for key, values in rows.items()])
    content = b"".join(
        write(state.to_batches(), SET, WriteOptions(file_format, list_delimiter="|"))
    )
    if not rows and file_format is FileFormat.JSON:
        assert content == b""
        return
    options = ParseOptions(list_delimiter="|", piece_bytes=piece_bytes)
    parsed = parse(io.BytesIO(content), file_name=f"f.{file_format}", schema=SET, options=options)
    assert isinstance(parsed, Operations), parsed.problems
    again, changes = apply(state, parsed)
    assert changes.is_empty
    assert again is state
    assert apply(empty_state(SET), parsed)[0].equals(state)


@pytest.mark.parametrize("file_format", list(FileFormat))
@pytest.mark.parametrize("default", list(Encoding))
@pytest.mark.parametrize("encoding", list(Encoding))
def test_round_trip_in_both_encodings(
    file_format: FileFormat, default: Encoding, encoding: Encoding
) -> None:
    schema = SetSchema((SetColumn("Märke"), SetColumn("Tags", "list[string]")), encoding=default)
    state = rows_of([{"Key": "Café", "Märke": "ä", "Tags": ["é", "ö"]}], schema)
    content = b"".join(write(state.to_batches(), schema, WriteOptions(file_format, encoding)))
    chosen = {} if file_format is FileFormat.JSON else {"encoding": encoding}
    assert load(state, content, file_format, schema, **chosen)[1].is_empty


def test_json_is_the_update_format() -> None:
    state = rows_of(
        [{"Key": "a", "Brand": "x", "Stock": 5, "Price": 0.1, "Tags": ["p,q"]}, {"Key": "b"}]
    )
    lines = (
        b"".join(write(state.to_batches(), SET, WriteOptions(FileFormat.JSON)))
        .decode()
        .splitlines()
    )
    assert json.loads(lines[0]) == {
        "key": "a",
        "data": {"Brand": "x", "Stock": 5, "Price": 0.1, "Tags": ["p,q"]},
    }
    assert json.loads(lines[1]) == {"key": "b", "data": {"Brand": None}}


def test_what_latin1_does_not_have_is_an_error_with_its_key() -> None:
    state = rows_of([{"Key": "a", "Brand": "日本"}])
    with pytest.raises(InputError, match=r"'日'.*'a'.*Choose utf8"):
        b"".join(write(state.to_batches(), SET, WriteOptions(FileFormat.CSV, Encoding.LATIN1)))
    content = b"".join(
        write(state.to_batches(), SET, WriteOptions(FileFormat.JSON, Encoding.LATIN1))
    )
    assert load(state, content, FileFormat.JSON, SET, encoding="latin1")[1].is_empty


def test_an_element_with_the_delimiter_is_an_error_with_its_place() -> None:
    state = rows_of([{"Key": "a", "Tags": ["p,q"]}])
    with pytest.raises(InputError, match=r"'a', column 'Tags'.*JSON"):
        b"".join(write(state.to_batches(), SET, WriteOptions(FileFormat.CSV)))
    assert b"p,q" in b"".join(
        write(state.to_batches(), SET, WriteOptions(FileFormat.TSV, list_delimiter="|"))
    )


@pytest.mark.parametrize(
    ("file_format", "header"),
    [(FileFormat.CSV, b'Key,"a, b",c\n'), (FileFormat.TSV, b"Key\ta, b\tc\n")],
)
def test_template_is_a_header_that_loads_f136(file_format: FileFormat, header: bytes) -> None:
    schema = SetSchema((SetColumn("a, b"), SetColumn("c")))
    assert template(schema, file_format) == header
    separator = b"," if file_format is FileFormat.CSV else b"\t"
    state, changes = load(
        empty_state(schema), header + separator.join([b"k", b"x", b"y"]), file_format, schema
    )
    assert (changes.new.count, state.num_rows) == (1, 1)


def test_json_has_no_template() -> None:
    with pytest.raises(InputError, match="no header"):
        template(SET, FileFormat.JSON)


@pytest.mark.parametrize("file_format", list(FileFormat))
def test_parts_are_files_that_the_set_takes_each(file_format: FileFormat) -> None:
    rows = [{"Key": f"k{number:04d}", "Brand": "é" * (number % 7) or None} for number in range(900)]
    state = rows_of([*rows, {"Key": "z", "Brand": "x" * 255}])
    options = WriteOptions(file_format)
    pieces = write_parts(state.to_batches(max_chunksize=100), SET, options, part_bytes=500)
    parts: dict[int, bytes] = {}
    for number, piece in pieces:
        parts[number] = parts.get(number, b"") + piece
    assert len(parts) > 10
    assert max(map(len, parts.values())) <= 500
    again = empty_state(SET)
    for content in parts.values():
        again, changes = load(again, content, file_format, SET, max_bytes=500)
        assert changes.new.count > 0
    assert again.equals(state)


def test_a_part_holds_one_record_at_least() -> None:
    state = rows_of([{"Key": "a", "Brand": "x" * 90}, {"Key": "b"}])
    found = write_parts(state.to_batches(), SET, WriteOptions(FileFormat.JSON), part_bytes=10)
    assert [number for number, _ in found] == [0, 1]


def test_many_rows_come_in_pieces() -> None:
    state = rows_of([{"Key": f"k{number:05d}", "Brand": "x"} for number in range(20_000)])
    for file_format in FileFormat:
        pieces = list(write(state.to_batches(), SET, WriteOptions(file_format)))
        assert max(len(piece) for piece in pieces) < 2_000_000
        assert load(state, b"".join(pieces), file_format, SET)[1].is_empty
