"""What passes between ops: JSON in a place that nobody moves; anything else is refused, and never run."""

import json
import os
import pickle
import stat
from pathlib import Path

import dagster as dg
import pytest

from resources.kernel.errors import GoneError, InputError, IntegrityError
from resources.stores.handles import SIZE_LIMIT_BYTES, encode, handle_path, handles, read_handle


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WAYBILL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Canary:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def two_ops(value):
    @dg.op(name="pin_it", out=dg.Out(io_manager_key="handles"))
    def pin():
        return value

    @dg.op(name="use_it")
    def use(context, pinned: dict):
        context.log_event(dg.AssetObservation("seen", metadata={"value": pinned}))

    @dg.job(resource_defs={"handles": handles()})
    def hand_over():
        use(pin())

    return hand_over


def hand_over_of_record():
    return two_ops({"version": 3, "name": "flüge", "part": [1.5, None, True]})


def test_ops_in_different_processes_hand_over_what_was_returned(home):
    with dg.instance_for_test() as instance:
        job = dg.reconstructable(hand_over_of_record)
        with dg.execute_job(job, instance=instance) as result:
            assert result.success
            (seen,) = [e for e in result.all_events if e.event_type_value == "ASSET_OBSERVATION"]
    value = seen.event_specific_data.asset_observation.metadata["value"]
    assert value.data == {"version": 3, "name": "flüge", "part": [1.5, None, True]}
    (kept,) = (home / "handles").rglob("*.json")
    assert json.loads(kept.read_bytes())["version"] == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in (kept, kept.parent)} == {0o600, 0o700}


def test_run_config_cannot_move_them(home, tmp_path):
    hostile = {"resources": {"handles": {"config": {"base_dir": str(tmp_path)}}}}
    job = hand_over_of_record()
    with pytest.raises(dg.DagsterInvalidConfigError):
        job.execute_in_process(run_config=hostile)
    assert not (home / "handles").exists()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param((1, 2), id="tuple"),
        pytest.param({1: "a"}, id="number as a key"),
        pytest.param({"a": {1}}, id="set"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param(b"x", id="bytes"),
        pytest.param("x" * SIZE_LIMIT_BYTES, id="too much"),
    ],
)
def test_what_json_would_change_is_refused(value):
    with pytest.raises(InputError, match="the op load returned"):
        encode(value, where="the op load")


def test_a_value_that_is_no_json_fails_its_step_at_once(home):
    result = two_ops({"frame": object()}).execute_in_process(raise_on_error=False)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert (
        "the op pin_it returned what is no JSON" in failure.event_specific_data.error_display_string
    )
    assert not list((home).rglob("*.json"))


def hostile_files(folder):
    folder.mkdir(parents=True)
    canary = folder / "canary"
    (folder / "pickle").write_bytes(pickle.dumps(Canary(canary)))
    (folder / "deep").write_bytes(b"[" * 100_000)
    (folder / "large").write_bytes(b"1" * (SIZE_LIMIT_BYTES + 1))
    (folder / "real").write_bytes(b"{}")
    (folder / "link").symlink_to(folder / "real")
    os.mkfifo(folder / "pipe")
    return canary


@pytest.mark.parametrize("name", ["pickle", "deep", "large", "link", "pipe"])
def test_a_hostile_file_is_refused_and_not_run(tmp_path, name):
    canary = hostile_files(tmp_path / "run")
    with pytest.raises(IntegrityError, match="is damaged"):
        read_handle(tmp_path / "run" / name)
    assert not canary.exists()


def test_a_record_that_is_gone_says_what_to_do(tmp_path):
    with pytest.raises(GoneError, match="Launch the whole run again"):
        read_handle(tmp_path / "none.json")


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "..", "a\0b", ".hidden"])
def test_a_name_leads_nowhere_else(home, name):
    with pytest.raises(InputError, match="cannot name a record"):
        handle_path(["run", name, "result"])
