"""JSON that other readers change silently: here each value is kept, or the file is refused with its line (R12, E25-E37)."""

import gzip
import json
from decimal import Decimal

import pyarrow as pa
import pytest

from resources.kernel.errors import EmptySourceError, InputError, ParseError
from tests.resources.formats.json.reading import read_bytes, read_stream

KEPT = {
    "integers": (b'{"a":1}\n{"a":-7}\n', [1, -7]),
    "beyond 2^53": (b'{"a":9007199254740993}\n{"a":null}', [9007199254740993, None]),
    "beyond 64 bits": (b'{"a":9223372036854775808}\n{"a":1}', [Decimal(2**63), Decimal(1)]),
    "beyond decimals": (b'{"a":1' + b"0" * 40 + b"}", ["1" + "0" * 40]),
    "fractions": (b'{"a":1.50}\n{"a":2}', [1.5, 2.0]),
    "more digits than a double": (
        b'{"a":0.1234567890123456789}\n{"a":1.5}',
        [Decimal("0.1234567890123456789"), Decimal("1.5000000000000000000")],
    ),
    "exponents": (b'{"a":1e5}\n{"a":-2.5E-3}\n{"a":7}', [1e5, -0.0025, 7.0]),
    "exponents beyond a double": (b'{"a":1e400}\n{"a":1}', ["1e400", "1"]),
    "exponents too small for 15 digits": (b'{"a":1.23456789e-320}', ["1.23456789e-320"]),
    "17 digits and exponents": (b'{"a":1.23456789012345678e5}', ["1.23456789012345678e5"]),
    "minus zero": (b'{"a":-0.0}\n{"a":1}', [-0.0, 1.0]),
    "numbers in texts": (b'{"a":"00123"}\n{"a":"7"}', ["00123", "7"]),
    "dates in texts": (b'{"a":"2024-01-01"}', ["2024-01-01"]),
    "NA and empty": (b'{"a":"NA"}\n{"a":""}\n{"a":null}\n{"a":"null"}', ["NA", "", None, "null"]),
    "escapes": (rb'{"a":"\u00e4\ud83d\ude00\n\"\\\/"}', ["ä😀\n\"\\/"]),
    "NUL": (rb'{"a":"x\u0000y"}', ["x\0y"]),
    "characters beyond ASCII": ('{"a":"Köln 😀"}'.encode(), ["Köln 😀"]),
    "braces and colons in texts": (rb'{"a":"{\"b\":1},"}' + b"\n" + rb'{"a":"\":\""}', ['{"b":1},', '":"']),
    "booleans": (b'{"a":true}\n{"a":false}\n{"a":null}', [True, False, None]),
    "a mixture": (b'{"a":1}\n{"a":"1"}\n{"a":true}', ["1", "1", "true"]),
    "objects": (b'{"a":{"b": 1.50,"b":2}}\n{"a":null}', ['{"b": 1.50,"b":2}', None]),
    "arrays": (b'{"a":[1, 2.0]}\n{"a":[]}', ["[1, 2.0]", "[]"]),
    "objects among numbers": (b'{"a":1}\n{"a":{"b":1}}', ["1", '{"b":1}']),
    "missing": (b'{"b":1}\n{"a":5}', [None, 5]),
    "blanks": (b'\n { "a" : 1 } \r\n\n\t{"a":2}\n\n', [1, 2]),
    "no newline at the end": (b'{"a":1}\n{"a":2}', [1, 2]),
    "byte order mark": (b'\xef\xbb\xbf{"a":1}', [1]),
    "UTF-16": ('{"a":"ä"}\n'.encode("utf-16"), ["ä"]),
    "an array": (b' [ {"a":1} ,\n{"a":2}]\n', [1, 2]),
    "a pretty array": (json.dumps([{"a": i, "b": [i]} for i in range(5)], indent=2).encode(), list(range(5))),
    "an array of records unlike each other": (b'[{"a":1,"b":2},{"b":3},{"c":[{"a":9}]}]', [1, None, None]),
    "an empty record": (b'{"a":1}\n{}\n{"a":3}', [1, None, 3]),
}  # fmt: skip


@pytest.mark.parametrize("chunk_bytes", [8, 1 << 20], ids=["pieces", "whole"])
@pytest.mark.parametrize(("content", "expected"), KEPT.values(), ids=KEPT)
def test_values_are_kept(tmp_path, content, expected, chunk_bytes):
    arrived = read_bytes(tmp_path, content, chunk_bytes=chunk_bytes).column("a").to_pylist()
    assert repr(arrived) == repr(expected)


