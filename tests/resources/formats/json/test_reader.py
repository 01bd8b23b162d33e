"""The reader: columns and types over all records and files, in bounded memory (E20, E21, E27, E54)."""

import tracemalloc

import pyarrow as pa
import pytest

from resources.formats.files import SourceFile
from resources.formats.json import JsonOptions, JsonReader, chunks
from resources.formats.json.general import cut_records
from resources.formats.json.template import cut_by_template
from resources.kernel.errors import (
    ConfigError,
    EmptySourceError,
    ParseError,
    SchemaMismatchError,
    SourceChangedError,
    UnknownNameError,
)
from resources.kernel.records import Retype
from tests.resources.formats.json.reading import read_bytes, read_reader, read_stream, write_files


def many(rows, late=b""):
    return b"".join(b'{"id":%d,"x":%d}\n' % (i, i) for i in range(rows)) + late


class TestRetype:
    def test_a_late_value_widens_the_column_in_a_second_pass(self, tmp_path):
        late = b'{"id":"x","x":1.5,"new":true}\n'
        reader = JsonReader(write_files(tmp_path, many(5000, late)), chunk_bytes=4096)
        stream = reader.stream()
        assert stream.schema == pa.schema({"id": pa.int64(), "x": pa.int64()})
        with pytest.raises(Retype) as caught:
            list(stream)
        assert caught.value.columns == {
            "id": "text of several kinds",
            "x": "number",
            "new": "boolean",
        }
        table, stream = read_reader(reader)
        assert table["id"].to_pylist()[-2:] == ["4999", "x"]
        assert table["x"].to_pylist()[-2:] == [4999.0, 1.5]
        assert table["new"].to_pylist()[-2:] == [None, True]
        assert next(g.reason for g in stream.guesses if g.subject == "type of 'id'") == (
            "'\"x\"' in f1.json, line 5001"
        )

    def test_files_that_change_between_passes_are_an_error(self, tmp_path):
        files = write_files(tmp_path, many(5000, b'{"id":"x"}'))
        reader = JsonReader(files, chunk_bytes=4096)
        with pytest.raises(Retype):
            list(reader.stream())
        files[0].path.write_bytes(many(5000, b'{"other":"x"}'))
        with pytest.raises(SourceChangedError, match=r"f1\.json changed"):
            list(reader.stream())


class TestManyFiles:
    def test_types_hold_over_all(self, tmp_path):
        table = read_bytes(tmp_path, b'{"a":1,"b":"x"}', b'[{"b":"y","a":1.5}]')
        assert table.to_pydict() == {"a": [1.0, 1.5], "b": ["x", "y"]}

    def test_other_members(self, tmp_path):
        contents = [b'{"a":1,"b":2}\n{"a":2}', b'{"a":3,"c":4}']
        with pytest.raises(SchemaMismatchError, match=r"f2\.json .* lacks 'b' and has 'c' besides"):
            read_bytes(tmp_path, *contents)
        table, stream = read_stream(tmp_path, *contents, columns="union")
        assert table.to_pydict() == {"a": [1, 2, 3], "b": [2, None, None], "c": [None, None, 4]}
        assert stream.warnings == [
            "f2.json: it lacks 'b' and has 'c' besides, compared with f1.json; missing columns are null"
        ]

    @pytest.mark.parametrize(
        "bad",
        [b"", b"[{}]", many(500, b'{"id":1,"x":oops}\n'), b'[{"id":1,"x":1},'],
        ids=["empty", "no record", "late", "cut off"],
    )
    def test_a_bad_file_fails_all_or_is_left_out(self, tmp_path, bad):
        good = [many(300), many(200)]
        with pytest.raises((ParseError, EmptySourceError, SchemaMismatchError), match=r"f2\.json"):
            read_bytes(tmp_path, good[0], bad, good[1], chunk_bytes=1024)
        table, stream = read_stream(
            tmp_path, good[0], bad, good[1], chunk_bytes=1024, on_bad_file="skip"
        )
        assert table["id"].to_pylist() == [*range(300), *range(200)]
        assert [w for w in stream.warnings if w.startswith("Skipped f2.json")]

    def test_nothing_but_bad_files_is_an_error(self, tmp_path):
        with pytest.raises(ParseError, match=r"f\d\.json"):
            read_bytes(tmp_path, b'{"a":', b'{"a":', on_bad_file="skip")

    def test_no_file(self):
        with pytest.raises(EmptySourceError, match="no file"):
            JsonReader([]).stream()


