"""Files as people and programs made them, from public bug reports: what a check says of each (findings, section 7)."""

import io
from dataclasses import dataclass

import pytest

from assets.classifications.checking import check_file
from assets.classifications.declaration import ClassificationSpec
from assets.classifications.schema import ParseOptions, SetColumn, SetSchema
from resources.connectors.sql.config import SqlConfig
from resources.stores.catalog.classifications.catalog import ClassificationCatalog
from resources.stores.catalog.database import CatalogDatabase
from resources.stores.tables import TableStore

COLUMNS = {
    "Brand": "text",
    "Category": "text",
    "Size": "integer",
    "Price": "float",
    "Tags": "list[string]",
}
SPEC = ClassificationSpec(
    "products", SetSchema(tuple(SetColumn(name, kind) for name, kind in COLUMNS.items()))
)
MARK = b"\xef\xbb\xbf"
EURO, EMOJI = "\u20ac", "\U0001f600"


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """A check against an empty set."""
    folder = tmp_path_factory.mktemp("inputs")
    config = SqlConfig(dialect="sqlite", path=folder / "catalog.sqlite")
    catalog = ClassificationCatalog(CatalogDatabase(config))
    store = TableStore.open(str(folder / "store"))

    def checked(name, content, encoding="utf8"):
        data = content.encode() if isinstance(content, str) else content
        options = ParseOptions.for_set(SPEC.schema, encoding=encoding)
        return check_file(catalog, store, SPEC, io.BytesIO(data), file_name=name, options=options)

    return checked


@dataclass
class Refused:
    """Errors as `row rule`, and what the first message says."""

    errors: list[str]
    told: str = ""


@dataclass
class Taken:
    """What is stored, by key; warnings as `row rule`."""

    rows: dict[str, dict]
    warnings: tuple[str, ...] = ()


