"""Columns that mix kinds: no text gets quotes because of another value, whatever its place; types that are given hold."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from resources.formats.text_types.numbers import text_bytes
from resources.kernel.errors import ParseError
from resources.kernel.schema import compare_schemas
from resources.stores.tables import TableStore
from tests.resources.formats.json.reading import read_bytes, read_stream
from tests.resources.stores.tables import KEY

CODES = b"".join(b'{"code":"K%d"}\n' % i for i in range(400))


@pytest.mark.parametrize("place", [0, 200, 400])
def test_one_number_leaves_the_codes_beside_it_as_they_are(tmp_path, place):
    lines = CODES.splitlines(keepends=True)
    content = b"".join([*lines[:place], b'{"code":77}\n', *lines[place:]])
    table, stream = read_stream(tmp_path, content, chunk_bytes=512)
    codes = table["code"].to_pylist()
    assert codes == [*(f"K{i}" for i in range(place)), "77", *(f"K{i}" for i in range(place, 400))]
    assert 'the text "77" and the number 77 are one' in stream.warnings[0]
    assert "types: {code: json}" in stream.warnings[0]


def test_every_kind_beside_texts_is_kept_as_it_stands(tmp_path):
    table = read_bytes(
        tmp_path, b'{"v":"a\\n"}\n{"v":1.50}\n{"v":true}\n{"v":{"k": 1}}\n{"v":null}\n{"v":""}'
    )
    assert table["v"].to_pylist() == ["a\n", "1.50", "true", '{"k": 1}', None, ""]


def test_literals_on_request(tmp_path):
    content = b'{"v":"77"}\n{"v":77}\n{"v":null}'
    table, stream = read_stream(tmp_path, content, types={"v": "json"})
    assert table["v"].to_pylist() == ['"77"', "77", None]
    assert not stream.warnings


GIVEN = {
    "text": (b'"A1" 2 null', "text", ["A1", "2", None]),
    "integer": (b'"5" 6 null', "integer", [5, 6, None]),
    "boolean": (b'"true" false', "boolean", [True, False]),
    "decimal": (b'"1.10" 2.5', "decimal(5,2)", [Decimal("1.10"), Decimal("2.50")]),
    "number": (b'"1.5" 1e3', "number", [1.5, 1000.0]),
    "date": (b'"2024-02-29" null', "date", [date(2024, 2, 29), None]),
    "text of objects": (b'"a" {"b":1} [1]', "text", ["a", '{"b":1}', "[1]"]),
    "escapes": (b'"a\\u0000" 5', "text", ["a\0", "5"]),
}


@pytest.mark.parametrize(("literals", "kind", "values"), GIVEN.values(), ids=GIVEN)
@pytest.mark.parametrize("backwards", [False, True], ids=["", "backwards"])
def test_a_given_type_reads_a_mixture(tmp_path, literals, kind, values, backwards):
    step = -1 if backwards else 1
    lines = [b'{"v":%s}' % literal for literal in literals.split(b" ")][::step]
    table = read_bytes(tmp_path, b"\n".join(lines), types={"v": kind})
    assert table["v"].to_pylist() == values[::step]


def test_a_value_against_the_given_type_is_named_with_its_line(tmp_path):
    with pytest.raises(
        ParseError, match=r"line 2, column 'v': 'x' is not of the given type integer"
    ):
        read_bytes(tmp_path, b'{"v":5}\n{"v":"x"}', types={"v": "integer"})


def test_null_slots_that_hold_bytes_are_no_values():
    hidden = pa.StringArray.from_buffers(
        3,
        pa.py_buffer(pa.array([0, 2, 5, 6], pa.int32()).buffers()[1]),
        pa.py_buffer(b"ab???c"),
        pa.array([True, False, True]).buffers()[1],
    )
    data, bounds = text_bytes(hidden)
    assert (bytes(data), list(bounds)) == (b"abc", [0, 2, 2, 3])
    data, bounds = text_bytes(hidden.slice(1))
    assert (bytes(data), list(bounds)) == (b"c", [0, 0, 1])


def test_a_column_that_became_a_mixture_is_a_change_of_schema(tmp_path):
    store = TableStore.open(str(tmp_path / "store"))
    schemas = []
    for run, content in enumerate([CODES, CODES + b'{"code":77}', CODES]):
        table, stream = read_stream(tmp_path, content)
        store.write_stream(
            KEY,
            lambda t=table, s=stream: type(s)(t.schema, iter(t.to_batches())),
            run_id=f"run-{run}",
        )
        schemas.append(store.read(KEY).schema)
    assert str(compare_schemas(*schemas[:2])) == "code: string -> string of several kinds"
    assert str(compare_schemas(*schemas[1:])) == "code: string of several kinds -> string"
