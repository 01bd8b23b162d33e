"""What loading must not do again and again: a project of thousands of datasources has to load too."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.connections.reachable import CHECKS_OF_AN_OP, build_reachable_checks
from orchestration.definitions import defs
from orchestration.location import Location
from resources.sources.spec import SourceSpec


class _Many(Location):
    """A location of nothing but datasources."""

    def __init__(self, count: int) -> None:
        super().__init__(dg.Definitions())
        self._specs = {
            f"d{n}": SourceSpec(name=f"d{n}", connector=f"c{n % 7}", path="a.csv")
            for n in range(count)
        }

    def datasources(self) -> dict[str, SourceSpec]:
        return self._specs


@pytest.mark.parametrize("count", [0, 1, CHECKS_OF_AN_OP, CHECKS_OF_AN_OP * 3 + 1])
def test_no_op_checks_more_datasources_than_dagster_can_go_over_for_each(count):
    built = build_reachable_checks(_Many(count))
    keys = [key for checks in built for key in checks.check_keys]
    assert len(keys) == len(set(keys)) == count
    assert all(len(list(checks.check_keys)) <= CHECKS_OF_AN_OP for checks in built)
    names = [checks.node_def.name for checks in built]
    assert names == sorted(set(names), key=names.index)
    assert names[:1] == ["reachable_datasources"][: len(names)]


def test_both_builds_of_one_load_are_one_until_something_changes(monkeypatch):
    monkeypatch.setenv("WAYBILL_TEST_OF_LOADING", "1")
    first = defs()
    assert defs() is first
    second = defs()
    assert second is not first
    monkeypatch.setenv("WAYBILL_TEST_OF_LOADING", "2")
    assert defs() is not second


def test_datasources_are_assets_definitions_with_their_op_names():
    assets = [a for a in defs().assets or [] if isinstance(a, dg.AssetsDefinition)]
    assert not [a for a in defs().assets or [] if isinstance(a, dg.SourceAsset)]
    observed = [a for a in assets if a.key.path[0] == "datasources"]
    assert observed
    for asset in observed:
        assert asset.op.name == "__".join(asset.key.path)
