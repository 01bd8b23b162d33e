"""Forms in which records stand: over lines or several on one, under a key, and files that rightly hold none."""

import json
import math
import tracemalloc

import pyarrow as pa
import pytest

from resources.formats.files import SourceFile
from resources.formats.json import JsonOptions, JsonReader, chunks
from resources.kernel.errors import EmptySourceError, ParseError, SchemaMismatchError
from tests.resources.formats.json.reading import read_bytes, read_stream

RECORDS = [{"id": n, "s": 'a}{"]\n', "deep": {"k": [n, {"x": "\\"}]}} for n in range(300)]
FORMS = {
    "pretty": "\n".join(json.dumps(record, indent=2) for record in RECORDS),
    "pretty without gaps": "".join(json.dumps(record, indent=2) for record in RECORDS),
    "on one line": "".join(json.dumps(record) for record in RECORDS),
    "under a key": json.dumps({"total": 300, "data": {"items": RECORDS}, "next": None}),
    "under a key, pretty": json.dumps({"data": {"items": RECORDS}, "meta": [[1], {}]}, indent=1),
    "pages": "\n".join(
        json.dumps({"data": {"items": RECORDS[n : n + 100]}}) for n in range(0, 300, 100)
    ),
}


@pytest.mark.parametrize("chunk_bytes", [50, 1000, 1 << 20])
@pytest.mark.parametrize(("name", "text"), FORMS.items(), ids=FORMS)
def test_each_form_has_the_same_records_at_any_size(tmp_path, name, text, chunk_bytes):
    records = "data.items" if name.startswith(("under", "pages")) else ""
    table = read_bytes(tmp_path, text.encode(), chunk_bytes=chunk_bytes, records=records)
    assert table["id"].to_pylist() == list(range(300))
    assert set(table["s"].to_pylist()) == {'a}{"]\n'}
    assert [json.loads(deep)["k"][0] for deep in table["deep"].to_pylist()] == list(range(300))


BROKEN = {
    "cut within a record": (FORMS["pretty"][:-4], "", "ends before its last object does"),
    "something between": ('{\n"a":1}\n oops {"a":2}', "", "line 3: expected an object, found 'o'"),
    "an array between": ('{"a":1}{"a":1}[{"a":2}]', "", "expected an object"),
    "cut behind the records": (
        '{"data":[{"a":1}], "more": {',
        "data",
        "ends before its object does",
    ),
    "cut within the records": ('{"data":[{"a":1}', "data", "ends before its array does"),
    "no such key": ('{"other":[{"a":1}]}', "data", "has no array under 'data'"),
    "no array there": ('{"data":{"a":1}}', "data", "has no array under 'data'"),
    "elements that are no objects": ('{"data":[1]}', "data", "expected an object"),
}


