"""`waybill demo` from outside: real rows in the target database, recorded where the server shows them."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from tests.e2e.server import environment, recorded, recorded_run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

DEPARTED = 328_521  # flights of 2013 that have a departure delay


def waybill(home: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [Path(sys.executable).with_name("waybill"), *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=home.parent,
        env=environment(home),
    )


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    home = tmp_path_factory.mktemp("demo") / "home"
    return home, waybill(home, "demo")


@pytest.fixture(scope="module")
def second(first):
    home, _ = first
    result = waybill(home, "demo", "--json")
    assert result.returncode == 0, result.stderr
    return home, json.loads(result.stdout)


def test_it_succeeds_and_says_what_landed_where(first):
    _, result = first
    assert result.returncode == 0, result.stdout + result.stderr
    for text in ("flights/2013-01.csv.gz", "336,776", "predicted_delays", "warehouse", "./run up"):
        assert text in result.stdout
    assert "Traceback" not in result.stderr


def test_the_rows_are_in_the_warehouse(first):
    home, _ = first
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        rows, predicted, carriers = warehouse.execute(
            "select count(*), count(prediction), count(distinct carrier) from predicted_delays"
        ).fetchone()
        tables = [name for (name,) in warehouse.execute("show tables").fetchall()]
    assert (rows, predicted, carriers) == (DEPARTED, DEPARTED, 16)
    assert len([name for name in tables if name.startswith("airline_delays_2")]) == 1


def test_the_predictions_know_something(first):
    home, _ = first
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        found = warehouse.execute(
            "select corr(prediction, arr_delay) from predicted_delays where arr_delay is not null"
        ).fetchone()
    assert found[0] > 0.8


def test_the_run_is_in_the_instance_that_the_server_shows(second):
    home, report = second
    run = recorded_run(home, report["run_id"])
    assert (run.job_name, run.status.value) == ("flight_delays", "SUCCESS")
    with recorded(home) as instance:
        exported = dg.AssetKey(["exports", "delays_to_warehouse"])
        made = instance.get_latest_materialization_event(exported)
    assert made.run_id == report["run_id"]


def test_again_gives_the_same_rows_and_one_more_table(second):
    home, report = second
    rows_there = {
        item["table"].partition("_2")[0]: item["rows_there"] for item in report["delivered"]
    }
    assert rows_there == {"predicted_delays": DEPARTED, "airline_delays": 16, "route_vectors": 438}
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        tables = [name for (name,) in warehouse.execute("show tables").fetchall()]
    assert len([name for name in tables if name.startswith("airline_delays_2")]) == 2


def test_the_datasets_are_listed(second):
    home, _ = second
    found = {
        item["name"]: item for item in json.loads(waybill(home, "dataset", "list", "--json").stdout)
    }
    assert found["flights"]["rows"] == 336_776
    assert {item["status"] for item in found.values()} == {"ready"}
    assert found["flights"]["origin"] == "datasource"
    assert found["airline_delays"]["origin"] == "pipeline output"
    assert found["predicted_delays"]["origin"] == "pipeline intermediate"


def test_a_step_that_fails_is_the_error(second):
    home, _ = second
    with (home / "lake" / "weather" / "2013.csv").open("a") as weather:
        weather.write("EWR,2013\n")
    result = waybill(home, "demo")
    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "weather/2013.csv, line 26117" in errors[0]
