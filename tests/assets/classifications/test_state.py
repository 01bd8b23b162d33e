"""What operations do to a state: against a plain dictionary, and by example."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.classifications.operations import Operations
from assets.classifications.state import SAMPLE, ValueChange, apply, empty_state
from tests.assets.classifications.sets import SET, TYPES, check

HEAD = "Key," + ",".join(TYPES) + "\n"


def operations(content: str, name: str = "f.csv") -> Operations:
    outcome = check(content, name)
    assert isinstance(outcome, Operations), outcome.problems
    return outcome


def state_of(content: str) -> pa.Table:
    return apply(empty_state(SET), operations(content))[0]


BEFORE = HEAD + 'a,Cedar,Wood,5,1.5,"p,q"\nb,Oak,,,,\nc,,,,,\n'


def test_new_keys_and_an_unclassified_one_c6() -> None:
    state, changes = apply(empty_state(SET), operations(BEFORE))
    assert state.schema == SET.arrow
    assert state.to_pylist()[0] == {
        "Key": "a",
        "Brand": "Cedar",
        "Category": "Wood",
        "Stock": 5,
        "Price": 1.5,
        "Tags": ["p", "q"],
    }
    assert state.to_pylist()[2] == dict.fromkeys(
        ["Brand", "Category", "Stock", "Price", "Tags"]
    ) | {"Key": "c"}
    assert (changes.new.count, changes.new.sample) == (3, ("a", "b", "c"))
    assert (changes.modified_lines, changes.lines_without_effect) == (3, 0)


def test_each_kind_of_change_f134() -> None:
    before = state_of(BEFORE)
    state, changes = apply(
        before,
        operations(HEAD + 'a,Ash,~empty~,,,"q,p"\nb,,,~deletekey~,,\nc,~empty~,,,,\nd,x,,,,\n'),
    )
    assert state["Key"].to_pylist() == ["a", "c", "d"]
    assert state.to_pylist()[0] == {
        "Key": "a",
        "Brand": "Ash",
        "Category": None,
        "Stock": 5,
        "Price": 1.5,
        "Tags": ["q", "p"],
    }
    assert changes.updated.sample == changes.cleared.sample == ("a",)
    assert (changes.new.sample, changes.deleted.sample, changes.unchanged_count) == (
        ("d",),
        ("b",),
        1,
    )
    assert (changes.modified_lines, changes.lines_without_effect) == (3, 1)
    assert changes.values == (
        ValueChange("a", "Brand", "Cedar", "Ash"),
        ValueChange("a", "Category", "Wood", None),
        ValueChange("a", "Tags", ["p", "q"], ["q", "p"]),
    )
    assert before.equals(state_of(BEFORE)), "the state given stays as it is"


@pytest.mark.parametrize(
    "line",
    ['{"key":"zz","action":"delete-key"}', '{"key":"zz","action":"delete-field","data":{"Brand":null}}', '{"key":"a","data":{"Brand":"Cedar","Tags":["p","q"]}}'],
    ids=["delete-key", "delete-field", "same-values"],
)  # fmt: skip
def test_nothing_to_do(line: str) -> None:
    before = state_of(BEFORE)
    state, changes = apply(before, operations(line, "f.json"))
    assert changes.is_empty
    assert state is before
    is_stored = '"key":"a"' in line  # a key that is not in the set cannot be unchanged (L5)
    assert (changes.unchanged_count, changes.absent_count) == (is_stored, not is_stored)
    assert (changes.modified_lines, changes.lines_without_effect) == (0, 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.csv", "Key,Brand,Stock\nyy,,\na,x,\nzz,~empty~,\nyz,,5\n"),
        (
            "f.json",
            '\n{"key":"yy","data":{"Brand":null}}\n\n{"key":"zz","data":{"Brand":"~empty~"}}',
        ),
    ],
    ids=["table", "json"],
)
def test_a_new_key_without_a_value_is_made_with_a_warning(name: str, content: str) -> None:
    before = state_of(BEFORE)
    state, changes = apply(before, operations(content, name))
    assert {"yy", "zz"} <= set(state["Key"].to_pylist())
    assert state.to_pylist()[-1] == {"Key": "zz", **dict.fromkeys(TYPES)}
    assert [(n.row, n.rule) for n in changes.notices] == [
        (2, "new_key_without_value"),
        (4, "new_key_without_value"),
    ]
    assert changes.notice_count == 2
    assert apply(state, operations(content, name))[1].notices == ()


def test_added_up_delete_fields_are_all_lines_with_effect() -> None:
    line = '{"key":"a","action":"delete-field","data":{"%s":null}}\n'
    _, changes = apply(state_of(BEFORE), operations(line % "Brand" + line % "Stock", "f.json"))
    assert (changes.cleared.count, changes.modified_lines) == (1, 2)


def test_a_part_of_the_state_gives_the_same_changes() -> None:
    content = HEAD + "a,Ash,,,,\nb,,,~deletekey~,,\n"
    before = state_of(BEFORE)
    _, whole = apply(before, operations(content))
    part, changes = apply(before.slice(0, 2), operations(content))
    assert changes == whole
    assert part["Key"].to_pylist() == ["a"]


def test_samples_are_bounded_and_counts_exact() -> None:
    content = "Key,Brand\n" + "".join(f"k{n:05d},x\n" for n in range(1000))
    state, changes = apply(empty_state(SET), operations(content))
    assert (changes.new.count, len(changes.new.sample)) == (1000, SAMPLE)
    _, changes = apply(state, operations(content.replace(",x", ",y")))
    assert (changes.updated.count, len(changes.values)) == (1000, SAMPLE)


KEYS = st.sampled_from(["a", "b", "ab", "é", "z", "\U00010000", "\uffff"])
CELLS = {
    "Brand": st.sampled_from(["", "x", "y", "~empty~", "~deletekey~"]),
    "Category": st.sampled_from(["", "x", "~empty~"]),
    "Stock": st.sampled_from(["", "1", "2", "~empty~"]),
    "Price": st.sampled_from(["", "1.5", "~empty~"]),
    "Tags": st.sampled_from(["", "p", "p|q", "~empty~"]),
}
FILES = st.lists(st.tuples(KEYS, *CELLS.values()), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(FILES, min_size=1, max_size=4))
def test_like_a_dictionary(files: list) -> None:
    state, plain = empty_state(SET), {}
    for rows in files:
        outcome = check(HEAD + "".join(",".join(row) + "\n" for row in rows), list_delimiter="|")
        assert isinstance(outcome, Operations)
        before = {key: dict(values) for key, values in plain.items()}
        _apply_plainly(plain, rows)
        state, changes = apply(state, outcome)
        assert {row.pop("Key"): row for row in state.to_pylist()} == plain
        assert state["Key"].to_pylist() == sorted(plain, key=str.encode)
        assert changes.new.count == len(plain.keys() - before.keys())
        assert changes.deleted.count == len(before.keys() - plain.keys())
        kept = plain.keys() & before.keys()
        assert changes.updated.count == sum(
            any(plain[key][name] not in (None, before[key][name]) for name in TYPES) for key in kept
        )
        assert changes.cleared.count == sum(
            any(plain[key][name] is None and before[key][name] is not None for name in TYPES)
            for key in kept
        )


def _apply_plainly(plain: dict, rows: list) -> None:
    readers = {
        "integer": int,
        "float": float,
        "list[string]": lambda text: text.split("|"),
        "text": str,
    }
    for key, *cells in {row[0]: row for row in rows}.values():
        tokens = set(cells)
        if "~deletekey~" in tokens:
            plain.pop(key, None)
            continue
        stored = plain.setdefault(key, dict.fromkeys(TYPES))
        for (name, kind), cell in zip(TYPES.items(), cells, strict=True):
            if cell == "~empty~":
                stored[name] = None
            elif cell:
                stored[name] = readers[kind](cell)


def test_a_file_that_says_all_anew_copies_no_row() -> None:
    rows = "".join(f"k{n:06},brand {n},{n}\n" for n in range(50_000))
    before = state_of("Key,Brand,Stock\n" + rows)
    file = operations("Key,Brand,Stock\n" + rows.replace("brand", "label"))
    state, changes = apply(before, file)
    assert changes.updated.count == 50_000
    assert state["Brand"].chunk(0).buffers()[2].address == file.values["Brand"].buffers()[2].address
    assert state["Key"].chunk(0).buffers()[2].address == before["Key"].chunk(0).buffers()[2].address


def test_rows_taken_some_at_a_time_are_the_same(monkeypatch) -> None:
    before = state_of(BEFORE)
    file = operations(HEAD + "a,Ash,~empty~,,,\naa,New,,1,,\nb,,,~deletekey~,,\nd,x,,,2.5,\n")
    whole = apply(before, file)[0]
    monkeypatch.setattr("assets.classifications.state._ROWS_AT_ONCE", 1)
    pieces = apply(before, file)[0]
    assert pieces["Brand"].num_chunks == 4
    assert pieces.equals(whole)
    assert whole["Key"].to_pylist() == ["a", "aa", "c", "d"]
