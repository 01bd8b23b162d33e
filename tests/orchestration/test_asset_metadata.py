"""What Dagster's UI shows of assets beside their own words, and that nothing else of them changes."""

import dagster as dg
import pytest

from assets.noun import PAGE_LABEL, make_asset_spec
from assets.single_op import OpParts, build_materialized
from orchestration.asset_metadata import with_asset_metadata


@dg.asset(key=["datasets", "mine"], description="As declared", metadata={"own": 1})
def mine() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"seen": True})


@dg.multi_asset(specs=[dg.AssetSpec(["datasets", "a"]), dg.AssetSpec(["other", "b"])])
def both():
    yield dg.MaterializeResult(asset_key=dg.AssetKey(["datasets", "a"]))
    yield dg.MaterializeResult(asset_key=dg.AssetKey(["other", "b"]))


def shown(definitions, key):
    (spec,) = (s for s in definitions.resolve_all_asset_specs() if list(s.key.path) == key)
    return spec


def test_a_table_that_python_makes_leads_to_its_page():
    found = with_asset_metadata(dg.Definitions(assets=[mine, both]), {})
    assert shown(found, ["datasets", "mine"]).metadata[PAGE_LABEL].url == (
        "/data/-/assets/datasets/mine"
    )
    assert shown(found, ["datasets", "mine"]).metadata["own"] == 1
    assert PAGE_LABEL in shown(found, ["datasets", "a"]).metadata
    assert PAGE_LABEL not in shown(found, ["other", "b"]).metadata
    with dg.DagsterInstance.ephemeral() as instance:
        done = found.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
        assert done.success
        made = instance.fetch_materializations(dg.AssetKey(["datasets", "mine"]), limit=1).records
    assert made[0].asset_materialization.metadata["seen"].value is True


@pytest.mark.parametrize("as_spec", [True, False], ids=["external", "made"])
def test_a_title_stands_beside_what_is_declared(as_spec):
    spec = make_asset_spec(("datasets", "orders"), {"description": "As declared"}, kinds=set())
    parts = OpParts(frozenset())
    asset = spec if as_spec else build_materialized(spec, lambda _: dg.MaterializeResult(), parts)
    titles = {("datasets", "orders"): ("All orders", "Of *this* year")}
    found = shown(
        with_asset_metadata(dg.Definitions(assets=[asset]), titles), ["datasets", "orders"]
    )
    assert found.description == "As declared"
    assert found.metadata["title"] == "All orders"
    assert found.metadata["described as"].value == "Of *this* year"


def test_what_gains_nothing_stays_the_very_same():
    spec = make_asset_spec(("datasets", "orders"), {}, kinds=set())
    definitions = dg.Definitions(assets=[spec, dg.AssetSpec(["other", "b"])])
    assert with_asset_metadata(definitions, {}) is definitions
