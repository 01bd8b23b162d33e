"""Every error of section 7 and every rule of sections 2 to 5 of the specification, by their ids."""

from __future__ import annotations

import io

import pytest

from assets.classifications.operations import Operations
from assets.classifications.parsing import parse
from assets.classifications.problems import RULES, Rejected
from assets.classifications.schema import ParseOptions, SetColumn, SetSchema
from tests.assets.classifications.sets import SET, check, effects, problems

HEAD = "Key,Brand,Category\n"
LONG, TOO_LONG = "é" * 127 + "x", "é" * 128  # 255 and 256 bytes


def update(key: str, **values) -> dict[str, tuple]:
    return {key: ("update", values, set())}


# rule, file name, content, (row, column) of each problem, all of this rule
ERRORS = [
    ("file_format_invalid", "a.txt", HEAD, [(0, None)]),
    ("file_format_invalid", "a.jsonl", '{"key":"a","data":{"Brand":"x"}}', [(0, None)]),
    ("file_format_invalid", "csv", HEAD, [(0, None)]),
    ("file_format_invalid", "a.json", HEAD + "a,x,y\n", [(0, None)]),
    ("file_format_invalid", "a.json", "Key\tBrand\na\tx\n", [(0, None)]),
    ("file_format_invalid", "a.csv", '{"key":"a","data":{"Brand":"x"}}\n', [(0, None)]),
    ("file_format_invalid", "a.csv", "Key\tBrand\na\tx\n", [(0, None)]),
    ("file_format_invalid", "a.tsv", "Key,Brand\na,x\n", [(0, None)]),
    ("file_format_invalid", "a.csv", b"PK\x03\x04rest", [(0, None)]),
    ("file_bom", "a.csv", b"\xef\xbb\xbfKey,Brand\n", [(0, None)]),
    ("file_bom", "a.csv", "Key,Brand\n".encode("utf-16"), [(0, None)]),
    ("file_bom", "a.csv", "Key,Brand\n".encode("utf-16-le"), [(0, None)]),
    ("file_bom", "a.json", '{"key":"a"}\n'.encode("utf-16-be"), [(0, None)]),
    ("file_encoding_invalid", "a.csv", b"Key,Brand\na,Caf\xe9\n", [(0, None)]),
    (
        "file_encoding_invalid",
        "a.json",
        b'{"key":"a","data":{"Brand":"x"}}\n{"key":"b","data":{"Brand":"\xe9"}}',
        [(2, None)],
    ),
    (
        "file_encoding_invalid",
        "a.json",
        b'{"key":"a","data":{"Brand":"\xe9"},"enc":"utf8"}',
        [(1, None)],
    ),
    ("file_empty", "a.csv", "", [(0, None)]),
    ("file_empty", "a.tsv", "\n\r\n## SC remark\n", [(0, None)]),
    ("file_empty", "a.json", " \n\n", [(0, None)]),
    ("blank_header", "a.csv", "Key,Brand,\na,x,\n", [(1, None)]),
    ("blank_header", "a.csv", "Key, ,Brand,\n", [(1, None), (1, None)]),
    ("min_two_headers", "a.csv", "Key\na\n", [(1, None)]),
    ("min_two_headers", "a.tsv", "Brand\n", [(1, None)]),
    ("first_column_must_be_key", "a.csv", "Brand,Key\nx,a\n", [(1, "Brand")]),
    ("first_header_must_be_Key", "a.csv", "key,Brand\n", [(1, "key")]),
    ("first_header_must_be_Key", "a.tsv", "Key \tBrand\n", [(1, "Key ")]),
    ("duplicate_header", "a.csv", "Key,Brand,Brand\n", [(1, "Brand")]),
    ("duplicate_header", "a.csv", "Key,Brand,Key\n", [(1, "Key")]),
    ("unknown_header", "a.csv", "Key,brand,Brand,Nope\n", [(1, "brand"), (1, "Nope")]),
    (
        "unknown_header",
        "a.json",
        '{"key":"a","data":{"Nope":"x","Brand":"y","Key":"z"}}',
        [(1, "Nope"), (1, "Key")],
    ),
    ("column_count_mismatch", "a.csv", HEAD + "a,x\nb,x,y\nc,x,y,z\n", [(2, None), (4, None)]),
    ("malformed_document", "a.csv", HEAD + 'a,b"c,x\nb,x,y\n', [(2, None)]),
    ("malformed_document", "a.csv", HEAD + 'a,"b"c,x\nb,x,y\n', [(2, None)]),
    ("malformed_document", "a.csv", HEAD + 'a,x,y\nb,"x,y\nc,x,y\n', [(3, None)]),
    ("malformed_document", "a.csv", 'Key,"Brand\na,x\n', [(1, None)]),
    ("malformed_document", "a.tsv", 'Key\tBrand\na\t"b" \n', [(2, None)]),
    ("key_empty", "a.csv", HEAD + ',x,y\n" ",x,y\n\u00a0,x,y\n', [(2, None), (3, None), (4, None)]),
    ("key_empty", "a.tsv", "Key\tBrand\n  \tx\n", [(2, None)]),
    (
        "key_required",
        "a.json",
        '{"data":{"Brand":"x"}}\n{"key":null,"data":{"Brand":"x"}}\n{"key":"","data":{"Brand":"x"}}\n{"key":" \\t","data":{"Brand":"x"}}',
        [(1, None), (2, None), (3, None), (4, None)],
    ),
    (
        "key_type_invalid",
        "a.json",
        '{"key":7,"data":{"Brand":"x"}}\n{"key":["a"],"action":"delete-key"}',
        [(1, None), (2, None)],
    ),
    ("key_type_invalid", "a.csv", HEAD + "a\0,x,y\n", [(2, None)]),
    (
        "key_reserved_token",
        "a.csv",
        HEAD + "~empty~,x,y\n~deletekey~,x,y\n",
        [(2, None), (3, None)],
    ),
    ("key_reserved_token", "a.json", '{"key":"~empty~","data":{"Brand":"x"}}', [(1, None)]),
    (
        "value_reserved_token",
        "a.json",
        '{"key":"a","data":{"Brand":"~deletekey~"}}',
        [(1, "Brand")],
    ),
    (
        "data_required_update",
        "a.json",
        '{"key":"a"}\n{"key":"a","data":{}}\n{"key":"a","action":"update","data":null}',
        [(1, None), (2, None), (3, None)],
    ),
    (
        "data_required_delete_field",
        "a.json",
        '{"key":"a","action":"delete-field"}\n{"key":"a","action":"delete-field","data":{}}',
        [(1, None), (2, None)],
    ),
    (
        "data_forbidden_delete_key",
        "a.json",
        '{"key":"a","action":"delete-key","data":{}}\n{"key":"a","action":"delete-key","data":null}',
        [(1, None), (2, None)],
    ),
    (
        "encoding_unsupported",
        "a.json",
        '{"key":"a","enc":"cp1252","data":{"Brand":"x"}}\n{"key":"a","enc":null,"data":{"Brand":"x"}}',
        [(1, None), (2, None)],
    ),
    (
        "action_unsupported",
        "a.json",
        '{"key":"a","action":"Delete-Key"}\n{"key":"a","action":null,"data":{"Brand":"x"}}',
        [(1, None), (2, None)],
    ),
    (
        "member_name_case",
        "a.json",
        '{"key":"a","Action":"delete-field","data":{"Brand":"x"}}',
        [(1, None)],
    ),
    ("json_record_not_object", "a.json", '["a"]\n"a"\n7\n', [(1, None), (2, None), (3, None)]),
    (
        "json_syntax",
        "a.json",
        '{"key":"a",\n"data":{"Brand":"x"}\n}\n',
        [(1, None), (2, None), (3, None)],
    ),
    (
        "json_syntax",
        "a.json",
        '{"key":"a","key":"b","data":{"Brand":"x"}}\n{"key":"a","data":{"Brand":NaN}}',
        [(1, None), (2, None)],
    ),
    (
        "json_syntax",
        "a.json",
        '{"key":"a","data":{"Brand":"\\ud800"}}\n' + "[" * 100_000,
        [(1, None), (2, None)],
    ),
    ("key_too_long", "a.csv", HEAD + f"{LONG},x,y\n{TOO_LONG},x,y\n", [(3, None)]),
    ("key_too_long", "a.json", f'{{"key":"{TOO_LONG}","data":{{"Brand":"x"}}}}', [(1, None)]),
    (
        "value_too_long",
        "a.csv",
        HEAD + f"a,{LONG},{TOO_LONG}\nb,{TOO_LONG},\n",
        [(2, "Category"), (3, "Brand")],
    ),
    ("value_too_long", "a.json", f'{{"key":"a","data":{{"Brand":"{TOO_LONG}"}}}}', [(1, "Brand")]),
    (
        "value_type_invalid",
        "a.csv",
        "Key,Stock,Price\na,many,1\nb,007,1.5.\nc,1e3,1e999\n",
        [(2, "Stock"), (3, "Stock"), (3, "Price"), (4, "Stock"), (4, "Price")],
    ),
    (
        "value_type_invalid",
        "a.json",
        '{"key":"a","data":{"Brand":{},"Category":["x"],"Stock":true,"Tags":[{}]}}',
        [(1, "Brand"), (1, "Category"), (1, "Stock"), (1, "Tags")],
    ),
]


