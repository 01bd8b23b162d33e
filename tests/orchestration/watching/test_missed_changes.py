"""Changes that automation forgets are found by what each asset was made from; events of a real instance say so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorType
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from orchestration.watching.automation import missed_changes_sensor
from orchestration.watching.missed_changes import GRACE_SECONDS
from tests.assets.test_refresh import DATASET, RESULT, SOURCE, World


class Watched(World):
    """The same two assets, with the sensor beside them."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        super().__init__(instance)
        self.sensor_cursor: str | None = None
        self.keys: list[str | None] = []
        self.sensor = missed_changes_sensor(clock=lambda: time.time() + self.later)
        self.later = GRACE_SECONDS + 1.0
        self.definitions = dg.Definitions.merge(
            self.definitions, dg.Definitions(sensors=[self.sensor])
        )

    def missed(self) -> set[dg.AssetKey]:
        """One tick of the sensor."""
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.sensor_cursor,
            repository_def=self.definitions.get_repository_def(),
        )
        told = self.sensor.evaluate_tick(context)
        self.sensor_cursor = told.cursor
        self.keys += [request.run_key for request in told.run_requests or ()]
        return {key for asked in told.run_requests or () for key in asked.asset_selection or ()}

    def fail(self, key: dg.AssetKey) -> None:
        """A run of the asset that fails before it makes anything."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        ended = job.execute_in_process(
            instance=self.instance, asset_selection=[key], raise_on_error=False
        )
        assert not ended.success

    def stop(self, sensor: str) -> None:
        """As the UI's switch does."""
        location = InProcessCodeLocationOrigin(
            LoadableTargetOrigin(), container_image=None, entry_point=[], location_name="own"
        )
        origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), sensor)
        self.instance.add_instigator_state(
            InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.STOPPED)
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Watched]:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        world = Watched(instance)
        world.observe()
        world.run(DATASET, RESULT)
        world.asked()
        assert world.missed() == set(), "the first look only notes where it begins"
        yield world


def change(world: Watched, version: str) -> None:
    world.versions[SOURCE] = version
    world.observe()


def test_a_change_after_the_run_in_the_same_tick_is_not_lost(world: Watched) -> None:
    change(world, "s2")
    world.run(DATASET)
    change(world, "s3")
    assert DATASET not in world.asked(), "automation takes the run for the answer to both"
    assert world.missed() == {DATASET, RESULT}
    world.run(DATASET, RESULT)
    assert world.missed() == set()
    assert world.asked() == set()


def test_a_change_during_a_run_is_not_lost(world: Watched) -> None:
    world.during = lambda: change(world, "s2")
    world.run(DATASET)
    world.asked()
    assert world.asked() == set()
    assert world.missed() == {DATASET}


def test_what_is_up_to_date_is_not_asked_for(world: Watched) -> None:
    world.observe()
    change(world, "s2")
    world.run(DATASET, RESULT)
    world.observe()
    assert world.missed() == set()


def test_a_young_change_is_left_to_automation(world: Watched) -> None:
    world.later = 0.0
    change(world, "s2")
    assert world.missed() == set()
    world.later = GRACE_SECONDS + 1.0
    assert world.missed() == {DATASET}, "the look before has not counted it as seen"


def test_the_same_change_is_one_run(world: Watched) -> None:
    change(world, "s2")
    assert world.missed() == {DATASET}
    assert world.missed() == set(), "nothing has happened since"
    world.observe()
    assert world.missed() == {DATASET}
    assert len(set(world.keys)) == 1, "Dagster starts one run for a key"
    change(world, "s3")
    world.missed()
    assert len(set(world.keys)) == 2


def test_what_failed_is_left_alone(world: Watched) -> None:
    change(world, "s2")

    def fail() -> None:
        raise RuntimeError("broken")

    world.during = fail
    world.fail(DATASET)
    assert world.missed() == set()


def test_nothing_is_asked_for_while_automation_is_stopped(world: Watched) -> None:
    change(world, "s2")
    world.stop("automation")
    assert world.missed() == set()
