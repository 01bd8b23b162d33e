"""Python assets with partitions in real Dagster runs: what is stored, what each reader gets, what is refused."""

from __future__ import annotations

import dagster as dg
import duckdb
import pyarrow as pa
import pytest

from resources.stores.io_manager import DatasetIOManager
from resources.stores.resource import StoreResource
from resources.stores.tables import TableStore

STATIC = dg.StaticPartitionsDefinition(["north", "south", "west"])
DAILY = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-06")
HOURLY = dg.HourlyPartitionsDefinition("2024-01-01-00:00", end_date="2024-01-02-00:00")
DYNAMIC = dg.DynamicPartitionsDefinition(name="region")
MULTI = dg.MultiPartitionsDefinition({"day": DAILY, "region": STATIC})


class Project:
    """A store and an instance; runs assets in them."""

    def __init__(self, folder) -> None:
        self.store = TableStore.open(str(folder))
        self._resources = {"io_manager": DatasetIOManager(store=StoreResource(url=str(folder)))}
        self.instance = dg.DagsterInstance.ephemeral()

    def run(self, assets, selected, key=None, **options) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            assets,
            selection=selected,
            partition_key=key,
            resources=self._resources,
            instance=self.instance,
            **options,
        )

    def error(self, *args, **options) -> str:
        result = self.run(*args, raise_on_error=False, **options)
        (failure,) = [e for e in result.all_events if e.event_type_value == "STEP_FAILURE"]
        return failure.step_failure_data.user_failure_data.description

    def rows(self, name: str) -> list:
        return self.store.read((name,)).to_table().to_pylist()


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path)


def parted(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    @dg.asset(partitions_def=partitions)
    def sales(context) -> pa.Table:
        return pa.table({"part": [str(context.partition_key)], "n": [1]})

    return sales


def reader(partitions=None, mapping=None, **options) -> dg.AssetsDefinition:
    given = dg.AssetIn("sales", partition_mapping=mapping, **options)

    @dg.asset(ins={"sales": given}, partitions_def=partitions)
    def report(sales: pa.Table) -> pa.Table:
        return sales.select(["part"])

    return report


@pytest.mark.parametrize(
    ("partitions", "keys"),
    [
        (STATIC, ["south", "north"]),
        (DAILY, ["2024-01-02", "2024-01-01"]),
        (HOURLY, ["2024-01-01-05:00", "2024-01-01-04:00"]),
        (DYNAMIC, ["Zürich / 2", "a|b"]),
        (MULTI, [dg.MultiPartitionKey({"day": "2024-01-02", "region": "west"})]),
    ],
    ids=["static", "daily", "hourly", "dynamic", "multi"],
)
def test_each_partition_is_kept_apart_and_replaced_alone(project, partitions, keys):
    project.instance.add_dynamic_partitions("region", ["Zürich / 2", "a|b"])
    sales = parted(partitions)
    for key in [*keys, keys[0]]:
        assert project.run([sales], [sales], key).success
    assert [row["part"] for row in project.rows("sales")] == sorted(map(str, keys))
    assert project.store.item(("sales",)).numbers() == list(range(1, len(keys) + 2))


def test_what_the_run_tells(project):
    sales = parted(STATIC)
    project.run([sales], [sales], "north")
    result = project.run([sales], [sales], "south")
    (event,) = result.asset_materializations_for_node("sales")
    assert event.partition == "south"
    assert event.tags["dagster/data_version"] == "2"
    told = {name: value.value for name, value in event.metadata.items()}
    assert told["dagster/partition_row_count"] == 1
    assert told["dagster/row_count"] == 2
    assert told["partitions"] == 2
    assert "south" in told["sample"]
    assert "north" not in told["sample"]
    version = project.store.read(("sales",)).version
    assert version.properties["partitions"] == ["south"]
    assert version.partitioned_by == "static"


@pytest.mark.parametrize(
    ("partitions", "mapping", "key", "expected"),
    [
        (DAILY, None, "2024-01-02", ["2024-01-02"]),
        (
            DAILY,
            dg.TimeWindowPartitionMapping(start_offset=-1),
            "2024-01-03",
            ["2024-01-02", "2024-01-03"],
        ),
        (None, None, None, ["2024-01-01", "2024-01-02", "2024-01-03"]),
        (None, dg.AllPartitionMapping(), None, ["2024-01-01", "2024-01-02", "2024-01-03"]),
        (None, dg.SpecificPartitionsPartitionMapping(["2024-01-01"]), None, ["2024-01-01"]),
        (STATIC, dg.AllPartitionMapping(), "west", None),
    ],
    ids=["own", "window", "all", "said-all", "specific", "all-of-a-partition"],
)
def test_a_reader_gets_the_partitions_that_are_mapped_to_it(
    project, partitions, mapping, key, expected
):
    sales, report = parted(DAILY), reader(partitions, mapping)
    for day in (1, 2, 3):
        project.run([sales], [sales], f"2024-01-0{day}")
    if expected is None:
        assert "no partition '2024-01-04'" in project.error([sales, report], [report], key)
        return
    assert project.run([sales, report], [report], key).success
    assert [row["part"] for row in project.rows("report")] == expected


def test_a_partition_that_was_never_stored(project):
    sales, mapping = parted(DAILY), dg.TimeWindowPartitionMapping(start_offset=-1)
    strict = reader(DAILY, mapping)
    text = project.error([sales, strict], [strict], "2024-01-02")
    assert text.startswith("sales has no version")
    project.run([sales], [sales], "2024-01-02")
    text = project.error([sales, strict], [strict], "2024-01-02")
    assert text.startswith("sales has no partition '2024-01-01' in version 1")
    lenient = reader(DAILY, mapping, metadata={"allow_missing_partitions": True})
    assert project.run([sales, lenient], [lenient], "2024-01-02").success
    assert project.rows("report") == [{"part": "2024-01-02"}]
    text = project.error([sales, lenient], [lenient], "2024-01-05")
    assert "no partition '2024-01-04', '2024-01-05'" in text


def test_an_asset_check_of_a_partitioned_asset_sees_the_whole_table(project):
    sales, seen = parted(STATIC), []

    @dg.asset_check(asset=sales)
    def counted(sales: pa.Table) -> dg.AssetCheckResult:
        seen.append(sales.num_rows)
        return dg.AssetCheckResult(passed=True)

    for key in ("north", "west"):
        definitions = [sales, counted]
        assert project.run(definitions, dg.AssetSelection.assets(sales), key).success
    assert seen == [1, 2]


def ranged(make) -> dg.AssetsDefinition:
    @dg.asset(partitions_def=DAILY, backfill_policy=dg.BackfillPolicy.single_run())
    def sales(context):
        return make(context.partition_keys)

    return sales


def ranges(first: str, last: str) -> dict[str, str]:
    return {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last,
    }


def test_a_run_of_several_partitions_returns_a_table_for_each(project):
    sales = ranged(lambda keys: {key: pa.table({"part": [key]}) for key in keys})
    days = ranges("2024-01-01", "2024-01-03")
    assert project.run([sales], [sales], tags=days).success
    assert [row["part"] for row in project.rows("sales")] == [f"2024-01-0{n}" for n in (1, 2, 3)]
    table = project.store.read(("sales",))
    assert table.version.number == 1
    assert table.partitions == ["2024-01-01", "2024-01-02", "2024-01-03"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (pa.table({"part": ["x"]}), "one run makes 2 partitions, but returned one Table"),
        ({"2024-01-01": pa.table({"part": ["x"]})}, "'2024-01-02' are in one of both only"),
        (
            {"2024-01-01": pa.table({"part": ["x"]}), "2024-01-02": 5},
            "partition '2024-01-02': the transform returned int",
        ),
        (
            {"2024-01-01": pa.table({"part": ["x"]}), "2024-01-02": pa.table({"part": [5]})},
            "partition '2024-01-02' has column 'part' as int64, the others have string",
        ),
    ],
    ids=["one-table", "one-missing", "no-table", "other-type"],
)
def test_a_run_of_several_partitions_that_returns_something_else(project, value, said):
    sales = ranged(lambda keys: value)
    days = ranges("2024-01-01", "2024-01-02")
    assert said in project.error([sales], [sales], tags=days)
    assert project.store.keys() == []