@pytest.mark.parametrize(
    ("rule", "name", "content", "places"),
    ERRORS,
    ids=[f"{rule}-{name}-{n}" for n, (rule, name, *_) in enumerate(ERRORS)],
)
def test_error(rule: str, name: str, content: str | bytes, places: list) -> None:
    assert problems(content, name) == [(row, rule, column) for row, column in places]


def test_error_file_too_large() -> None:
    content = HEAD + "a,x,y\n"
    assert problems(content, max_bytes=len(content)) == []
    assert problems(content, max_bytes=len(content) - 1) == [(0, "file_too_large", None)]
    assert problems(b"\xef\xbb\xbf" + content.encode(), max_bytes=4) == [
        (0, "file_too_large", None)
    ]


def test_every_error_has_a_file_above() -> None:
    assert {rule for rule, *_ in ERRORS} | {"file_too_large"} == set(RULES)


def test_messages_start_with_the_documented_wording_and_stay_short() -> None:
    for rule, name, content, _ in ERRORS:
        outcome = check(content, name)
        assert isinstance(outcome, Rejected)
        for problem in outcome.problems:
            assert problem.message.startswith(RULES[rule] + ": "), problem
            assert len(problem.message) <= 500


# id of the rule, file name, content, options, net effect
GOOD = [
    ("G1-case", "A.CSV", HEAD + "a,x,y\n", {}, update("a", Brand="x", Category="y")),
    ("G1-tab", "a.tab", "Key\tBrand\na\tx\n", {}, update("a", Brand="x")),
    (
        "G3-latin1",
        "a.csv",
        HEAD.encode() + b"a,Caf\xe9,\n",
        {"encoding": "latin1"},
        update("a", Brand="Café"),
    ),
    ("G3-utf8", "a.csv", HEAD + "a,Café,\n", {}, update("a", Brand="Café")),
    ("G5-255-bytes", "a.csv", HEAD + f"{LONG},{LONG},\n", {}, update(LONG, Brand=LONG)),
    (
        "G5-latin1-counts-utf8",
        "a.csv",
        HEAD.encode() + b"a," + b"\xe9" * 127 + b",\n",
        {"encoding": "latin1"},
        update("a", Brand="é" * 127),
    ),
    (
        "G7-last-wins",
        "a.csv",
        HEAD + "a,x,y\nb,p,q\na,,z\n",
        {},
        {**update("a", Category="z"), **update("b", Brand="p", Category="q")},
    ),
    (
        "G10-case",
        "a.csv",
        HEAD + "a,x,\nA,X,\n",
        {},
        {**update("a", Brand="x"), **update("A", Brand="X")},
    ),
    (
        "G12-crlf",
        "a.csv",
        "Key,Brand\r\na,x\r\nb,y",
        {},
        {**update("a", Brand="x"), **update("b", Brand="y")},
    ),
    (
        "G12-lone-return-is-data",
        "a.csv",
        "Key,Brand,Category\na,x\ry,z\n",
        {},
        update("a", Brand="x\ry", Category="z"),
    ),
    (
        "G13-preamble",
        "a.tab",
        "## SC\tSiteCatalyst\n\n## SC\t\nKey\tBrand\n## SC\tx\n",
        {},
        update("## SC", Brand="x"),
    ),
    (
        "J3-update",
        "a.json",
        '{"key":"a","action":"update","data":{"Brand":"x"}}',
        {},
        update("a", Brand="x"),
    ),
    (
        "J5-null",
        "a.json",
        '{"key":"a","action":"delete-field","data":{"Brand":null,"Stock":""}}',
        {},
        {"a": ("clear", {}, {"Brand", "Stock"})},
    ),
    (
        "J6-delete-key",
        "a.json",
        '{"key":"a","action":"delete-key"}',
        {},
        {"a": ("delete", {}, set())},
    ),
    (
        "J7-names",
        "a.json",
        '{"key":"a","enc":"ISO-8859-1","data":{"Brand":"é"}}'.encode("latin-1")
        + b'\n{"key":"b","enc":"UTF8","data":{"Brand":"x"}}',
        {},
        {**update("a", Brand="é"), **update("b", Brand="x")},
    ),
    (
        "J8-by-line",
        "a.json",
        '{"key":"a","enc":"latin1","data":{"Brand":"é"}}'.encode("latin-1")
        + '\n{"key":"b","data":{"Brand":"é"}}'.encode(),
        {},
        {**update("a", Brand="é"), **update("b", Brand="é")},
    ),
    (
        "J8-before-the-file",
        "a.json",
        '{"key":"a","enc":"utf8","data":{"Brand":"é"}}',
        {"encoding": "latin1"},
        update("a", Brand="é"),
    ),
    (
        "J9-null-and-empty",
        "a.json",
        '{"key":"a","data":{"Brand":null,"Category":"","Stock":5}}',
        {},
        update("a", Stock=5),
    ),
    (
        "J9-empty-token",
        "a.json",
        '{"key":"a","data":{"Brand":"~empty~","Stock":5}}',
        {},
        {"a": ("update", {"Stock": 5}, {"Brand"})},
    ),
    (
        "J10-literals",
        "a.json",
        '{"key":"a","data":{"Brand":89.90,"Category":true,"Price":89.90,"Tags":["p","q"]}}',
        {},
        update("a", Brand="89.90", Category="true", Price=89.9, Tags=["p", "q"]),
    ),
    (
        "J10-not-trimmed",
        "a.json",
        '{"key":" a ","data":{"Brand":" x "}}',
        {},
        update(" a ", Brand=" x "),
    ),
    (
        "J11-blank-lines",
        "a.json",
        '\n \n{"key":"a","data":{"Brand":"x"}}\r\n\t\n',
        {},
        update("a", Brand="x"),
    ),
    (
        "J13-G9-names",
        "a.json",
        '{"key":"a","data":{"Br\\u0061nd":"x"}}',
        {},
        update("a", Brand="x"),
    ),
    (
        "C2-quotes",
        "a.csv",
        HEAD + 'a,"Oak, Ash","say ""hi"""\n',
        {},
        update("a", Brand="Oak, Ash", Category='say "hi"'),
    ),
    (
        "C3-trimmed",
        "a.csv",
        ' Key , Brand \n  a  ,  x y  \nb, " p " \n',
        {},
        {**update("a", Brand="x y"), **update("b", Brand=" p ")},
    ),
    (
        "C3-only-spaces",
        "a.csv",
        "Key,Brand,Category\na,\tx\t,\u00a0\n",
        {},
        update("a", Brand="\tx\t", Category="\u00a0"),
    ),
    (
        "C4-kept-inside",
        "a.csv",
        HEAD + 'a,"x\ty","p\r\nq\n"\n',
        {},
        update("a", Brand="x\ty", Category="p\r\nq\n"),
    ),
    ("C6-blank-keeps", "a.csv", HEAD + 'a,,""\n', {}, update("a")),
    (
        "C7-empty-mixed",
        "a.csv",
        HEAD + "a,~empty~,y\nb,~empty~,\n",
        {},
        {"a": ("update", {"Category": "y"}, {"Brand"}), "b": ("update", {}, {"Brand"})},
    ),
    (
        "C8-any-field",
        "a.csv",
        HEAD + "a,,~deletekey~\nb,~deletekey~,x\n",
        {},
        {"a": ("delete", {}, set()), "b": ("delete", {}, set())},
    ),
    (
        "C9-exact",
        "a.csv",
        HEAD + "a,~Empty~,x~empty~\n",
        {},
        update("a", Brand="~Empty~", Category="x~empty~"),
    ),
    (
        "C10-blank-lines",
        "a.csv",
        "\n" + HEAD + "\na,x,y\n   \n\r\n",
        {},
        update("a", Brand="x", Category="y"),
    ),
    ("TSV-spaces-kept", "a.tsv", "Key\tBrand\n a \t x \n", {}, update(" a ", Brand=" x ")),
    ("TSV-spaces-are-a-value", "a.tsv", "Key\tBrand\na\t  \n", {}, update("a", Brand="  ")),
    ("TSV-quote-literal", "a.tsv", 'Key\tBrand\na\t5" pipe\n', {}, update("a", Brand='5" pipe')),
    (
        "TSV-quote-leading",
        "a.tsv",
        'Key\tBrand\na\t"x\ty ""z"""\n',
        {},
        update("a", Brand='x\ty "z"'),
    ),
    ("TSV-token-exact", "a.tsv", "Key\tBrand\na\t~empty~ \n", {}, update("a", Brand="~empty~ ")),
    (
        "types",
        "a.csv",
        'Key,Stock,Price,Tags\na,-17,2e6,"p,q"\n',
        {},
        update("a", Stock=-17, Price=2e6, Tags=["p", "q"]),
    ),
    (
        "F134-list-delimiter",
        "a.csv",
        "Key,Tags\na,p|q\n",
        {"list_delimiter": "|"},
        update("a", Tags=["p", "q"]),
    ),
    (
        "8.1-blank-clears",
        "a.csv",
        HEAD + "a,,y\n",
        {"blank_clears": True},
        {"a": ("update", {"Category": "y"}, {"Brand"})},
    ),
    ("header-alone", "a.csv", HEAD, {}, {}),
]