class TestOptions:
    def test_given_types(self, tmp_path):
        content = b'{"d":"2024-01-31","n":"1e3","t":5,"z":"007"}\n{"d":null,"n":2,"t":"x"}'
        types = {"d": "date", "n": "number", "t": "text", "z": "integer"}
        table = read_bytes(tmp_path, content, types=types)
        assert table.schema.field("d").type == pa.date32()
        assert table["n"].to_pylist() == [1000.0, 2.0]
        assert table["t"].to_pylist() == ["5", "x"]
        assert table["z"].to_pylist() == [7, None]

    def test_a_value_against_its_given_type(self, tmp_path):
        content = b'{"a":1}\n\n{"a":"x"}'
        with pytest.raises(ParseError, match="line 3, column 'a': 'x' is not of the given type"):
            read_bytes(tmp_path, content, types={"a": "number"})

    def test_a_type_for_a_column_that_is_not_there(self, tmp_path):
        with pytest.raises(UnknownNameError, match="'z'"):
            read_bytes(tmp_path, b'{"a":1}', types={"z": "text"})

    def test_encoding(self, tmp_path):
        content = '{"a":"Köln"}'.encode("cp1252")
        assert read_bytes(tmp_path, content, encoding="cp1252")["a"].to_pylist() == ["Köln"]

    def test_json_lines_said_and_not_so(self, tmp_path):
        with pytest.raises(ParseError, match="give `format: json`"):
            read_stream(tmp_path, b'[{"a":1}]', lines=True)

    @pytest.mark.parametrize("options", [{"encoding": "klingon"}, {"types": {"a": "float"}}])
    def test_options_that_cannot_be(self, options):
        with pytest.raises(ConfigError):
            JsonOptions(**options)


class TestLimits:
    @pytest.mark.parametrize("begin", [b'{"a":1}\n{"a":"', b'[{"a":1},\n{"a":"'])
    def test_a_record_without_end_is_refused_early(self, tmp_path, monkeypatch, begin):
        monkeypatch.setattr(chunks, "RECORD_LIMIT", 1 << 20)
        path = tmp_path / "long.json"
        path.write_bytes(begin + b"x" * (40 << 20))
        tracemalloc.start()
        reader = JsonReader([SourceFile("long.json", path)], chunk_bytes=1 << 18)
        with pytest.raises(ParseError, match="line 2: a record longer than 1 MB"):
            read_reader(reader)
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
        tracemalloc.stop()

    def test_memory_does_not_grow_with_the_file(self, tmp_path):
        path = tmp_path / "many.jsonl"
        with path.open("wb") as out:
            for _ in range(40):
                out.write(many(20_000))
        tracemalloc.start()
        stream = JsonReader([SourceFile("many", path)], chunk_bytes=1 << 18).stream()
        assert sum(batch.num_rows for batch in stream) == 800_000
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
        tracemalloc.stop()


ALIKE = {
    "compact": b'{"a":1,"b":"x"}\n{"a":null,"b":"y"}',
    "spaced": b'{"a": 1, "b": "x"}\r\n{"a": 2, "b": null}\r\n',
    "escaped names": rb'{"\u00e4":1,"b\"":2}' + b"\n" + rb'{"\u00e4":3,"b\"":4}',
    "colons in texts": rb'{"a":"\":x","b":"x:y"}' + b"\n" + rb'{"a":"z","b":""}',
}


@pytest.mark.parametrize("data", ALIKE.values(), ids=ALIKE)
def test_both_ways_cut_alike(tmp_path, data):
    """The fast way takes these records, and finds what the general one finds."""
    (file,) = write_files(tmp_path, data)
    chunk = chunks.JsonChunk(chunks.open_file(file, None, lines=True), data, 1)
    fast = cut_by_template(data, array=False)
    assert {name: column.to_pylist() for name, column in fast.items()} == {
        name: column.to_pylist() for name, column in cut_records(chunk).items()
    }
