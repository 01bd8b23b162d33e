"""Fast and slow implementation agree on generated files, good, odd and hostile."""

from __future__ import annotations

import json
import os

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.assets.classifications.sets import TYPES, assert_like_reference

# A longer search for an evening: HYPOTHESIS_EXAMPLES=5000.
EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "60"))
FEW = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
PIECES = st.sampled_from([4, 7, 16, 64, 4096, 1 << 16])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "encoding": st.just("latin1"),
        "blank_clears": st.just(True),
        "list_delimiter": st.just("|"),
    },
)

KEYS = st.one_of(
    st.sampled_from(
        [
            "a",
            "b",
            "sku-1",
            "sku-10",
            "A",
            "é",
            "\u3000",
            "\u00a0",
            "\u00a0x",
            "x\u200b",
            "# x",
            "#x",
            "\u00c3\u00a9",
            "\u0093x",
            " ",
            "",
            "~empty~",
            "~deletekey~",
            "~",
            "k\0",
        ]
    ),
    st.sampled_from(["x" * 255, "x" * 256, "é" * 127, "é" * 128]),
    st.text("abé~ \u2003", max_size=12),
)
CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            "",
            "Cedar",
            "Oak, Ash",
            "~empty~",
            "~deletekey~",
            "~empty~ ",
            "~EMPTY~",
            " ",
            "  x  ",
            '"',
            'say "hi"',
            '""',
            "a\tb",
            "a\nb",
            "a\r\nb",
            "a\rb",
            "\r",
            "\0",
            "é",
            "\u00c3\u00a9 \u0093",
            "\u00e2\u0082\u00ac",
            "\u0093x\u0094",
            "日本",
            "\ud7ff",
        ]
    ),
    st.sampled_from(
        [
            "7",
            "-7",
            "007",
            "+7",
            "-0",
            "7.0",
            "+7.00",
            "-0.0",
            "-007",
            "9223372036854775807.0",
            "9223372036854775808.0",
            "9223372036854775807",
            "9223372036854775808",
            "1.5",
            "89.90",
            "1e400",
            "1E-7",
            "-0.0",
            "0.1234567890123456789",
            "123456789012345678",
            ".5",
            "1.",
            "true",
            "a|b",
            "a , b",
            " a |b ",
            "a,,b",
            "~empty~,",
            " ~deletekey~ ",
            ",",
            "|",
        ]
    ),
    st.sampled_from(["y" * 255, "y" * 256, "é" * 127 + "y", "é" * 128, '"' * 128]),
    st.text(max_size=4),
)
HEADERS = st.one_of(
    st.permutations(list(TYPES)).map(lambda names: ["Key", *names]),
    st.lists(st.sampled_from(list(TYPES)), min_size=1, max_size=3, unique=True).map(
        lambda names: ["Key", *names]
    ),
    st.lists(
        st.sampled_from(
            ["Key", "key", "Key ", "", "Brand", "brand", "Nope", "Stock", "Tags", "  "]
        ),
        min_size=1,
        max_size=4,
    ),
)
LINE_ENDS = st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n", "\n \n"])


def _quote(cell: str, style: int, delimiter: str) -> str:
    """Well quoted where needed; always; with spaces round it; or not at all."""
    doubled = '"' + cell.replace('"', '""') + '"'
    needs = any(mark in cell for mark in (delimiter, '"', "\n", "\r"))
    return [doubled if needs else cell, doubled, f" {doubled}  ", cell, f"  {cell} "][style]


@st.composite
def tables(draw, delimiter: str) -> bytes:
    headers = draw(HEADERS)
    styles = draw(st.sampled_from([[0], [0, 1], [0, 1, 2], [0, 4], [0, 1, 2, 3, 4]]))
    end = draw(LINE_ENDS)
    preamble = draw(st.sampled_from(["", "", "\n", "## SC\tfoo\n", '  \n## SC "\n\n']))
    lines = [delimiter.join(headers)]
    for _ in range(draw(st.integers(0, 12))):
        width = draw(st.sampled_from([len(headers) - 1] * 9 + [0, 1, len(headers)]))
        cells = [draw(KEYS), *(draw(CELLS) for _ in range(width))]
        lines.append(
            delimiter.join(_quote(cell, draw(st.sampled_from(styles)), delimiter) for cell in cells)
        )
    text = preamble + end.join(lines) + draw(st.sampled_from(["", end, " ", '"', "\r"]))
    return text.encode("utf-8", "surrogatepass")


