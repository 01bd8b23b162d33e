"""Python transforms in real Dagster runs: what they get, what is stored, what the UI is told."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from resources.kernel.records import BatchStream
from resources.stores.io_manager import DatasetIOManager
from resources.stores.resource import StoreResource
from resources.stores.tables import StoredTable, TableStore

ROWS = pa.table({"n": [1, 2, 3], "s": ["x|y", "<b>`", None]})


@dg.asset
def source() -> pa.Table:
    return ROWS


class Project:
    """A store and an instance; runs assets in them."""

    def __init__(self, folder) -> None:
        self.store = TableStore.open(str(folder))
        resource = StoreResource(url=str(folder))
        self._resources = {"io_manager": DatasetIOManager(store=resource)}
        self._instance = dg.DagsterInstance.ephemeral()

    def run(self, *assets, **options) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [source, *assets], resources=self._resources, instance=self._instance, **options
        )

    def error(self, *assets) -> str:
        result = self.run(*assets, raise_on_error=False)
        (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
        error = failure.step_failure_data.error
        assert error.cls_name == "Failure"
        assert error.cause is None
        assert error.context is None
        return failure.step_failure_data.user_failure_data.description


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path)


def returns(value):
    """Whatever an annotation makes of the input, returned as it is."""
    return value


def annotated(kind):
    def passed(source):
        assert isinstance(source, kind)
        return returns(source)

    passed.__annotations__["source"] = kind
    return dg.asset(passed)


@pytest.mark.parametrize(
    "kind",
    [
        pd.DataFrame,
        pa.Table,
        pa.RecordBatchReader,
        duckdb.DuckDBPyRelation,
        pl.DataFrame,
        pl.LazyFrame,
        StoredTable,
        BatchStream,
    ],
    ids=lambda kind: f"{kind.__module__}.{kind.__name__}",
)
def test_what_an_annotation_asks_for_comes_in_and_goes_out(project, kind):
    assert project.run(annotated(kind)).success
    stored = project.store.read(("passed",))
    assert stored.to_table().equals(ROWS)
    assert stored.version.properties["origin"] == "python"


def test_no_annotation_is_pandas(project):
    @dg.asset
    def plain(source):
        return source[source.n > 1]

    project.run(plain)
    assert project.store.read(("plain",)).to_table()["n"].to_pylist() == [2, 3]


@pytest.mark.parametrize(
    "make",
    [
        lambda: iter(ROWS.to_batches()),
        lambda: ROWS.to_batches()[0],
        lambda: dg.Output(ROWS),
        lambda: dg.Output(batch for batch in ROWS.to_batches()),
        lambda: dg.MaterializeResult(value=ROWS),
    ],
    ids=["iterator", "batch", "output", "generator-in-output", "materialize-result"],
)
def test_other_things_that_may_be_returned(project, make):
    @dg.asset
    def made(source):
        return make()

    project.run(made)
    assert project.store.read(("made",)).to_table().equals(ROWS)


def test_relations_of_several_inputs_can_be_joined(project):
    @dg.asset
    def other() -> pa.Table:
        return pa.table({"n": [2, 3], "v": [20, 30]})

    @dg.asset
    def joined(source: duckdb.DuckDBPyRelation, other: duckdb.DuckDBPyRelation):
        return source.join(other, "n").aggregate("sum(v) as total")

    project.run(other, joined)
    table = project.store.read(("joined",)).to_table()
    assert table.to_pylist() == [{"total": 50}]
    assert table.schema.field("total").type == pa.int64()


def declared_none(source) -> None:
    return None


def declared_nothing(source):
    return None


def result(source):
    return dg.MaterializeResult(metadata={"k": 1})


@pytest.mark.parametrize(
    "silent",
    [
        dg.asset(declared_none),
        dg.asset(declared_nothing, dagster_type=dg.Nothing),
        dg.asset(result),
    ],
    ids=["none", "nothing", "result"],
)
def test_nothing_declared_is_nothing_stored(project, silent):
    assert project.run(silent).success
    assert project.store.keys() == [("source",)]


def annotated_table(source) -> pd.DataFrame | None:
    return None


def not_annotated(source):
    source.dropna()


@pytest.mark.parametrize("make", [annotated_table, not_annotated], ids=lambda make: make.__name__)
def test_a_forgotten_return_fails(project, make):
    text = project.error(dg.asset(make))
    assert text.startswith(f"{make.__name__}: the transform returned nothing, so no version")
    assert "`-> None`" in text
    assert project.store.keys() == [("source",)]


def test_an_op_of_no_asset_may_return_none(tmp_path):
    @dg.op
    def quiet():
        return None

    @dg.job(resource_defs={"io_manager": DatasetIOManager(store=StoreResource(url=str(tmp_path)))})
    def work():
        quiet()

    assert work.execute_in_process().success


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ({}, 3),
        ({"waybill/keep": 1}, 1),
        ({"waybill/keep": dg.MetadataValue.int(2)}, 2),
        ({"waybill/keep": 1, "waybill/keep_days": 30}, 5),
    ],
    ids=["default", "number", "metadata-value", "days"],
)
def test_old_versions_are_collected(project, monkeypatch, metadata, kept):
    real = TableStore.collect
    monkeypatch.setattr(
        TableStore,
        "collect",
        lambda self, key, keep, keep_days: real(self, key, keep, timedelta(0), keep_days=keep_days),
    )

    @dg.asset(metadata=metadata)
    def kept_few() -> pa.Table:
        return ROWS

    for _ in range(5):
        project.run(kept_few)
    item = project.store.item(("kept_few",))
    assert item.numbers() == list(range(6 - kept, 6))
    assert len(item._log.storage.data_folders(item._log.data_path)) == kept


@pytest.mark.parametrize("keep", [0, -1, "3", True, 1.5], ids=str)
def test_numbers_of_versions_that_are_none(project, keep):
    @dg.asset(metadata={"waybill/keep": keep})
    def odd(source) -> pa.Table:
        return ROWS

    assert "'waybill/keep'" in project.error(odd)
    assert project.store.keys() == [("source",)]


def test_a_failure_that_no_retry_helps_is_not_tried_again(project):
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=3))
    def rubbish(source):
        return 5

    events = project.run(rubbish, raise_on_error=False).all_events
    assert not [e for e in events if e.event_type_value == "STEP_UP_FOR_RETRY"]
    (failure,) = [e for e in events if e.event_type_value == "STEP_FAILURE"]
    assert failure.step_failure_data.user_failure_data.metadata["error"].value == "InputError"


def test_an_input_without_a_version(project):
    @dg.asset
    def after(missing):
        return missing

    empty = dg.AssetSpec("missing")
    result = dg.materialize(
        [after, empty],
        resources=project._resources,
        instance=project._instance,
        raise_on_error=False,
    )
    (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    assert failure.step_failure_data.error.cause is None
    description = failure.step_failure_data.user_failure_data.description
    assert description.startswith("missing has no version in ")


def test_metadata_and_data_version(project):
    project.run()
    result = project.run()
    (event,) = result.asset_materializations_for_node("source")
    assert event.tags["dagster/data_version"] == "2"
    metadata = {name: value.value for name, value in event.metadata.items()}
    columns = metadata.pop("dagster/column_schema").columns
    assert [(c.name, c.type) for c in columns] == [("n", "int64"), ("s", "string")]
    assert metadata.pop("size") == f"{metadata['size_bytes']} bytes"
    assert metadata.pop("size_bytes") == project.store.read(("source",)).version.size_bytes
    assert metadata == {
        "dagster/row_count": 3,
        "version": 2,
        "files": 1,
        "sample": "| n | s |\n| --- | --- |\n| 1 | x\\|y |\n| 2 | &lt;b>\\` |\n| 3 | *null* |",
    }


def test_downstream_records_the_version_it_read(project):
    project.run()

    @dg.asset
    def after(source) -> pd.DataFrame:
        return source

    result = project.run(after)
    (event,) = result.asset_materializations_for_node("after")
    assert event.tags["dagster/input_data_version/source"] == "2"


def test_a_retried_step_publishes_once(project):
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=2))
    def flaky(context, source) -> pd.DataFrame:
        if context.retry_number < 2:
            raise ConnectionError
        return source

    run = project.run(flaky)
    version = project.store.read(("flaky",)).version
    assert version.number == 1
    assert version.run_id == run.run_id
    assert version.files[0].path.startswith(f"data/{run.run_id}-2/")


def test_a_failing_stream_leaves_the_old_version(project):
    rows = iter([ROWS])

    @dg.asset
    def broken(source):
        def batches():
            yield from next(rows).to_batches()

        return BatchStream(ROWS.schema, batches())

    project.run(broken)
    assert project.run(broken, raise_on_error=False).success is False
    item = project.store.item(("broken",))
    assert item.numbers() == [1]
    assert len(item._log.storage.data_folders(item._log.data_path)) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "returned int, which is no table"),
        ([1], "returned list, which is no table"),
        (iter([]), "yielded no batch"),
        (iter([ROWS.to_batches()[0], 5]), "yielded int, not a pyarrow.RecordBatch"),
        (pd.DataFrame(), "a table without columns"),
        (pd.DataFrame(index=range(3)), "a table without columns"),
        (pa.table({}), "a table without columns"),
        (pd.DataFrame({"x": [1, "a"]}), "column 'x' holds values of several types"),
    ],
    ids=[
        "number",
        "list",
        "no-batch",
        "odd-batch",
        "no-columns",
        "rows-only",
        "empty-arrow",
        "mixed-column",
    ],
)
def test_results_that_are_no_table(project, value, text):
    @dg.asset
    def wrong(source):
        return dg.Output(value)

    assert text in project.error(wrong)


def test_an_annotation_that_is_no_table(project):
    @dg.asset
    def wrong(source: int):
        return source

    assert "annotated <class 'int'>, which is no table" in project.error(wrong)


def test_ops_without_an_asset_are_refused(tmp_path):
    @dg.op
    def lonely():
        return ROWS

    @dg.job(resource_defs={"io_manager": DatasetIOManager(store=StoreResource(url=str(tmp_path)))})
    def work():
        lonely()

    result = work.execute_in_process(raise_on_error=False)
    (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
    assert "belongs to no asset" in failure.step_failure_data.user_failure_data.description
