"""The processes of a code location: what was loaded is what runs; a dead one is replaced; a reload waits for nobody."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher.base import LaunchRunContext
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin
from dagster._grpc.client import DagsterGrpcClient

from orchestration.server.liveness import is_dead
from orchestration.server.loading import Target, describe, load
from orchestration.services.runs.process import RunProcess
from tests.orchestration.server.runs import LOCATION, launch, new_run, wait_until, write_code

pytestmark = pytest.mark.kill
SUCCESS = dg.DagsterRunStatus.SUCCESS


def client_of(location) -> DagsterGrpcClient:
    return DagsterGrpcClient(socket=str(location.server.socket))


def children_of(pid: int) -> dict[str, int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {Path(f"/proc/{child}/comm").read_text().strip(): int(child) for child in found}


def finished(instance, run) -> bool:
    return instance.get_run_by_id(run.run_id).is_finished


@pytest.fixture
def edited(warm):
    """The code's file, whole again afterwards: what comes next loads it anew where it needs it whole."""
    folder, _, _ = warm
    yield folder / "tiny_code.py"
    write_code(folder)


def test_a_killed_code_server_is_replaced_and_said_to_be(warm, news):
    _, _, location = warm
    wait_until(lambda: "waybill-server" in children_of(location.current.pid))
    killed = children_of(location.current.pid)["waybill-server"]
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: children_of(location.current.pid).get("waybill-server") not in (None, killed)
    )
    wait_until(lambda: answers(location))
    assert "was killed" in " ".join(news.read())


def answers(location) -> bool:
    try:
        client_of(location).ping("")
    except DagsterUserCodeUnreachableError:
        return False
    return True


def test_a_run_executes_what_was_loaded_while_a_file_is_half_edited(warm, edited):
    _, instance, _ = warm
    run = new_run(instance, edited, "quick")
    edited.write_text("assets = [")
    launch(instance, run)
    wait_until(lambda: finished(instance, run))
    assert instance.get_run_by_id(run.run_id).status == SUCCESS


def test_a_reload_brings_new_code_while_a_run_of_the_old_goes_on(warm, edited):
    folder, instance, location = warm
    (folder / "slow").unlink(missing_ok=True)
    long_run = new_run(instance, edited, "slow")
    launch(instance, long_run)
    wait_until((folder / "slow").exists)
    before = location.current
    edited.write_text(edited.read_text() + "\n(FOLDER / 'loaded anew').touch()\n")
    client_of(location).reload_code(timeout=60)
    assert (folder / "loaded anew").exists()
    wait_until(lambda: location.current is not before)
    quick = new_run(instance, edited, "quick")
    launch(instance, quick)
    wait_until(lambda: finished(instance, quick))
    runners = [
        RunProcess.of(run.run_id, instance.get_run_by_id(run.run_id).tags).runner
        for run in (long_run, quick)
    ]
    assert runners[0] != runners[1]
    assert before.poll() is None
    assert not finished(instance, long_run)
    assert instance.run_launcher.terminate(long_run.run_id)
    wait_until(lambda: finished(instance, long_run))
    wait_until(lambda: before.poll() is not None)


COUNTS_ITS_LOADS = """
with (FOLDER / "loads").open("a") as file:
    file.write({version!r})
while (FOLDER / "held").exists():
    time.sleep(0.05)
"""


@pytest.fixture
def counted(warm, edited):
    """Gives the code another version, which is noted at each load; what was noted so far."""
    folder, original = warm[0], edited.read_text()
    noted = folder / "loads"
    noted.unlink(missing_ok=True)

    def edit(version: str) -> None:
        # Python takes a file of the same second and size for the one that it has compiled.
        longer = "#" * int(version) + "\n"
        edited.write_text(original + COUNTS_ITS_LOADS.format(version=version) + longer)

    return edit, lambda: noted.read_text() if noted.exists() else ""


def test_reloads_that_are_asked_for_at_once_load_once(warm, counted, news):
    _, _, location = warm
    edit, loads = counted
    edit("1")
    with ThreadPoolExecutor() as clients:
        for reload in [
            clients.submit(client_of(location).reload_code, timeout=120) for _ in range(3)
        ]:
            reload.result()
    wait_until(lambda: not Path(f"{location.server.path}.reload").exists())
    assert location.next is None
    assert loads() == "1"
    assert " ".join(news.read()).count("loaded anew") == 1