@st.composite
def good_tables(draw, delimiter: str) -> bytes:
    """Only what is allowed, so that whole blocks stay on the fast way and rows repeat keys."""
    lines = [delimiter.join(["Key", *TYPES])]
    for _ in range(draw(st.integers(1, 40))):
        key = draw(
            st.sampled_from(
                [
                    "a",
                    "b",
                    "sku-1",
                    "sku-1x",
                    "sku-0000000000000000000000000000000000000001",
                    "é",
                    "z" * 40,
                ]
            )
        )
        text = st.sampled_from(
            ["", "Cedar", "Oak, Ash", 'a "b"', "é日", "~empty~", "line\nline", " x "]
        )
        row = [
            key,
            draw(text),
            draw(text),
            draw(st.sampled_from(["", "7", "-12", "7.0", "+3"])),
            draw(st.sampled_from(["", "1.50", "0.1", "-3"])),
            draw(st.sampled_from(["", "a", "a,b", "a, b", "a|b,,c", " ,"])),
        ]
        if draw(st.integers(0, 9)) == 0:
            row[1:] = ["", "~deletekey~", "", "", ""]
        lines.append(
            delimiter.join(
                _quote(cell, draw(st.sampled_from([0, 0, 1])), delimiter) for cell in row
            )
        )
    return "\n".join(lines).encode()


JSON_CELLS = st.one_of(
    CELLS,
    CELLS,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.one_of(CELLS, st.none(), st.integers()), max_size=3),
    st.just({}),
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "key": st.one_of(KEYS, KEYS, st.none(), st.integers()),
        "data": st.one_of(
            st.dictionaries(st.sampled_from([*TYPES, "Nope", "Key"]), JSON_CELLS, max_size=4),
            st.dictionaries(st.sampled_from([*TYPES]), CELLS, min_size=1, max_size=3),
            st.none(),
            st.just("text"),
        ),
        "action": st.sampled_from(["update", "delete-field", "delete-key", "Update", "", None, 1]),
        "enc": st.sampled_from(
            ["utf8", "UTF8", "latin1", "LATIN1", "iso-8859-1", "cp1252", None, 8]
        ),
        "Action": st.just("delete-key"),
        "note": st.just("é"),
        "K\u212aey": st.just(1),
    },
)
LIKELY = st.fixed_dictionaries(
    {"key": st.sampled_from(["a", "b", "é", 'q"', "tab\t", "long" * 20])},
    optional={
        "data": st.dictionaries(
            st.sampled_from([*TYPES]),
            st.one_of(
                st.sampled_from(["", "x", "é", "7", 'a"b', "a\\b", "~empty~", None, 5, 1.5]),
                JSON_CELLS,
            ),
            max_size=4,
        ),
        "action": st.sampled_from(["update", "delete-field", "delete-key"]),
        "enc": st.sampled_from(["utf8", "latin1"]),
    },
)
RAW_LINES = st.sampled_from(
    [
        "",
        " ",
        "\r",
        "[]",
        '"x"',
        "5",
        "null",
        "{",
        '{"key":"a"',
        '{"key":"a","key":"b","data":{"Brand":"x"}}',
        '{"key":"a","data":{"Brand":"x","Brand":"y"}}',
        '{"key":"a","data":{"Brand":"\\ud800"}}',
        '{"key":"a","data":{"Brand":"\\ud83d\\ude00"}}',
        '{"key":"a","data":{"Price":89.90,"Brand":89.90}}',
        '{"key":"a","data":{"Price":NaN}}',
        '{"key":"a","data":{"Brand":"x",}}',
        '{"key":"a" "data":{"Brand":"x"}}',
        '{"key":"a","data":{"Brand":"x"}}}',
        '{"key":"a","data":{"Brand":"\t"}}',
        '{"key":"a","data":{"Brand":01}}',
        '{ "key" : "a" , "data" : { "Brand" : "x" , "Stock" : 3 } }',
        '{"data":{"Brand":"x"},"key":"a"}',
        '{"key":"\\u0061","data":{"Br\\u0061nd":"x"}}',
        "[" * 50,
        '{"key":"a","data":{"Brand":"x"}}  x',
    ]
)