@pytest.mark.parametrize("chunk_bytes", [7, 1 << 20])
@pytest.mark.parametrize(("text", "records", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_an_error(tmp_path, text, records, said, chunk_bytes):
    with pytest.raises(ParseError, match=said):
        read_bytes(tmp_path, text.encode(), chunk_bytes=chunk_bytes, records=records)


def test_an_envelope_is_named_where_its_records_are_too_long_for_one(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "RECORD_LIMIT", 1000)
    text = json.dumps({"type": "FeatureCollection", "features": RECORDS})
    with pytest.raises(ParseError, match="give `records: features`"):
        read_bytes(tmp_path, text.encode(), chunk_bytes=500)


def test_records_under_a_key_are_streamed(tmp_path):
    record = b'{"id":1,"s":"%s"},' % (b"x" * 1000)
    path = tmp_path / "a.json"
    path.write_bytes(
        b'{"data":[' + record * 30_000 + b'{"id":2}], "tail":"' + b"y" * 5_000_000 + b'"}'
    )
    reader = JsonReader([SourceFile("a.json", path)], JsonOptions(records="data"))
    tracemalloc.start()
    rows = sum(batch.num_rows for batch in reader.stream())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 30_001
    assert peak < 40_000_000 < path.stat().st_size * 2


@pytest.mark.parametrize("order", [1, -1], ids=["empty last", "empty first"])
def test_a_file_that_rightly_has_no_record_is_fine_beside_others(tmp_path, order):
    contents = [b'[{"a":1}]', b"[]"][::order]
    table, stream = read_stream(tmp_path, *contents)
    assert table.to_pydict() == {"a": [1]}
    assert [w for w in stream.warnings if w.endswith("it has no record")]
    with pytest.raises(EmptySourceError):
        read_bytes(tmp_path, b"[]", b"[]")


@pytest.mark.parametrize("order", [1, -1], ids=["sparse last", "sparse first"])
def test_members_are_optional_but_another_shape_is_an_error(tmp_path, order):
    table, stream = read_stream(tmp_path, *[b'{"a":1,"b":2}', b'{"a":3}'][::order])
    assert table["b"].to_pylist() == [2, None][::order]
    assert "missing columns are null" in stream.warnings[0]
    for policy in ("fail", "skip"):
        with pytest.raises(SchemaMismatchError, match="'note'"):
            read_bytes(
                tmp_path, *[b'{"a":1}', b'{"note":3}', b'{"a":3}'][::order], on_bad_file=policy
            )


SHOWN = [{"id": 1, "f": 1.5, "s": "NaN", "n": 3}, {"id": 2, "f": math.nan, "s": ", NaN,", "n": -math.inf}, {"id": 3, "f": math.inf, "s": None, "n": None}]  # fmt: skip
WRITTEN = {
    "lines": "\n".join(map(json.dumps, SHOWN)),
    "array": json.dumps(SHOWN),
    "pretty objects": "\n".join(json.dumps(one, indent=2) for one in SHOWN[::-1]),
    "unlike each other": "\n".join([*map(json.dumps, SHOWN), '{"n": Infinity}']),
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_what_python_writes_for_no_number_is_read_by_option(tmp_path, text):
    with pytest.raises(ParseError, match="`non_finite: number`"):
        read_bytes(tmp_path, text.encode())
    table, stream = read_stream(tmp_path, text.encode(), non_finite="number")
    assert table.schema.field("f").type == table.schema.field("n").type == pa.float64()
    found = {row["id"]: row for row in table.to_pylist()}
    assert found[1] == SHOWN[0]
    assert math.isnan(found[2]["f"])
    assert (found[2]["s"], found[2]["n"], found[3]["f"]) == (", NaN,", -math.inf, math.inf)
    assert ("type of 'n'", "non_finite") in {(g.subject, g.override) for g in stream.guesses}
    table = read_bytes(tmp_path, text.encode(), non_finite="null")
    assert table.schema.field("n").type == pa.int64()
    assert table["f"].drop_null().to_pylist() == [1.5]
    assert set(table["s"].to_pylist()) == {"NaN", ", NaN,", None}


def test_what_is_no_number_stays_within_objects_and_digits_stay_whole(tmp_path):
    text = b'{"a": {"x": [NaN, 1.10]}, "n": 9007199254740993, "v": 1e-99000}\n{"a": null, "n": NaN, "v": 2}'
    table = read_bytes(tmp_path, text, non_finite="number")
    assert table["a"].to_pylist() == ['{"x": [NaN, 1.10]}', None]
    assert table["n"].to_pylist() == ["9007199254740993", "NaN"]
    assert table["v"].to_pylist() == ["1e-99000", "2"]
    given = read_bytes(tmp_path, text, non_finite="number", types={"n": "text"})
    assert given["n"].to_pylist() == ["9007199254740993", "NaN"]


@pytest.mark.parametrize(
    "text", [b'{"v": xNaN}', b'{"v": 1NaN}', b'{"v": NaN1}', b"{NaN: 1}", b'{"v": nan}']
)
def test_nothing_else_is_taken_for_such_a_value(tmp_path, text):
    for policy in ("number", "null"):
        with pytest.raises(ParseError):
            read_bytes(tmp_path, text, non_finite=policy)


@pytest.mark.parametrize("literal", [b"NaN", b"-Infinity"])
@pytest.mark.parametrize("kind", ["number", "text"])
def test_no_such_value_without_the_option_whatever_type_is_given(tmp_path, literal, kind):
    with pytest.raises(ParseError, match="non_finite"):
        read_bytes(tmp_path, b'{"v": %s}\n{"v": %s}' % (literal, literal), types={"v": kind})


@pytest.mark.parametrize("indent", [None, 2])
def test_one_object_around_the_records_is_told(tmp_path, indent):
    text = json.dumps({"type": "FeatureCollection", "features": RECORDS}, indent=indent).encode()
    table, stream = read_stream(tmp_path, text)
    assert table.num_rows == 1
    assert [w for w in stream.warnings if "give `records: features`" in w]
    assert "records" in {guess.override for guess in stream.guesses}
    assert read_bytes(tmp_path, text, records="features").num_rows == len(RECORDS)
    _, stream = read_stream(tmp_path, b'{"id":1,"items":[{"a":1}]}\n{"id":2,"items":[{"a":1}]}')
    assert "records" not in {guess.override for guess in stream.guesses}


def test_many_different_members_of_few_records_each(tmp_path):
    records = [{f"k{n}": n, "id": n} for n in range(300)]
    text = "\n".join(map(json.dumps, records)).encode()
    table = read_bytes(tmp_path, text)
    assert table["id"].to_pylist() == list(range(300))
    assert all(table[f"k{n}"].drop_null().to_pylist() == [n] for n in range(300))
