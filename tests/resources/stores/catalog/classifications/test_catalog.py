"""Sets in the catalog: values arrive unchanged, versions lead back, a run counts once, columns are settled."""

import pyarrow as pa
import pytest

from resources.kernel.errors import (
    ConflictError,
    GoneError,
    InputError,
    NotFoundError,
    SchemaMismatchError,
)
from resources.stores.catalog.classifications import deltas
from resources.stores.catalog.classifications.records import RowChanges
from tests.resources.stores.catalog.classifications.rows import (
    COLUMNS,
    SET,
    change,
    facts,
    go_back,
    held,
    table,
)

ROWS = {
    "sku-1": ("Cedar", 2**63 - 1, 89.9, ["a", "b,c", ""]),
    "Sku-1": ("'; DROP TABLE x; --", -(2**63), 1e-308, []),
    "é\u2028🙂": ("~", None, None, None),
    "a\tb\nc": ("\\N", 0, -0.5, ["\\", '"', "\n"]),
    " ": (None, None, None, None),
}


def test_values_of_every_type_come_back_as_they_went_in(catalog):
    entry = change(catalog, "run-1", ROWS)
    assert (entry.outcome, entry.version) == ("applied", 1)
    assert held(catalog) == ROWS
    stored = catalog.find(SET)
    assert (stored.version, stored.key_count, stored.oldest_version) == (1, 5, 0)
    assert [(c.name, c.type) for c in stored.columns] == COLUMNS


def test_some_keys_are_read_by_look_ups_and_many_by_a_scan(catalog):
    rows = {f"k{n:05d}": ("x", n, None, None) for n in range(8_000)}
    change(catalog, "run-1", rows)
    keys = [f"k{n:05d}" for n in range(0, 5000, 3)] + ["not there"]
    few = catalog.read(SET, COLUMNS, pa.array(keys))
    assert not few.is_whole
    assert few.table.column("Size").to_pylist() == list(range(0, 5000, 3))
    many = catalog.read(SET, COLUMNS, pa.array(list(rows)))
    assert many.is_whole
    assert many.table.num_rows == 8_000
    assert many.stored.version == 1


def test_keys_are_in_byte_order_whatever_the_database_prefers(catalog):
    change(
        catalog, "run-1", dict.fromkeys(("b", "B", "é", "~", "a", "Z", "🙂"), ("x", 1, None, None))
    )
    assert list(held(catalog)) == ["B", "Z", "a", "b", "~", "é", "🙂"]


def test_a_version_grows_with_each_file_that_changes_something(catalog):
    change(catalog, "run-1", {"a": ("x", 1, None, None), "b": ("y", 2, None, None)})
    change(catalog, "run-2", {"a": ("z", 1, None, None)}, delete=("b",))
    entry = change(catalog, "run-3")
    assert entry.version == 2
    assert held(catalog) == {"a": ("z", 1, None, None)}
    assert catalog.find(SET).key_count == 1
    assert [(e.facts.run_id, e.version) for e in catalog.history(SET)] == [
        ("run-3", 2),
        ("run-2", 2),
        ("run-1", 1),
    ]


def test_a_run_counts_once_however_often_it_is_tried(catalog):
    first = change(catalog, "run-1", {"a": ("x", 1, None, None)})
    again = change(catalog, "run-1", {"a": ("other", 1, None, None)})
    assert again == first
    assert held(catalog) == {"a": ("x", 1, None, None)}
    assert len(catalog.history(SET)) == 1


def test_changes_computed_from_another_version_are_refused(catalog):
    change(catalog, "run-1", {"a": ("x", 1, None, None)})
    with pytest.raises(ConflictError, match="has version 1, not 0") as caught:
        change(catalog, "run-2", {"a": ("y", 1, None, None)}, base=0)
    assert caught.value.retryable
    assert held(catalog) == {"a": ("x", 1, None, None)}
    assert [e.facts.run_id for e in catalog.history(SET)] == ["run-1"]


def test_a_rejected_file_is_in_the_history_and_changes_nothing(catalog):
    rejected = facts("run-1", counts={"errors": 3}, details={"errors": [{"row": 2}]})
    assert catalog.note(SET, COLUMNS, rejected, "rejected").outcome == "rejected"
    assert (
        catalog.note(SET, COLUMNS, rejected, "rejected").recorded_at
        == catalog.history(SET)[0].recorded_at
    )
    assert [(e.outcome, e.version, e.facts) for e in catalog.history(SET)] == [
        ("rejected", 0, rejected)
    ]
    assert held(catalog) == {}


def test_every_version_within_reach_can_hold_again(catalog):
    versions = [
        {},
        {"a": ("x", 1, None, ["p"]), "b": (None, None, 0.5, None)},
        {"a": ("y", 1, None, ["p"]), "c": ("n", None, None, [])},
        {"b": ("back", 9, None, None), "c": ("n", None, None, [])},
    ]
    for number, rows in enumerate(versions[1:], 1):
        before = versions[number - 1]
        put = {key: row for key, row in rows.items() if before.get(key) != row}
        change(catalog, f"run-{number}", put, tuple(set(before) - set(rows)))
    for number, wanted in enumerate([1, 0, 3, 2, 1]):
        go_back(catalog, f"undo-{number}", wanted)
        assert held(catalog) == versions[wanted]
        assert catalog.find(SET).version == 4 + number
        assert catalog.find(SET).key_count == len(versions[wanted])


