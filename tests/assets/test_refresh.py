"""`refresh:` seen from outside: which assets Dagster asks for after which event."""

from collections.abc import Callable

import dagster as dg
import pytest

from assets.refresh import automation_for, check_cron
from resources.kernel.errors import ConfigError

SOURCE, DATASET, RESULT = (
    dg.AssetKey(["datasources", "files"]),
    dg.AssetKey(["datasets", "orders"]),
    dg.AssetKey(["datasets", "totals"]),
)


class World:
    """Two assets behind a source, both `on_change`; a test says what each looks like."""

    def __init__(self, instance: dg.DagsterInstance, refresh: str = "on_change") -> None:
        self.instance, self.versions, self.cursor = instance, {SOURCE: "s1"}, None
        self.during: Callable[[], object] = lambda: None  # what happens while `orders` is made

        @dg.observable_source_asset(key=SOURCE)
        def files() -> dg.ObserveResult:
            return dg.ObserveResult(data_version=dg.DataVersion(self.versions[SOURCE]))

        @dg.asset(key=DATASET, deps=[SOURCE], automation_condition=automation_for(refresh))
        def orders() -> dg.MaterializeResult:
            read = self.versions[SOURCE]
            self.during()
            return dg.MaterializeResult(data_version=dg.DataVersion(read))

        @dg.asset(key=RESULT, deps=[DATASET], automation_condition=automation_for(refresh))
        def totals() -> dg.MaterializeResult:
            return dg.MaterializeResult(data_version=dg.DataVersion(self.versions[SOURCE]))

        look = dg.define_asset_job("look", selection=dg.AssetSelection.assets(SOURCE))
        self.definitions = dg.Definitions(assets=[files, orders, totals], jobs=[look])

    def run(self, *keys: dg.AssetKey) -> None:
        job = self.definitions.resolve_implicit_global_asset_job_def()
        for key in keys:
            job.execute_in_process(instance=self.instance, asset_selection=[key])

    def observe(self) -> None:
        self.definitions.resolve_job_def("look").execute_in_process(instance=self.instance)

    def asked(self) -> set[dg.AssetKey]:
        result = dg.evaluate_automation_conditions(
            self.definitions, instance=self.instance, cursor=self.cursor
        )
        self.cursor = result.cursor
        return {key for key in (DATASET, RESULT) if result.get_num_requested(key)}


@pytest.fixture
def world():
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(instance)


def settle(world: World) -> None:
    world.observe()
    world.run(DATASET, RESULT)
    world.asked()


def test_a_changed_source_asks_for_all_that_depends_on_it(world):
    settle(world)
    assert world.asked() == set()
    world.versions[SOURCE] = "s2"
    world.observe()
    assert world.asked() == {DATASET, RESULT}


def test_an_observation_without_change_asks_for_nothing(world):
    settle(world)
    world.observe()
    assert world.asked() == set()


def test_an_import_that_kept_its_version_asks_for_nothing_downstream(world):
    settle(world)
    world.run(DATASET)
    assert world.asked() == set()


def test_a_new_version_asks_for_what_depends_on_it(world):
    settle(world)
    world.versions[SOURCE] = "s2"
    world.run(DATASET)
    assert world.asked() == {RESULT}


def test_manual_has_no_condition():
    assert automation_for("manual") is None


@pytest.mark.parametrize("cron", ["sometimes", "", "* * *", "99 * * * *", "@never"])
def test_what_is_no_cron_is_refused(cron):
    with pytest.raises(ConfigError, match=r"defs\.yaml:3: refresh: .* is not a cron"):
        automation_for(cron, where="defs.yaml:3")


def test_a_cron_is_taken_as_it_is():
    assert check_cron("0 3 * * 1-5", attribute="observe") == "0 3 * * 1-5"