@pytest.mark.parametrize(
    ("name", "content", "options", "expected"),
    [case[1:] for case in GOOD],
    ids=[case[0] for case in GOOD],
)
def test_rule(name: str, content: str | bytes, options: dict, expected: dict) -> None:
    assert effects(content, name, **options) == expected


def _warnings(content: str, name: str) -> list[tuple]:
    outcome = check(content, name)
    return [(notice.row, notice.rule) for notice in outcome.warnings]


class TestLastRecordWins:
    """G7 and section 8.2."""

    def test_earlier_rows_are_named(self) -> None:
        outcome = check(HEAD + "a,x,\nb,x,\na,y,\na,z,\n")
        assert isinstance(outcome, Operations)
        assert [(notice.row, notice.rule) for notice in outcome.warnings] == [
            (2, "superseded"),
            (4, "superseded"),
        ]
        assert "row 5" in outcome.warnings[0].message
        assert (outcome.line_count, outcome.superseded_count) == (4, 2)

    def test_consecutive_delete_fields_add_up(self) -> None:
        line = '{"key":"a","action":"delete-field","data":{"%s":null}}\n'
        assert effects(line % "Brand" + line % "Stock", "a.json") == {
            "a": ("clear", {}, {"Brand", "Stock"})
        }

    def test_an_update_between_parts_them(self) -> None:
        line = '{"key":"a","action":"delete-field","data":{"%s":null}}\n'
        content = (
            line % "Brand"
            + '{"key":"a","data":{"Price":1}}\n'
            + line % "Stock"
            + '{"key":"b","action":"delete-key"}\n'
            + line % "Tags"
        )
        assert effects(content, "a.json") == {
            "a": ("clear", {}, {"Stock", "Tags"}),
            "b": ("delete", {}, set()),
        }
        assert _warnings(content, "a.json") == [(1, "superseded"), (2, "superseded")]

    def test_keys_come_in_the_order_of_their_bytes(self) -> None:
        keys = [
            "b",
            "é",
            "B",
            "a" * 60 + "2",
            "a" * 60 + "1",
            "a" * 60,
            "\U00010000",
            "\uffff",
            "b" * 7,
            "b" * 8,
            "b" * 9,
        ]
        outcome = check("Key,Brand\n" + "".join(f"{key},x\n" for key in keys))
        assert isinstance(outcome, Operations)
        assert outcome.keys.to_pylist() == sorted(keys, key=str.encode)


