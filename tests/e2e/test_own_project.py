"""A project of one's own, with Waybill as its wheel alone: made, filled, served, and seen by Dagster's own commands."""

import json
import os
import shutil
import signal
import subprocess
import tomllib
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from resources.stores.tables import TableStore
from tests.e2e.server import Server, wait_for
from tests.e2e.test_up import recorded_run
from tests.e2e.warm import WarmCommands
from tests.e2e.wheel import ROOT, Environment, build_wheel

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

MORE = "order_id,customer,amount,ordered_on\n1004,Edsger,12.50,2026-02-01\n"
LIST = """
import sys
from dagster._cli import cli as dagster
from dagster_dg_cli.cli import cli as dg

for command, *arguments in (line.split() for line in sys.argv[1:]):
    print("==", command, *arguments)
    {"dg": dg, "dagster": dagster}[command].main(arguments, standalone_mode=False)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def machine(tmp_path_factory, wheel):
    """An environment with the wheel, and a user with an empty home directory."""
    folder = tmp_path_factory.mktemp("machine")
    (folder / "user").mkdir()
    return Environment(folder / "env", wheel, folder / "user")


@pytest.fixture(scope="module")
def waybill(machine):
    """A command of the environment, forked from a warm process; `init`, `up` and `check` are started, as a user starts them."""
    folder = machine.folder.parent
    with WarmCommands(machine.variables, folder, machine.folder / "bin" / "python") as commands:
        yield lambda *arguments, cwd, **variables: commands.run(
            arguments, machine.variables | variables, cwd
        )


@pytest.fixture(scope="module")
def shop(machine):
    """A project as `waybill init` makes it."""
    made = machine.run("waybill", "init", "shop", cwd=machine.user)
    assert made.returncode == 0, made.stderr
    root = machine.user / "shop"
    told = [line.removeprefix("made  ") for line in made.stdout.splitlines() if line[:4] == "made"]
    home = machine.data / "waybill" / "shop"
    there = [p for p in (*root.rglob("*"), *home.joinpath("inbox").rglob("*")) if p.is_file()]
    assert sorted(told) == sorted(map(str, there))
    return root


@contextmanager
def serving(machine, shop, home: Path):
    """`waybill up`, started in a folder below the project."""
    output = machine.folder.parent / "up.txt"
    command = [machine.folder / "bin" / "waybill", "up", "--port", "0", "--no-password"]
    with output.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, cwd=shop / "tests", env=machine.variables
        )
    server = Server(process, output, home)
    try:
        server.wait_until_ready()
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            process.kill()
            for pid in server.processes():
                os.kill(pid, signal.SIGKILL)


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    tracked = subprocess.run(
        ["git", "ls-files", "assets", "orchestration", "resources"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    wanted = {path.removeprefix("orchestration/front/") for path in tracked}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        (commands,) = [n for n in archive.namelist() if n.endswith("entry_points.txt")]
        assert "waybill = waybill:main" in archive.read(commands).decode()
    assert held == wanted
    assert {name.split("/")[0] for name in held} == {
        "assets",
        "orchestration",
        "resources",
        "waybill",
    }


def test_a_project_is_made_filled_served_and_stopped(machine, shop, waybill):
    home = machine.data / "waybill" / "shop"
    (home / "inbox" / "orders" / "2026-02.csv").write_text(MORE)
    with serving(machine, shop, home) as server:
        refreshed = waybill("refresh", "orders", "--json", cwd=shop / "shop" / "defs")
        assert refreshed.returncode == 0, refreshed.stderr
        answer = json.loads(refreshed.stdout)
        assert answer["made"][-1]["rows"] == 4
        assert server.status(answer["run_id"]) == "SUCCESS"
        assert server.request("GET", "/")[0] == 200
        copied = waybill("backup", str(machine.user / "while_it_runs"), cwd=shop)
        assert copied.returncode == 0, copied.stderr
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
        wait_for(lambda: not server.processes(), seconds=30)
    rows = TableStore.open(str(home / "store")).read(("datasets", "orders")).to_table()
    assert rows.column("customer").to_pylist() == ["Ada", "Grace", "Ada", "Edsger"]
    copied = waybill("backup", str(machine.user / "stopped"), cwd=shop)
    assert copied.returncode == 0, copied.stderr
    shutil.copytree(machine.user / "while_it_runs", machine.user / "restored")
    shutil.rmtree(machine.user / "while_it_runs")
    restored, stopped = machine.user / "restored", machine.user / "stopped"
    listed = waybill("dataset", "list", "--json", cwd=shop, WAYBILL_HOME=str(restored))
    (orders,) = [d for d in json.loads(listed.stdout) if d["name"] == "orders"]
    assert (orders["rows"], orders["version"], orders["status"]) == (4, 1, "ready")
    for copy in (restored, stopped):
        store = TableStore.open(str(copy / "store"))
        assert store.read(("datasets", "orders"), 1).to_table().equals(rows)
        assert recorded_run(copy, answer["run_id"]).status.value == "SUCCESS"


def test_dagsters_own_commands_find_the_same_instance_and_env(machine, shop):
    home = machine.data / "waybill" / "shop"
    with (shop / ".env").open("a") as file:
        file.write("INBOX_OF_TEST=inbox\n")
    definitions = shop / "shop" / "defs" / "orders" / "defs.yaml"
    text = definitions.read_text()
    definitions.write_text(
        text.replace("root: inbox ", "root: \"{{ env('INBOX_OF_TEST', 'none') }}\" ")
    )
    lines = ["dg list defs --json", "dg check defs", "dagster definitions validate", "dg list envs"]
    lines.append("dg launch --job daily_orders")
    done = machine.run("python", "-c", LIST, *lines, cwd=shop)
    definitions.write_text(text)
    assert done.returncode == 0, done.stdout + done.stderr
    parts = dict(part.split("\n", 1) for part in done.stdout.split("== ")[1:])
    for asset in ("datasets/orders", "datasets/customers"):
        assert f'"{asset}"' in parts["dg list defs --json"]
    assert "All definitions loaded successfully" in parts["dg check defs"]
    assert "DAGSTER_HOME" in parts["dg list envs"]
    assert not list(shop.glob(".tmp_dagster_home_*"))
    run = newest_run(home)
    assert (run.job_name, run.status.value) == ("daily_orders", "SUCCESS")
    assert (home / "dagster" / "dagster.yaml").resolve() == shop / "dagster.yaml"


def newest_run(home: Path):
    """The newest run that Dagster's storage of this home folder has."""
    import dagster as dg

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAYBILL_HOME", str(home))
        with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
            return instance.get_runs(limit=1)[0]


