"""Vectors of rows: same seed same vectors, alike rows near each other, any table or a clear error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from assets.embeddings.encoders import tabular
from assets.embeddings.encoders.encoder import EmbeddingSpec
from assets.embeddings.encoders.tabular import fit_embedder
from resources.kernel.errors import ConfigError, EmptySourceError, InputError, UnknownNameError
from tests.assets.memory_table import MemoryTable, collect, mixed_table

SPEC = EmbeddingSpec("homes", dimension=6, seed=3)


def embed(table: pa.Table, spec: EmbeddingSpec = SPEC, batch_rows: int = 500) -> pa.Table:
    source = MemoryTable(table, batch_rows)
    return collect(fit_embedder(source, spec).embed(source))


def vectors(embedded: pa.Table) -> np.ndarray:
    column = embedded.column("vector").combine_chunks()
    return column.flatten().to_numpy().reshape(len(column), -1)


def blobs(rows: int = 600) -> pa.Table:
    """Three groups that differ in numbers, a category and a date; `group` says which."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, rows)
    return pa.table(
        {
            "a": pa.array(group * 5 + rng.normal(size=rows), mask=rng.random(rows) < 0.02),
            "b": -group + rng.normal(0, 0.2, rows),
            "kind": np.where(rng.random(rows) < 0.95, np.array(["x", "y", "z"])[group], "x"),
            "day": pa.array(np.datetime64("2024-01-15") + (group * 100).astype("timedelta64[D]")),
            "noise": rng.normal(size=rows),
            "group": np.array(["one", "two", "three"])[group],
        }
    )


def test_planted_clusters_separate():
    embedded = embed(blobs(), replace(SPEC, label=("group",)))
    points = np.column_stack([embedded.column("x"), embedded.column("y")])
    group = np.array(embedded.column("group"))
    for space in (vectors(embedded), points):
        names = np.unique(group)
        centres = np.stack([space[group == name].mean(axis=0) for name in names])
        distances = np.linalg.norm(space[:, None] - centres[None], axis=2)
        assert (names[distances.argmin(axis=1)] == group).mean() > 0.97


def test_every_row_has_one_vector_in_order_with_keys_and_labels():
    table = mixed_table(300)
    embedded = embed(table, replace(SPEC, key=("id",), label=("city", "id")), batch_rows=70)
    assert embedded.column_names == ["row_number", "id", "city", "vector", "x", "y"]
    assert embedded.column("row_number").to_pylist() == list(range(300))
    assert embedded.column("id").equals(table.column("id"))
    assert embedded.schema.field("vector").type == pa.list_(pa.float32(), 6)
    assert vectors(embedded).shape == (300, 6)
    assert np.isfinite(vectors(embedded)).all()
    assert embedded.schema.field("x").type == pa.float32()


def test_the_same_seed_gives_the_same_vectors(monkeypatch):
    monkeypatch.setattr(tabular, "FIT_ROWS", 100)
    table = mixed_table(300)
    assert embed(table).equals(embed(table))
    assert not embed(table, replace(SPEC, seed=4)).equals(embed(table))


def test_the_size_of_batches_changes_nothing(monkeypatch):
    table = mixed_table(120)
    whole = vectors(embed(table))
    monkeypatch.setattr(tabular, "BATCH_ROWS", 13)
    np.testing.assert_allclose(vectors(embed(table, batch_rows=50)), whole, atol=1e-5)


def test_keys_and_labels_make_no_vector_unless_named():
    table = mixed_table(100)
    found = fit_embedder(MemoryTable(table), replace(SPEC, key=("id",), label=("price",)))
    assert {"id", "price"}.isdisjoint(found.plan.columns)
    named = fit_embedder(
        MemoryTable(table), replace(SPEC, label=("price",), columns=("price", "size"))
    )
    assert named.plan.columns == ["size", "price"]


def test_fewer_columns_than_dimensions_are_said_so():
    table = pa.table({"a": np.arange(50.0), "b": np.arange(50.0) ** 2})
    source = MemoryTable(table)
    embedder = fit_embedder(source, SPEC)
    assert embedder.dimension == 2
    assert "dimension 2 instead of 6" in embedder.warnings[0]
    stream = embedder.embed(source)
    assert collect(stream).schema.field("vector").type.list_size == 2
    assert embedder.warnings[0] in stream.warnings


def test_columns_that_say_the_same_do_not_add_dimensions():
    table = pa.table(
        {"a": np.arange(50.0), "b": np.arange(50.0) * 3 + 1, "c": np.sin(np.arange(50.0))}
    )
    assert fit_embedder(MemoryTable(table), SPEC).dimension == 2


def test_one_dimension_lies_on_a_line():
    embedded = embed(pa.table({"a": [1.0, 2.0, 4.0]}))
    assert embedded.column("vector").type.list_size == 1
    assert embedded.column("y").to_pylist() == [0, 0, 0]
    assert embedded.column("x").to_pylist() == [
        row[0] for row in embedded.column("vector").to_pylist()
    ]