def test_a_reload_that_is_asked_for_while_code_is_read_reads_what_was_edited_since(warm, counted):
    folder, _, location = warm
    edit, loads = counted
    (folder / "held").touch()
    edit("1")
    with ThreadPoolExecutor() as clients:
        first = clients.submit(client_of(location).reload_code, timeout=120)
        wait_until(lambda: loads() == "1")
        edit("2")
        second = clients.submit(client_of(location).reload_code, timeout=120)
        wait_until(Path(f"{location.server.path}.reload").exists)
        (folder / "held").unlink()
        first.result()
        second.result()
    wait_until(lambda: loads() == "12")


def test_a_syntax_error_is_named_with_file_and_line(tmp_path, warm):
    code = tmp_path / "broken_code.py"
    code.write_text("a = 1\nb = [\n")
    target = Target.parse(["--location-name", "x", "--python-file", str(code)])
    found = load(target)
    assert found.repositories is None
    assert found.reason.startswith(f"{code}:2: SyntaxError")


def test_a_killed_process_is_replaced_and_its_run_goes_on(warm):
    folder, instance, location = warm
    (folder / "slow").unlink(missing_ok=True)
    run = new_run(instance, folder / "tiny_code.py", "slow")
    launch(instance, run)
    wait_until((folder / "slow").exists)
    killed = location.current
    server = children_of(killed.pid)["waybill-server"]
    os.kill(killed.pid, signal.SIGKILL)
    wait_until(lambda: location.current not in (None, killed) and answers(location))
    wait_until(lambda: not Path(f"/proc/{server}").exists())
    found = instance.get_run_by_id(run.run_id)
    assert not is_dead(found)
    assert instance.run_launcher.terminate(run.run_id)
    wait_until(lambda: finished(instance, run))


KEEPS_A_THREAD = (
    "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
)


class Workspace:
    """The part of Dagster's that a launcher asks."""

    def __init__(self, instance, location) -> None:
        socket = str(location.server.socket)
        origin = GrpcServerCodeLocationOrigin("localhost", socket=socket, location_name=LOCATION)
        self._location = origin.create_location(instance)

    def get_code_location(self, _name):
        return self._location


def test_runs_of_code_that_keeps_a_thread_get_fresh_processes(warm, edited, news):
    _, instance, location = warm
    edited.write_text(KEEPS_A_THREAD + edited.read_text())
    client_of(location).reload_code(timeout=60)
    parent = RunProcess("its parent", lock="/gone", server="/gone")
    run = new_run(instance, edited, "moving", tags=parent.tags)
    instance.run_launcher.launch_run(LaunchRunContext(run, Workspace(instance, location)))
    found = RunProcess.of(run.run_id, instance.get_run_by_id(run.run_id).tags)
    assert found.server == str(location.server.socket.resolve())
    assert not is_dead(instance.get_run_by_id(run.run_id))
    wait_until(lambda: finished(instance, run))
    assert instance.get_run_by_id(run.run_id).status == SUCCESS
    assert " ".join(news.read()).count("keeps threads of its own") == 1


def test_code_that_does_not_load_is_named_with_file_and_line(warm, edited, news):
    _, _, location = warm
    edited.write_text("import dagster\n\nraise ValueError('no luck')\n")
    client_of(location).reload_code(timeout=60)
    said = []
    wait_until(lambda: said.extend(news.read()) or any("does not load" in line for line in said))
    line = next(line for line in said if "does not load" in line)
    assert f"{edited}:3: ValueError: no luck" in line
    assert "loaded anew" not in " ".join([*said, *news.read()])


def test_a_reload_whose_process_dies_is_answered_with_that(warm, edited):
    _, _, location = warm
    before = location.current
    edited.write_text("import os\n\nos._exit(3)\n")
    with pytest.raises(DagsterUserCodeUnreachableError) as refused:
        client_of(location).reload_code(timeout=120)
    assert "could not be loaded anew" in str(refused.value.__cause__)
    assert location.current is before
    assert answers(location)


def test_an_error_without_a_place_is_its_own_words():
    assert describe(ValueError("no luck")) == "ValueError: no luck"