SAINT = "## SC\tSiteCatalyst SAINT Import File\tv:2.1\n## SC\tD:2010-02-10\tA:0:57\n"
BOM = Refused(["0 file_bom"], "save it as UTF-8")
BINARY = Refused(["0 file_format_invalid"], "the content is")
INPUTS = {
    "01 Excel, UTF-8 with a mark": ("a.csv", MARK + b"Key,Brand\r\nsku-1,x\r\n", BOM),
    "02 Excel, semicolons": (
        "a.csv",
        "Key;Brand;Price\r\nsku-1;Cedar;1,50\r\n",
        Refused(["1 min_two_headers"], "separated by semicolons"),
    ),
    "02b Excel, semicolons alone": (
        "a.csv",
        "Key;Brand\r\nsku-1;Cedar\r\n",
        Refused(["1 min_two_headers"], "separated by semicolons"),
    ),
    "02c Excel, a line sep=": (
        "a.csv",
        "sep=,\r\nKey,Brand\r\nsku-1,Cedar\r\n",
        Refused(["1 blank_header"], "`sep=` is meant for Excel alone"),
    ),
    "03 CRLF in quotes": (
        "a.csv",
        '"Key","Brand"\n"multi line\r\ntext","so sad"\n"single","happy"',
        Taken({"multi line\r\ntext": {"Brand": "so sad"}, "single": {"Brand": "happy"}}),
    ),
    "03b LF in quotes": (
        "a.csv",
        'Key,Brand\r\nsku-1,"a\nb"\r\nsku-2,"c\r\nd"\r\n',
        Taken({"sku-1": {"Brand": "a\nb"}, "sku-2": {"Brand": "c\r\nd"}}),
    ),
    "03c CR only": (
        "a.csv",
        "Key,Brand\rsku-1,Cedar\rsku-2,Oak\r",
        Refused(["1 unknown_header"] * 3, "carriage return"),
    ),
    "04 JSON lines with commas": (
        "a.json",
        '{"key":"sku-1","data":{"Brand":"Cedar"}},\n{"key":"sku-2","data":{"Brand":"Oak"}},\n',
        Refused(["1 json_syntax", "2 json_syntax"], "a comma follows the object"),
    ),
    "04b a JSON array over lines": (
        "a.json",
        '[\n{"key":"sku-1","data":{"Brand":"Cedar"}},\n{"key":"sku-2","data":{"Brand":"Oak"}}\n]\n',
        Refused(["1 json_syntax", "2 json_syntax", "4 json_syntax"], "the file is one array"),
    ),
    "05 Excel, Unicode text": ("a.tsv", "Key\tBrand\r\n".encode("utf-16"), BOM),
    "05b PowerShell": ("a.json", '{"key":"sku-1"}\r\n'.encode("utf-16"), BOM),
    "05c UTF-16 without a mark": ("a.csv", "Key,Brand\n".encode("utf-16-be"), BOM),
    "05d JSON with a mark": ("a.json", MARK + b'{"key":"a","data":{"Brand":"x"}}\n', BOM),
    "06 NUL in cells": (
        "a.csv",
        'Key,Brand\nsku-1,"Ced\0ar\0"\nsku-2,2\0\n',
        Refused(["2 value_type_invalid", "3 value_type_invalid"], "U+0000"),
    ),
    "06b a run of NUL": (
        "a.csv",
        "Key,Brand\nsku-1,Cedar\n" + "\0" * 700,
        Refused(["3 column_count_mismatch"]),
    ),
    "06c NUL as an escape": (
        "a.json",
        '{"key":"sku-1","data":{"Brand":"a\\u0000b"}}\n',
        Refused(["1 value_type_invalid"], "U+0000"),
    ),
    "07 leading zeros": (
        "a.csv",
        "Key,Brand,Size\n000,000,000\n0123,06503545,7\n",
        Refused(["2 value_type_invalid"], "'000' has a leading zero; a column of `type: text`"),
    ),
    "07 leading zeros as text": (
        "a.csv",
        "Key,Brand\n0123,06503545\n",
        Taken({"0123": {"Brand": "06503545"}}),
    ),
    "07b pandas, integers with a gap": (
        "a.csv",
        "Key,Size\nsku-1,7.0\nsku-2,\nsku-3,-8.0\n",
        Taken(
            {"sku-1": {"Size": 7}, "sku-2": {}, "sku-3": {"Size": -8}},
            ("2 integer_rewritten", "3 new_key_without_value", "4 integer_rewritten"),
        ),
    ),
    "07b pandas, JSON": (
        "a.json",
        '{"key":"sku-1","data":{"Size":7.0}}\n',
        Taken({"sku-1": {"Size": 7}}, ("1 integer_rewritten",)),
    ),
    "07c a plus": (
        "a.csv",
        "Key,Size\nsku-2,+7\n",
        Taken({"sku-2": {"Size": 7}}, ("2 integer_rewritten",)),
    ),
    "07c thousands, exponents, short decimals": (
        "a.csv",
        'Key,Size,Price\nsku-1,"1,000",+5\nsku-2,+7,"1,50"\nsku-3,1e3,.5\n',
        Refused(
            ["2 value_type_invalid"] * 2 + ["3 value_type_invalid"] + ["4 value_type_invalid"] * 2
        ),
    ),
    "08 empty quotes and NULL": (
        "a.csv",
        'Key,Brand,Category,Size\nsku-1,"",,NULL\n',
        Refused(["2 value_type_invalid"], "'NULL' is not an integer"),
    ),
    "08b empty quotes, NULL and nan as text": (
        "a.csv",
        'Key,Brand,Category\nsku-1,"",x\nsku-2,NULL,nan\n',
        Taken({"sku-1": {"Category": "x"}, "sku-2": {"Brand": "NULL", "Category": "nan"}}),
    ),
    "09 Adobe SAINT": (
        "a.tab",
        SAINT + "Key\tBrand\tCategory\n# a comment\tx\ty\nsku-1\tCedar\t0\n0\tzero key\t^caret\n",
        Taken(
            {
                "# a comment": {"Brand": "x", "Category": "y"},
                "0": {"Brand": "zero key", "Category": "^caret"},
                "sku-1": {"Brand": "Cedar", "Category": "0"},
            },
            ("2 comment_key",),
        ),
    ),
    "09b SAINT as .txt": (
        "a.txt",
        "Key\tBrand\nsku-1\tCedar\n",
        Refused(["0 file_format_invalid"]),
    ),
    "09c an extra tab": (
        "a.tab",
        "Key\tBrand\nsku-1\tCedar\t\nsku-2\tOak\n",
        Refused(["2 column_count_mismatch"]),
    ),
    "09d duplicate keys": (
        "a.tab",
        "Key\tBrand\nsku-1\tCedar\nsku-1\tOak\n",
        Taken({"sku-1": {"Brand": "Oak"}}, ("2 superseded",)),
    ),
    "09e a mark before SAINT": ("a.tab", MARK + b"## SC\tx\nKey\tBrand\nsku-1\tx\n", BOM),
    "10 keys of 255 bytes": (
        "a.csv",
        f"Key,Brand\n{EURO * 85},x\n",
        Taken({EURO * 85: {"Brand": "x"}}),
    ),
    "10 keys of more": (
        "a.csv",
        f"Key,Brand\n{EURO * 86},x\n{EMOJI * 64},x\n{'x' * 2**20},x\n",
        Refused(["2 key_too_long", "3 key_too_long", "4 key_too_long"]),
    ),
    "11 pandas, an index": (
        "a.csv",
        ",Key,Brand\n0,sku-1,Cedar\n",
        Refused(["1 blank_header"], "number 1 is blank"),
    ),
    "12 keys of white space": (
        "a.csv",
        "Key,Brand\n\u00a0,nbsp\n\u3000,ideographic\n",
        Refused(["2 key_empty", "3 key_empty"]),
    ),
    "12 keys that nobody can read": (
        "a.csv",
        "Key,Brand\n\u200b,x\nsku-1\u00a0,x\nsku-1,x\nNew York,x\n",
        Taken(
            {key: {"Brand": "x"} for key in ("\u200b", "sku-1\u00a0", "sku-1", "New York")},
            ("2 invisible_in_key", "3 invisible_in_key"),
        ),
    ),
    "13 TSV, quotes": (
        "a.tsv",
        'Key\tBrand\nsku-1\t"Fancy" soap\nsku-2\t5" pipe\nsku-3\t"open\n',
        Refused(["2 malformed_document", "4 malformed_document"]),
    ),
    "14 JSON oddities": (
        "a.json",
        '{"key":"dup","key":"dup2","data":{"Brand":"a"}}\n{"key":"nan","data":{"Price":NaN}}\n'
        '{"key":"big","data":{"Size":9223372036854775808}}\n{"key":"huge","data":{"Price":1e999}}\n'
        '{"key":"sur","data":{"Brand":"\\ud800"}}\n{"key":"bool","data":{"Size":true}}\n'
        + "["
        * 100_000,
        Refused(
            [
                "1 json_syntax",
                "2 json_syntax",
                "3 value_type_invalid",
                "4 value_type_invalid",
                "5 json_syntax",
                "6 value_type_invalid",
                "7 json_syntax",
            ]
        ),
    ),
    "15 zip": ("a.csv", b"PK\x03\x04\x14\0\0\0", BINARY),
    "15b Excel": ("a.csv", b"PK\x03\x04\x14\0\x06\0[Content_Types].xml", BINARY),
    "15c gzip": ("a.csv", b"\x1f\x8b\x08\0", BINARY),
    "16 spaces round headers": (
        "a.csv",
        "Key , Brand ,Category\nsku-1 , Cedar , x \n",
        Taken({"sku-1": {"Brand": "Cedar", "Category": "x"}}),
    ),
    "17 an ending in capitals": ("A.CSV", "Key,Brand\nsku-1,x\n", Taken({"sku-1": {"Brand": "x"}})),
    "18 HTML": (
        "a.csv",
        "<!DOCTYPE html><html><body>Login</body></html>\n",
        Refused(["1 min_two_headers"]),
    ),
    "19 Windows-1252": (
        "a.csv",
        b"Key,Brand\nsku-1,\x93Cedar\x94 \x80 5\n",
        Refused(["0 file_encoding_invalid"], "looks like Windows-1252, which is not Latin-1"),
    ),
    "19 Windows-1252, JSON": (
        "a.json",
        b'{"key":"sku-1","data":{"Brand":"\x93Cedar\x94"}}\n',
        Refused(["1 file_encoding_invalid"], "looks like Windows-1252, which is not Latin-1"),
    ),
    "19 Latin-1": (
        "a.csv",
        b"Key,Brand\nsku-1,Caf\xe9\n",
        Refused(["0 file_encoding_invalid"], "choose the encoding latin1"),
    ),
    "24 elements of lists": (
        "a.csv",
        'Key,Tags\na,"red, green"\nb,"x,, y ,"\nc,","\n',
        Taken(
            {"a": {"Tags": ["red", "green"]}, "b": {"Tags": ["x", "y"]}, "c": {}},
            ("3 empty_elements", "4 empty_elements", "4 new_key_without_value"),
        ),
    ),
    "24 elements of arrays": (
        "a.json",
        '{"key":"a","data":{"Tags":[" red ","","green"]}}\n',
        Taken({"a": {"Tags": ["red", "green"]}}, ("1 empty_elements",)),
    ),
    "24 a list of one reserved word": (
        "a.csv",
        'Key,Tags\na," ~empty~"\nb,"~deletekey~,"\n',
        Refused(["2 value_reserved_token", "3 value_reserved_token"]),
    ),
}
LATIN1_INPUTS = {
    "UTF-8 taken for Latin-1": (
        "a.csv",
        "Key,Brand,Tags\nsku-1,Café Ølstykke,a\nsku-2,plain,€\n".encode(),
        Taken(
            {
                "sku-1": {"Brand": "CafÃ© Ã\x98lstykke", "Tags": ["a"]},
                "sku-2": {"Brand": "plain", "Tags": ["â\x82¬"]},
            },
            ("2 misread_text", "3 misread_text"),
        ),
    ),
    "Windows-1252 taken for Latin-1": (
        "a.csv",
        b"Key,Brand\nsku-1,\x93Cedar\x94 \x80 5\n",
        Taken({"sku-1": {"Brand": "\x93Cedar\x94 \x80 5"}}, ("2 control_character",)),
    ),
    "Latin-1": (
        "a.csv",
        b"Key,Brand\nsku-1,Caf\xe9 \xab\xd8l\xbb\n",
        Taken({"sku-1": {"Brand": "Café «Øl»"}}),
    ),
    "a line of UTF-8 in it": (
        "a.json",
        b'{"key":"a","data":{"Brand":"Caf\xe9"}}\n{"key":"b","enc":"utf-8","data":{"Brand":"Caf\xc3\xa9"}}\n',
        Taken({"a": {"Brand": "Café"}, "b": {"Brand": "Café"}}),
    ),
}


def compare(found, expected):
    places = [f"{e.row} {e.rule}" for e in found.errors]
    if isinstance(expected, Refused):
        assert places == expected.errors
        assert found.error_count == len(places)
        assert expected.told in found.errors[0].message
        return
    assert places == []
    stored = {
        row.key: {name: value for name, value in row.values.items() if value is not None}
        for row in found.preview
    }
    assert stored == expected.rows
    assert [f"{w.row} {w.rule}" for w in found.warnings] == list(expected.warnings)


@pytest.mark.parametrize(("name", "content", "expected"), INPUTS.values(), ids=INPUTS)
def test_input(check, name, content, expected):
    compare(check(name, content), expected)


@pytest.mark.parametrize(("name", "content", "expected"), LATIN1_INPUTS.values(), ids=LATIN1_INPUTS)
def test_input_as_latin1(check, name, content, expected):
    compare(check(name, content, "latin1"), expected)
