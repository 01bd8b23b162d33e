"""Whatever JSON goes in comes out: as a typed value that is equal to it, or as the text that stood there (R12)."""

import json
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.kernel.errors import InputError
from tests.resources.formats.json.reading import read_bytes

TEXTS = st.text(st.sampled_from('ab"\\/:,{}[]\n\t\x00 äß€😀1-.enull'), max_size=8)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-99, 99).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-1000, 1000, places=2).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,3})?", fullmatch=True),
)
SCALARS = {
    "text": TEXTS.map(json.dumps),
    "raw text": TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False)),
    "number": NUMBERS,
    "integer": st.integers(-(2**63), 2**63 - 1).map(str),
    "boolean": st.sampled_from(["true", "false"]),
}
NESTED = st.recursive(
    st.one_of(*SCALARS.values(), st.just("null")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda items: "{" + ",".join(f'"{k}" :{v}' for k, v in items.items()) + "}"
        ),
    ),
    max_leaves=4,
)
KINDS = st.sampled_from([*SCALARS.values(), NESTED])
NAMES = st.lists(
    st.one_of(st.sampled_from(["a", "b", "c", ":", "k,", 'q"', "\\", "ä"]), TEXTS),
    min_size=1, max_size=4, unique=True,
).filter(lambda names: all(name.strip() for name in names))  # fmt: skip


@st.composite
def records(draw):
    """Rows of (name, literal) pairs; alike as a program writes them, or with members missing and out of order."""
    kinds = {name: draw(KINDS) for name in draw(NAMES)}
    alike = draw(st.booleans())
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        pairs = [(name, draw(st.one_of(kind, st.just("null")))) for name, kind in kinds.items()]
        if not alike:
            pairs = draw(st.permutations(pairs))[: draw(st.integers(0, len(pairs)))]
        rows.append(pairs)
    return rows if any(rows) else [[(next(iter(kinds)), "1")]]


def as_json(rows, separators, array):
    comma, colon = separators
    texts = [
        "{" + comma.join(f"{json.dumps(name)}{colon}{text}" for name, text in row) + "}"
        for row in rows
    ]
    return ("[" + f"{comma}\n".join(texts) + "]" if array else "\n".join(texts)).encode()


def exact(text):
    return json.loads(text, parse_float=Decimal, parse_int=int)


def is_kept(arrived, text):
    """Whether what arrived is the value, or else the literal itself."""
    if text in (None, "null"):
        return arrived is None
    value = exact(text)
    if arrived == text:
        return not isinstance(value, str) or json.loads(text) == arrived or arrived.startswith('"')
    if isinstance(value, bool) or isinstance(arrived, bool):
        return arrived is value
    if isinstance(arrived, float):
        return Decimal(repr(arrived)) == value
    return type(arrived) in (str, int, Decimal) and arrived == value


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=records(),
    separators=st.sampled_from([(",", ":"), (", ", ": "), (",\n " , ":\t")]),
    array=st.booleans(),
    chunk_bytes=st.sampled_from([16, 64, 1 << 20]),
)  # fmt: skip
def test_every_value_arrives(rows, separators, array, chunk_bytes):
    if not array and "\n" in separators[0]:
        separators = (", ", ": ")
    with tempfile.TemporaryDirectory() as folder:
        content = as_json(rows, separators, array)
        table = read_bytes(Path(folder), content, chunk_bytes=chunk_bytes)
    wanted = [dict(row) for row in rows]
    assert table.num_rows == len(wanted)
    assert table.column_names == list(dict.fromkeys(name for row in rows for name, _ in row))
    for name in table.column_names:
        for arrived, row in zip(table.column(name).to_pylist(), wanted, strict=True):
            assert is_kept(arrived, row.get(name)), (name, arrived, row.get(name))


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from('{}[]":,\\ \n1-.eaul\x1f\x01trn'), max_size=24))
def test_what_python_refuses_is_refused(text):
    """Text in the shape of JSON Lines: either every line is an object for Python too, or there is an error."""
    content = '{"a":1}\n{"a":' + text + "}\n"
    with tempfile.TemporaryDirectory() as folder:
        try:
            table = read_bytes(Path(folder), content.encode())
        except InputError:
            return
    rows = [exact(line) for line in content.split("\n") if line.strip(" \t\r")]
    assert table.num_rows == len(rows)
    assert all(isinstance(row, dict) for row in rows)


ALIKE = (
    '{"a": 12, "b": "x, y", "c": true}\n{"a": 0, "b": "", "c": null}\n{"a": -3, "b": "\\"", "c": false}\n',
    '{"a":1.5,"b":"k"}\n{"a":2.25,"b":"\\\\"}\n{"a":null,"b":null}\n',
)


def unique(pairs):
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


@settings(max_examples=300, deadline=None)
@given(
    content=st.sampled_from(ALIKE),
    edits=st.lists(
        st.tuples(
            st.integers(0, 90), st.integers(0, 6), st.text(st.sampled_from('{}[]":,\\ \n1-.eabu\x1f'), max_size=4)
        ),
        min_size=1, max_size=3,
    ),
)  # fmt: skip
def test_records_that_are_almost_alike(content, edits):
    """Edits of well-formed records: what is read is what Python reads, and nothing is read that Python refuses."""
    for place, size, text in edits:
        content = content[:place] + text + content[place + size :]
    with tempfile.TemporaryDirectory() as folder:
        try:
            table = read_bytes(Path(folder), content.encode())
        except InputError:
            return
    decoder = json.JSONDecoder(parse_float=Decimal, parse_int=int, object_pairs_hook=unique)
    rows, left = [], content.strip(" \t\r\n")
    while left:
        row, end = decoder.raw_decode(left)
        rows.append(row)
        left = left[end:].lstrip(" \t\r\n")
    if any(isinstance(value, dict | list) for row in rows for value in row.values()):
        return
    for name in table.column_names:
        for arrived, row in zip(table[name].to_pylist(), rows, strict=True):
            value = row.get(name)
            is_same = arrived == value or (
                isinstance(arrived, float) and Decimal(repr(arrived)) == value
            )
            assert is_same or (isinstance(arrived, str) and exact(arrived) == value)


@pytest.mark.parametrize("text", ["0.1000000000000000055", "1e-320", "1e400", "-0", "1E5", "12345678901234567.5"])  # fmt: skip
def test_numbers_at_the_edges_of_doubles(tmp_path, text):
    (arrived,) = read_bytes(tmp_path, f'{{"a":{text}}}'.encode()).column("a").to_pylist()
    assert arrived == text or Decimal(str(arrived)) == Decimal(text)