@st.composite
def json_files(draw, members) -> bytes:
    lines = []
    for _ in range(draw(st.integers(1, 12))):
        if draw(st.integers(0, 5)) == 0:
            lines.append(draw(RAW_LINES).encode())
            continue
        record = draw(members)
        separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
        text = json.dumps(record, ensure_ascii=draw(st.booleans()), separators=separators)
        lines.append(text.encode(draw(st.sampled_from(["utf-8", "utf-8", "latin-1"])), "replace"))
    return draw(st.sampled_from([b"\n", b"\n", b"\r\n"])).join(lines) + draw(
        st.sampled_from([b"", b"\n", b" "])
    )


GOOD_VALUES = {
    "Brand": st.sampled_from(
        [
            "Cedar",
            "",
            "é日",
            'say "hi"',
            "a\\b",
            "~empty~",
            "tab\there",
            "x" * 255,
            None,
            True,
            89.5,
            7,
            "\U0001f600",
            " ",
        ]
    ),
    "Category": st.sampled_from(["Oak", "Ash", "", "~empty~"]),
    "Stock": st.sampled_from([5, -7, 7.0, "12", "+3", None, "", 9223372036854775807]),
    "Price": st.sampled_from([1.5, "2.50", 3, None, 0.1]),
    "Tags": st.sampled_from(
        ["a", "a,b", "a, b", "p|q", ["a", "b"], ["a,b"], ["a ", "b"], ["a", ""], [""], [], "", None]
    ),
}
BAD_VALUES = st.sampled_from(
    ["~deletekey~", "y" * 256, "é" * 128, {}, ["x", None], "bad\0", 10**30, "007"]
)


@st.composite
def long_json_files(draw) -> bytes:
    """Some shapes with many lines each, few lines with errors: the fast way and its edges."""
    randomly = draw(st.randoms(use_true_random=False))
    shapes = draw(
        st.lists(
            st.lists(st.sampled_from(list(TYPES)), min_size=1, max_size=4, unique=True),
            min_size=1,
            max_size=3,
        )
    )
    pools = {
        name: draw(st.lists(values, min_size=1, max_size=4)) for name, values in GOOD_VALUES.items()
    }
    bad = draw(st.lists(st.one_of(BAD_VALUES), max_size=2))
    keys = draw(
        st.lists(
            st.sampled_from(
                ["a", "b", "é", 'k"q', "k\\", "\u3000x", "sku-1", "sku-22", "n\nl", "l" * 40]
            ),
            min_size=1,
        )
    )
    actions = draw(
        st.sampled_from(
            [["update"], [None, "delete-field"], ["update", "delete-key", "delete-field"]]
        )
    )
    encodings = draw(st.sampled_from([[None], [None], ["utf8"], ["latin1", None]]))
    is_ascii, separators = draw(st.booleans()), draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    spelling = draw(st.sampled_from(['"enc"', '"enc"', '"\\u0065nc"']))
    lines = []
    for _ in range(draw(st.integers(33, 150))):
        names = randomly.choice(shapes)
        action, encoding = randomly.choice(actions), randomly.choice(encodings)
        data = {name: randomly.choice(pools[name]) for name in names}
        if bad and randomly.random() < 0.02:
            data[names[0]] = randomly.choice(bad)
        record = {"key": randomly.choice(keys), "data": data, "action": action, "enc": encoding}
        if action == "delete-key":
            del record["data"]
        record = {name: member for name, member in record.items() if member is not None}
        text = json.dumps(record, ensure_ascii=is_ascii, separators=separators)
        text = text.replace('"enc"', spelling)
        lines.append(text.encode("latin-1" if encoding == "latin1" else "utf-8", "replace"))
    return draw(st.sampled_from([b"\n", b"\r\n"])).join(lines)