def test_what_is_no_longer_kept_cannot_hold_again(catalog):
    for number in range(1, 6):
        change(catalog, f"run-{number}", {"a": (str(number), 1, None, None)}, keep=2)
    assert catalog.find(SET).oldest_version == 3
    with pytest.raises(GoneError, match="versions 3 to 4"):
        catalog.earlier(SET, COLUMNS, 2)
    with pytest.raises(NotFoundError, match="holds already"):
        catalog.earlier(SET, COLUMNS, 5)
    with pytest.raises(NotFoundError, match="there is none"):
        catalog.earlier(SET, COLUMNS, 6)
    go_back(catalog, "undo", 3)
    assert held(catalog) == {"a": ("3", 1, None, None)}
    with pytest.raises(NotFoundError, match="no file yet"):
        catalog.earlier("nothing", COLUMNS, 0)


def test_a_large_version_comes_back_in_parts(catalog, monkeypatch):
    monkeypatch.setattr(deltas, "PART_ROWS", 1000)
    rows = {f"k{n:06d}": ("x", n, None, None) for n in range(3500)}
    change(catalog, "run-1", rows)
    change(catalog, "run-2", {key: ("y", n, None, None) for n, key in enumerate(rows)})
    go_back(catalog, "undo", 1)
    assert held(catalog) == rows


def test_columns_are_added_and_go_along_with_an_undo(catalog):
    change(catalog, "run-1", {"a": ("x", 1, None, None), "b": ("y", 2, None, None)})
    more = [("New", "text"), *COLUMNS]
    assert held(catalog, more) == {"a": (None, "x", 1, None, None), "b": (None, "y", 2, None, None)}
    change(catalog, "run-2", {"a": ("n", "x", 1, None, None)}, columns=more)
    assert held(catalog, more)["a"] == ("n", "x", 1, None, None)
    go_back(catalog, "undo", 1, columns=more)
    assert held(catalog, more)["a"] == (None, "x", 1, None, None)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (COLUMNS[1:], "removed 'Brand'"),
        ([("Brand", "text"), ("Size", "float"), *COLUMNS[2:]], "'Size' from integer to float"),
    ],
)
def test_a_column_is_neither_removed_nor_retyped(catalog, columns, told):
    change(catalog, "run-1", {"a": ("x", 1, None, None)})
    for look in (
        lambda: catalog.check_columns(SET, columns),
        lambda: catalog.read(SET, columns, pa.array(["a"])),
        lambda: catalog.note(SET, columns, facts("run-2"), "rejected"),
    ):
        with pytest.raises(SchemaMismatchError, match=told):
            look()
    assert len(catalog.history(SET)) == 1


def test_columns_may_be_called_anything(catalog):
    columns = [
        ('"; DROP TABLE class_1; --', "text"),
        ("select", "integer"),
        ("é" * 120, "text"),
        ("SELECT", "text"),
    ]
    rows = {"a": ("x", 1, "y", "z")}
    change(catalog, "run-1", rows, columns=columns)
    assert held(catalog, columns) == rows


def test_sets_do_not_touch_each_other(catalog):
    change(catalog, "run-1", {"a": ("x", 1, None, None)})
    change(catalog, "run-1", {"a": (5,)}, columns=[("Only", "integer")], name="other")
    change(catalog, "run-2", delete=("a",))
    assert held(catalog, [("Only", "integer")], "other") == {"a": (5,)}
    assert held(catalog) == {}


def test_a_nul_character_is_kept_or_refused_by_name(catalog):
    rows = {"a\x00b": ("x\x00y", 1, None, ["\x00"])}
    if catalog.database.is_sqlite:
        change(catalog, "run-1", rows)
        assert held(catalog) == rows
        assert catalog.read(SET, COLUMNS, pa.array(["a\x00b"])).table.num_rows == 1
        return
    with pytest.raises(InputError, match="column 'Key': a NUL character"):
        change(catalog, "run-1", rows)
    with pytest.raises(InputError, match="key 'a', column 'Brand'"):
        change(catalog, "run-1", {"a": ("x\x00y", 1, None, None)})
    assert catalog.find(SET) is None
    change(catalog, "run-2", {"a": ("x", 1, None, ["\x00"])})
    assert held(catalog)["a"][3] == ["\x00"]
    assert catalog.read(SET, COLUMNS, pa.array(["a\x00b"] * 9)).table.num_rows == 1


def test_changes_know_their_numbers():
    one = table({"a": ("x", 1, None, None), "b": ("x", 1, None, None)})
    changes = RowChanges(
        one, table({"b": ("o", 1, None, None), "z": ("o", 1, None, None)}), pa.array(["z"])
    )
    assert (changes.new_count, changes.replaced_count, changes.is_empty) == (1, 1, False)