def test_two_rows_are_enough():
    embedded = embed(pa.table({"a": [1.0, 2.0], "b": ["x", None], "c": ["u", "v"]}))
    assert embedded.num_rows == 2
    assert not np.array_equal(*vectors(embedded))


def test_normalized_vectors_have_length_one():
    lengths = np.linalg.norm(
        vectors(embed(mixed_table(100), replace(SPEC, normalize=True))), axis=1
    )
    np.testing.assert_allclose(lengths, 1, atol=1e-5)


def test_a_rare_gap_does_not_outweigh_everything_else():
    table = mixed_table(1_000)
    gaps = np.zeros(1_000, bool)
    gaps[0] = True
    table = table.set_column(
        1, "size", pa.array(table.column("size").to_numpy(zero_copy_only=False), mask=gaps)
    )
    lengths = np.linalg.norm(vectors(embed(table)), axis=1)
    assert lengths[0] < 3 * np.median(lengths)


def test_wide_tables_use_a_truncated_decomposition(monkeypatch):
    monkeypatch.setattr(tabular, "DENSE_WIDTH", 5)
    embedder = fit_embedder(MemoryTable(mixed_table(200)), SPEC)
    assert embedder.method == "truncated_svd"
    assert embed(mixed_table(200)).equals(embed(mixed_table(200)))


def test_how_it_was_made_stands_in_the_properties():
    embedder = fit_embedder(MemoryTable(mixed_table(100)), SPEC)
    found = embedder.properties()
    assert found["method"] == "pca"
    assert found["dimension"] == 6
    assert 0 < found["explained_variance"] < 1
    assert found["fitted_rows"] == 100
    assert {"column": "city", "kind": "category"} in found["columns"]


def test_values_that_the_sample_did_not_show_are_embedded(monkeypatch):
    monkeypatch.setattr(tabular, "FIT_ROWS", 50)
    table = pa.concat_tables(
        [
            mixed_table(500).drop_columns(["sold"]),
            pa.table({"id": [-1], "size": [float("inf")], "city": ["Atlantis"], "note": [""], "new": [None], "noise": [None], "price": [1e300], "dear": [None], "level": [None]}),
        ],
        promote_options="permissive",
    )  # fmt: skip
    source = MemoryTable(table)
    stream = fit_embedder(source, SPEC).embed(source)
    found = vectors(collect(stream))
    assert np.isfinite(found).all()
    assert any("1 values of 'price' that are infinite" in warning for warning in stream.warnings)


def test_huge_numbers_do_not_overflow():
    table = pa.table({"a": [1e149, -1e149, 3.0] * 10, "b": range(30)})
    assert np.isfinite(vectors(embed(table))).all()


@pytest.mark.parametrize(
    ("table", "error", "text"),
    [
        pytest.param(pa.table({"a": pa.array([], "f8")}), EmptySourceError, "has no rows", id="no rows"),
        pytest.param(pa.table({"a": [1.0], "b": ["x"]}), InputError, "'a' has one and the same value", id="one row"),
        pytest.param(pa.table({"a": [1.0] * 9, "b": pa.nulls(9)}), InputError, "'b' is empty", id="constant and empty"),
        pytest.param(pa.table({"a": [float("nan"), float("inf")] * 9}), InputError, "'a' has no finite number", id="nothing but infinite"),
    ],
)  # fmt: skip
def test_tables_that_allow_no_vectors_say_why(table, error, text):
    with pytest.raises(error, match=text) as caught:
        embed(table)
    assert "embedding 'homes'" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"dimension": 0}, ConfigError, "dimension is 0"),
        ({"dimension": 4097}, ConfigError, "dimension is 4097"),
        ({"seed": -1}, ConfigError, "seed is -1"),
        ({"columns": ("sise",)}, UnknownNameError, "unknown column 'sise'"),
        ({"label": ("sise",)}, UnknownNameError, "unknown column 'sise'"),
        ({"key": ("Vector",)}, ConfigError, "'Vector' has the name of a column that the embedding adds"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_wrong_settings_have_one_clear_error(changes, error, text):
    table = mixed_table(20).append_column("Vector", pa.array(range(20)))
    with pytest.raises(error, match=text):
        embed(table, replace(SPEC, **changes))


def test_memory_does_not_grow_with_the_table(monkeypatch):
    import gc
    import tracemalloc

    monkeypatch.setattr(tabular, "FIT_ROWS", 1_000)
    piece = mixed_table(2_000).drop_columns(["note"])
    source = pa.concat_tables([piece] * 5)
    embedder = fit_embedder(MemoryTable(piece), SPEC)

    def peak(table: pa.Table) -> int:
        stream = embedder.embed(MemoryTable(table, 2_000))
        rows = 0
        gc.collect()
        tracemalloc.start()
        try:
            for batch in stream:
                rows += batch.num_rows
                gc.collect()  # what is held counts, not when the collector last ran
            _, high = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert rows == table.num_rows
        return high

    peak(piece)  # what is imported and cached at the first use is no part of a table
    assert peak(source) < 1.2 * peak(piece) + 100_000