def test_packages_of_the_projects_own_with_waybills_names_are_safe(machine, shop):
    own = {
        "assets": "assets/__init__.py",
        "resources": "resources.py",
        "orchestration": "orchestration/__init__.py",
    }
    for name, file in own.items():
        (shop / file).parent.mkdir(exist_ok=True)
        (shop / file).write_text(f"OWN = {name!r}\n")
    user = shop / "shop" / "defs" / "user.py"
    try:
        loaded = machine.run("python", "-c", LIST, "dagster definitions validate", cwd=shop)
        user.write_text("from assets import OWN\n")
        refused = machine.run("waybill", "check", cwd=shop)
    finally:
        user.unlink(missing_ok=True)
        for name in ("assets", "orchestration"):
            shutil.rmtree(shop / name)
        (shop / "resources.py").unlink()
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    assert refused.returncode == 1
    assert f"{user}:1" in refused.stdout
    told = f"'assets.OWN' is in {shop / 'assets'}, where Python does not look here"
    assert told in refused.stdout
    assert "Rename yours, or move it" in refused.stdout


def test_the_projects_own_tests_pass(machine, shop):
    done = machine.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=shop)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_demo_is_an_example_and_in_nobodys_definitions_else(machine, shop, waybill):
    refused = waybill("demo", cwd=shop)
    assert refused.returncode == 2
    assert "waybill init --example demo" in refused.stderr
    made = waybill("init", "flown", "--example", "demo", cwd=machine.user)
    assert made.returncode == 0, made.stderr
    project = machine.user / "flown"
    needs = tomllib.loads((project / "pyproject.toml").read_text())["project"]["dependencies"]
    assert needs[0].startswith("waybill[demo] @ file://")
    done = waybill("check", cwd=project)
    assert (done.returncode, done.stdout) == (0, "no problem found\n"), done.stderr


def test_outside_of_a_project_commands_say_what_to_do(machine, waybill):
    done = waybill("dataset", "list", cwd=machine.user)
    assert done.returncode == 2
    assert "lies in no project of Waybill" in done.stderr
    assert "waybill init DIR" in done.stderr