class TestRowNumbers:
    """F133: records in tables, lines in JSON."""

    def test_after_a_field_of_several_lines(self) -> None:
        assert problems(HEAD + 'a,"x\ny\nz",\n,x,y\n') == [(3, "key_empty", None)]

    def test_blank_lines_and_preamble_are_no_records(self) -> None:
        assert problems("\n## SC\n" + HEAD + "\n\na,x,y\n\n,x,y\n") == [(3, "key_empty", None)]

    def test_blank_lines_count_in_json(self) -> None:
        assert problems('\n{"key":"a","data":{"Brand":"x"}}\n\n{"key":""}', "a.json") == [
            (4, "key_required", None),
            (4, "data_required_update", None),
        ]


class TestAllOrNothing:
    """G11, F132."""

    def test_all_errors_in_file_order(self) -> None:
        content = HEAD + f',{TOO_LONG},y\na,x,y\nb,x\nc,"x"y,z\n~empty~,{TOO_LONG},{TOO_LONG}\n'
        assert problems(content) == [
            (2, "key_empty", None), (2, "value_too_long", "Brand"), (4, "column_count_mismatch", None), (5, "malformed_document", None),
            (6, "key_reserved_token", None), (6, "value_too_long", "Brand"), (6, "value_too_long", "Category"),
        ]  # fmt: skip

    def test_a_header_error_ends_the_check(self) -> None:
        assert problems("Key,Nope\n,\n") == [(1, "unknown_header", "Nope")]

    def test_a_rule_about_the_file_stands_alone(self) -> None:
        assert problems(b"Key,Nope\n,\n" + b"x" * 5000 + b"\xe9", piece_bytes=64) == [
            (0, "file_encoding_invalid", None)
        ]

    def test_a_full_list_says_so(self) -> None:
        outcome = check(HEAD + ",x,y\n" * 50, max_problems=10)
        assert isinstance(outcome, Rejected)
        assert (len(outcome.problems), outcome.problem_count) == (10, 50)