def test_other_columns_than_the_other_partitions(project):
    kinds = {"north": pa.int64(), "south": pa.string()}

    @dg.asset(partitions_def=STATIC)
    def sales(context):
        return pa.table({"n": pa.nulls(1, kinds[context.partition_key])})

    project.run([sales], [sales], "north")
    text = project.error([sales], [sales], "south")
    assert "partition 'south' has column 'n' as string" in text
    assert "'north'" in text


def test_an_asset_that_got_partitions_begins_anew_and_says_so(project, capfd):
    @dg.asset
    def sales() -> pa.Table:
        return pa.table({"part": ["all"], "n": [9]})

    project.run([sales], [sales])
    now = parted(STATIC)
    report = reader(STATIC)
    text = project.error([now, report], [report], "north")
    assert "was stored before the asset had partitions" in text
    project.run([now], [now], "north")
    assert "begins anew with the partitions of this run" in capfd.readouterr().err
    project.run([now], [now], "north")
    assert "begins anew" not in capfd.readouterr().err
    assert project.rows("sales") == [{"part": "north", "n": 1}]


def test_sql_and_relations_see_all_partitions(project):
    sales = parted(STATIC)
    for key in ("west", "north"):
        project.run([sales], [sales], key)
    relation = project.store.read(("sales",)).relation(duckdb.connect())
    assert sorted(relation.project("part").fetchall()) == [("north",), ("west",)]


def test_a_retried_step_publishes_its_partition_once(project):
    @dg.asset(partitions_def=STATIC, retry_policy=dg.RetryPolicy(max_retries=2))
    def sales(context) -> pa.Table:
        if context.retry_number < 1:
            raise ConnectionError
        return pa.table({"part": [context.partition_key]})

    for key in ("north", "south"):
        assert project.run([sales], [sales], key).success
    assert project.store.item(("sales",)).numbers() == [1, 2]
    assert project.rows("sales") == [{"part": "north"}, {"part": "south"}]


def test_a_run_without_a_partition_replaces_nothing(project):
    @dg.asset(partitions_def=STATIC)
    def sales(context) -> pa.Table:
        return pa.table({"part": [context.partition_key if context.has_partition_key else "all"]})

    project.run([sales], [sales], "north")
    assert "sales has partitions, and this run is for none" in project.error([sales], [sales])
    assert project.rows("sales") == [{"part": "north"}]
