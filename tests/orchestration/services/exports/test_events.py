"""The log's own index against Dagster's calls, which take one asset at a time."""

import dagster as dg
import pytest

from orchestration.services.exports.events import arrived, begun_deliveries, newest_deliveries

FACTS = {
    "rows": 3,
    "share": 0.5,
    "repeated": True,
    "details": dg.MetadataValue.json({"a": [1, None]}),
    "where": dg.MetadataValue.path("/x"),
    "page": dg.MetadataValue.url("https://x.test"),
    "note": dg.MetadataValue.md("*x*"),
}


def made(name: str) -> dg.AssetsDefinition:
    @dg.asset(key=["exports", name])
    def _export(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        if context.run.tags.get("fails") == name:
            raise RuntimeError("no")
        return dg.MaterializeResult(metadata=FACTS | {"table": name})

    return _export


ASSETS = [made("a"), made("b"), dg.AssetSpec(["datasets", "a"])]


@pytest.fixture(params=["memory", "files"])
def instance(request, tmp_path):
    """Both ways in which Dagster keeps its events here; PostgreSQL's is the same class."""
    if request.param == "memory":
        with dg.DagsterInstance.ephemeral() as found:
            yield found
    else:
        with dg.instance_for_test(temp_dir=str(tmp_path)) as found:
            yield found


def test_the_index_says_what_dagster_says(instance):
    for fails in ("", "a", ""):
        dg.materialize(ASSETS, instance=instance, tags={"fails": fails}, raise_on_error=False)
    found = begun_deliveries(instance, ["a", "b"], limit=10)
    for name in ("a", "b"):
        key = dg.AssetKey(["exports", name])
        planned = instance.event_log_storage.get_event_records(
            dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, asset_key=key)
        )
        own = [one for one in found if one.exporter == name]
        assert [(one.number, one.run_id) for one in own] == [
            (record.storage_id, record.run_id) for record in planned
        ]
        assert [one.at.timestamp() for one in own] == pytest.approx(
            [record.timestamp for record in planned], abs=0.001
        )
        assert newest_deliveries(instance, ["a", "b"])[name] == own[0]
        runs = {record.run_id for record in instance.fetch_materializations(key, limit=9).records}
        said = {place: told() for place, told in arrived(instance, own).items()}
        assert {place.run_id for place in said} == runs
        assert [facts["details"] for facts in said.values()] == [{"a": [1, None]}] * len(runs)
        plain = {label: getattr(value, "value", value) for label, value in FACTS.items()}
        assert all(facts == plain | {"table": name} for facts in said.values())
    assert len([one for one in found if one.exporter == "a"]) == 3
    assert [one.number for one in begun_deliveries(instance, ["a", "b"], limit=2)] == [
        one.number for one in found[:2]
    ]
    rest = begun_deliveries(instance, ["a", "b"], before=found[1].number, limit=10)
    assert rest == found[2:]


def test_nothing_asked_is_nothing_found(instance):
    assert begun_deliveries(instance, [], limit=5) == []
    assert newest_deliveries(instance, []) == {}
    assert arrived(instance, []) == {}


def test_values_that_only_dagster_reads_are_read_by_it(instance):
    @dg.asset(key=["exports", "a"])
    def sent() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"at": dg.MetadataValue.timestamp(5.0), "rows": 3})

    dg.materialize([sent], instance=instance)
    (told,) = arrived(instance, begun_deliveries(instance, ["a"], limit=1)).values()
    assert told() == {"at": 5.0, "rows": 3}