class TestWarnings:
    def test_ignored_cells_c8(self) -> None:
        assert _warnings(HEAD + "a,x,~deletekey~\nb,,~deletekey~\n", "a.csv") == [
            (2, "ignored_cells")
        ]

    def test_unknown_members_j12(self) -> None:
        assert _warnings('{"key":"a","data":{"Brand":"x"},"note":1}', "a.json") == [
            (1, "unknown_member")
        ]

    def test_listed_up_to_a_limit_and_counted(self) -> None:
        outcome = check(HEAD + "a,x,y\n" * 50, max_warnings=5)
        assert [notice.row for notice in outcome.warnings] == [2, 3, 4, 5, 6]
        assert outcome.warning_counts == {"superseded": 49}


def test_a_stream_that_gives_little_at_a_time() -> None:
    class Trickle(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self.left = data

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            part, self.left = self.left[: min(3, len(buffer))], self.left[min(3, len(buffer)) :]
            buffer[: len(part)] = part
            return len(part)

    outcome = parse(Trickle((HEAD + "a,é,y\n" * 30).encode()), file_name="a.csv", schema=SET)  # type: ignore[arg-type]
    assert isinstance(outcome, Operations)
    assert outcome.line_count == 30


@pytest.mark.parametrize(
    "content",
    [b"Key,Brand" + b"," * 3_000_000, b'Key,Brand\na,"' + b",\n" * 1_500_000, b"Key,Brand\n" + b"a\n" * 300_000, b'Key,Brand\n' + b'a,b"\n' * 30_000],
    ids=["wide-header", "unclosed-quote", "narrow-rows", "bare-quotes"],
)  # fmt: skip
def test_hostile_tables_end_in_errors(content: bytes) -> None:
    outcome = check(content, max_problems=20_000)
    assert isinstance(outcome, Rejected)
    assert 0 < len(outcome.problems) <= 20_000


def test_a_line_of_json_without_end_is_an_error() -> None:
    content = b'{"key":"a","data":{"Brand":"x"}}\n{"x":' + b"[]," * 3_000_000
    assert problems(content, "a.json") == [(2, "json_syntax", None)]


def test_defaults_come_from_the_set() -> None:
    latin1 = SetSchema(
        (SetColumn("Tags", "list[string]"),),
        encoding="latin1",
        list_delimiter=";",
        blank_clears=True,
    )
    outcome = parse(io.BytesIO(b"Key,Tags\na,\xe9;b\nc,\n"), file_name="a.csv", schema=latin1)
    assert isinstance(outcome, Operations)
    assert outcome.values["Tags"].to_pylist() == [["é", "b"], None]
    assert outcome.cleared["Tags"].to_pylist() == [False, True]
    chosen = ParseOptions.for_set(
        latin1, encoding="utf8", list_delimiter="|", blank_clears=False, max_bytes=5
    )
    assert chosen == ParseOptions(list_delimiter="|", max_bytes=5)


def test_quotes_as_text_beside_quoted_fields_are_read_all_at_once_f125(monkeypatch) -> None:
    read = []
    monkeypatch.setattr(
        "assets.classifications.reading.table._TableReader._read_exactly",
        lambda _self, data, is_last: read.append(data) or ([], len(data)),
    )
    rows = "".join(f'k{n}\t{n}" pipe\t"so ""called"" {n}"\n' for n in range(1000))
    found = effects("Key\tBrand\tCategory\n" + rows, "a.tsv")
    assert found["k7"] == ("update", {"Brand": '7" pipe', "Category": 'so "called" 7'}, set())
    assert (len(found), read) == (1000, [])