REFUSED = {
    "NaN": (b'{"a":1}\n{"a":NaN}\n', 2, "NaN and Infinity are no JSON"),
    "minus infinity": (b'{"a":-Infinity}', 1, "NaN and Infinity are no JSON"),
    "leading zero": (b'{"a":1}\n{"a":007}', 2, "invalid number"),
    "plus sign": (b'{"a":+1}', 1, "invalid character"),
    "hexadecimal": (b'{"a":0x10}', 1, "invalid|expected"),
    "no digit behind the point": (b'{"a":1.}', 1, "invalid number"),
    "apostrophes": (b"{'a':1}", 1, "object keys must be strings|invalid"),
    "trailing comma": (b'{"a":1,}', 1, "comma"),
    "comment": (b'{"a":1} // one', 1, "trailing characters"),
    "two objects on a later line": (b'{"a":0}\n{"a":1}{"a":2}\n', 2, "trailing characters"),
    "commas between lines": (b'{"a":1},\n{"a":2},\n', 1, "trailing characters"),
    "cut off": (b'{"a":1}\n{"a":"x', 2, "cut off"),
    "a later object over several lines": (b'{"a":0}\n{\n"a":1\n}', 2, "does not end on its line"),
    "newline in a text": (b'{"a":1,"b":2}\n{"a":"x\ny","b":2}', 2, "cut off|invalid"),
    "tab in a text": (b'{"a":"x\ty"}\n{"a":"z"}', 1, "invalid character"),
    "control character": (b'{"a":"x\x1f1"}\n', 1, "invalid character"),
    "NUL byte": (b'{"a":1}\n{"a":\x002}', 2, "invalid character"),
    "unknown escape": (rb'{"a":"\x41"}', 1, "escape"),
    "half a pair": (rb'{"a":"\ud83d"}', 1, "half of a pair"),
    "twins": (b'{"a":1,"b":2}\n{"a":1,"b":2,"a":3}', 2, "two members of one name: 'a'"),
    "twins with other spelling": (rb'{"a":1,"\u0061":3}', 1, "two members of one name"),
    "invalid UTF-8": (b'{"a":"x"}\n{"a":"\xff"}', 2, "not valid UTF-8"),
    "Latin-1": ('{"a":"Köln"}'.encode("latin-1"), 1, "not valid UTF-8"),
    "a number as record": (b'{"a":1}\n5\n', 2, "no object"),
    "an array as record": (b'{"a":1}\n[1]\n', 2, "no object"),
    "deep nesting": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 1, "nested too deeply"),
    "text behind the array": (b'[{"a":1}]\n{"a":2}', 2, "follows the end of the array"),
    "an array cut off": (b'[{"a":1},\n{"a":2}', 2, "ends before its array does"),
    "an array cut off in a record": (b'[{"a":1},\n{"a":', 2, "ends before its array does"),
    "no comma in an array": (b'[{"a":1}\n{"a":2}]', 2, "expected ','"),
    "an array of numbers": (b"[1,2]", 1, "expected an object, found '1'"),
    "a number in an array": (b'[{"a":1},\n2]', 2, "expected an object, found '2'"),
    "a number amid an array": (b'[{"a":1},2,{"a":3}]', 1, "no object"),
    "trailing comma in an array": (b'[{"a":1},]', 1, "expected an object, found ']'"),
    "twins in an array": (b'[{"a":1},{"a":1,"a":2}]', 1, "two members of one name: 'a'"),
    "a text": (b'"hello"', 1, "begins with '\"'"),
    "not JSON": (b"a,b\n1,2\n", 1, "begins with 'a'"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "line", "reason"), REFUSED.values(), ids=REFUSED)
def test_broken_files_are_refused_with_their_line(tmp_path, content, line, reason):
    with pytest.raises(ParseError, match=reason) as caught:
        read_bytes(tmp_path, content)
    assert caught.value.facts["file"] == "f1.json"
    assert caught.value.facts["line"] == line
    assert caught.value.hint
    assert len(str(caught.value)) <= 500


EMPTY = {
    "0 bytes": b"",
    "blanks": b" \n\n",
    "only a mark": b"\xef\xbb\xbf",
    "empty array": b"[]",
    "empty records": b"{}\n{}\n",
}


@pytest.mark.parametrize("content", EMPTY.values(), ids=EMPTY)
def test_a_file_without_a_record_is_an_error_naming_it(tmp_path, content):
    with pytest.raises(EmptySourceError, match=r"f1\.json is empty"):
        read_bytes(tmp_path, content)


def test_names_that_would_lose_a_column(tmp_path):
    with pytest.raises(InputError, match="column 2 of 2 has no name"):
        read_bytes(tmp_path, b'{"a":1,"":2}')


@pytest.mark.parametrize("cut", [1, 100])
def test_compressed_and_cut_off(tmp_path, cut):
    content = gzip.compress(b"".join(b'{"a":%d}\n' % (i * i) for i in range(2000)))
    assert read_bytes(tmp_path, content).num_rows == 2000
    with pytest.raises(ParseError, match="damaged or cut off"):
        read_bytes(tmp_path, content[:-cut])


def test_guesses_say_what_is_kept_as_it_stands(tmp_path):
    content = b'{"a":{"b":1},"c":1,"d":1.23456789012345678}\n{"a":[2],"c":"x","d":1}'
    table, stream = read_stream(tmp_path, content)
    guesses = {guess.subject: (guess.value, guess.reason) for guess in stream.guesses}
    assert table.schema.field("d").type == pa.decimal128(18, 17)
    assert guesses["type of 'a'"] == (
        "text",
        "objects or arrays are kept as they stand in the file",
    )
    assert guesses["type of 'c'"] == (
        "text",
        'texts and numbers: texts are kept as they are, other values as they stand in the file, so that the text "77" and the number 77 are one',
    )
    assert guesses["shape of f1.json"][0] == "JSON Lines"
    assert guesses["encoding"][0] == "utf-8"
