"""The code location is merged of what a project brings and what every project has: nothing of either is lost."""

import subprocess
import sys

import dagster as dg

from orchestration.definitions import build_defs
from orchestration.executor import in_process_executor
from resources.kernel.keys import SHARED_RESOURCES


def test_what_a_project_brings_stands_in_place_of_waybills_own():
    @dg.logger
    def quiet(context): ...

    brought = dg.Definitions(
        resources={
            "handles": dg.mem_io_manager,
            "mine": dg.ResourceDefinition.hardcoded_resource(1),
        },
        executor=dg.multiprocess_executor,
        loggers={"quiet": quiet},
        metadata={"seen": True},
    )
    built = build_defs(loaded=brought)
    assert built.executor is dg.multiprocess_executor
    assert built.resources["handles"] is dg.mem_io_manager
    assert set(built.resources) == {*SHARED_RESOURCES, "mine"}
    assert (set(built.loggers), set(built.metadata)) == ({"quiet"}, {"seen"})
    assert [sensor.name for sensor in built.sensors] == ["automation", "missed_changes"]


def test_a_project_that_brings_nothing_gets_all_of_it():
    built = build_defs(loaded=dg.Definitions())
    assert built.executor is in_process_executor
    assert set(built.resources) == set(SHARED_RESOURCES)


def test_dagsters_warnings_are_left_out_while_loading_and_no_longer():
    code = """
import warnings, dagster as dg
from orchestration.definitions import defs
defs().get_repository_def()
warnings.warn("mine", dg.BetaWarning)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    warned = [line for line in done.stderr.splitlines() if "Warning:" in line]
    assert len(warned) == 1
    assert "mine" in warned[0]