@st.composite
def mutated(draw, files) -> bytes:
    """A file with some bytes changed, cut or put in."""
    data = bytearray(draw(files))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        piece = draw(
            st.one_of(
                st.sampled_from(
                    [
                        b'"',
                        b",",
                        b"\t",
                        b"\n",
                        b"\r",
                        b" ",
                        b"~",
                        b"\\",
                        b"{",
                        b"}",
                        b"\xe9",
                        b"\xc3\xa9",
                        b"\0",
                        b":",
                        b"1",
                    ]
                ),
                st.binary(max_size=3),
            )
        )
        data[place : place + draw(st.integers(0, 2))] = piece
    return bytes(data)


@FEW
@given(tables(","), PIECES, OPTIONS)
def test_csv_agrees(data: bytes, piece_bytes: int, options: dict) -> None:
    assert_like_reference(data, "f.csv", piece_bytes, **options)


@FEW
@given(tables("\t"), PIECES, OPTIONS)
def test_tsv_agrees(data: bytes, piece_bytes: int, options: dict) -> None:
    assert_like_reference(data, "f.tsv", piece_bytes, **options)


TSV_QUOTES = st.sampled_from(
    [
        "",
        'x"y',
        'x""y',
        '"q"',
        '"q""r"',
        '""',
        '""""',
        '"a\tb"',
        '"a\nb"',
        '"a',
        'a"',
        '"a"x',
        ' "a"',
        '"a" ',
    ]
)


@FEW
@given(
    st.lists(st.tuples(TSV_QUOTES, TSV_QUOTES, st.sampled_from(["\n", "\r\n"])), max_size=20),
    PIECES,
)
def test_quotes_that_are_text_or_not_agree_f125(rows: list[tuple], piece_bytes: int) -> None:
    lines = "".join(f"k{n}\t{one}\t{two}{end}" for n, (one, two, end) in enumerate(rows))
    assert_like_reference(("Key\tBrand\tCategory\n" + lines).encode(), "f.tsv", piece_bytes)


@FEW
@given(good_tables(","), PIECES, OPTIONS)
def test_good_csv_agrees(data: bytes, piece_bytes: int, options: dict) -> None:
    assert_like_reference(data, "f.csv", piece_bytes, **options)


@FEW
@given(good_tables("\t"), PIECES, OPTIONS)
def test_good_tab_agrees(data: bytes, piece_bytes: int, options: dict) -> None:
    assert_like_reference(data, "f.tab", piece_bytes, **options)


@FEW
@given(json_files(st.one_of(MEMBERS, LIKELY)), PIECES, OPTIONS)
def test_json_agrees(data: bytes, piece_bytes: int, options: dict) -> None:
    assert_like_reference(data, "f.json", piece_bytes, **options)


@FEW
@given(json_files(LIKELY), PIECES, OPTIONS)
def test_likely_json_agrees(data: bytes, piece_bytes: int, options: dict) -> None:
    assert_like_reference(data, "f.json", piece_bytes, **options)


@FEW
@given(long_json_files(), st.sampled_from([64, 5000, 1 << 20]), OPTIONS)
def test_long_json_agrees(data: bytes, piece_bytes: int, options: dict) -> None:
    assert_like_reference(data, "f.json", piece_bytes, **options)


@FEW
@given(
    st.one_of(
        st.tuples(st.just("f.csv"), mutated(good_tables(","))),
        st.tuples(st.just("f.tsv"), mutated(good_tables("\t"))),
        st.tuples(st.just("f.json"), mutated(json_files(LIKELY))),
        st.tuples(st.just("f.json"), mutated(long_json_files())),
    ),
    PIECES,
    OPTIONS,
)
def test_mutated_files_agree(file: tuple[str, bytes], piece_bytes: int, options: dict) -> None:
    assert_like_reference(file[1], file[0], piece_bytes, **options)


@FEW
@given(
    st.binary(max_size=200),
    st.sampled_from(["f.csv", "f.tsv", "f.json", "f.JSON", "f.jsonl", "csv", ".csv"]),
    PIECES,
)
@example(b"Key\t", "f.csv", 4)
def test_any_bytes_agree(data: bytes, file_name: str, piece_bytes: int) -> None:
    assert_like_reference(data, file_name, piece_bytes)
