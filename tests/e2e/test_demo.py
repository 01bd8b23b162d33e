"""`waybill demo` from outside: real rows in the target database, recorded where the server shows them.

The first run is a start of its own over all flights; those after it are forked, over a few flights (`thinned_flights.py`).
"""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from tests.e2e.server import environment, recorded, recorded_run
from tests.e2e.thinned_flights import departed, packed, thinned_months
from tests.e2e.warm import WarmCommands

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

DEPARTED = 328_521  # flights of 2013 that have a departure delay


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    home = tmp_path_factory.mktemp("demo") / "home"
    started = subprocess.run(
        [Path(sys.executable).with_name("waybill"), "demo"],
        check=False,
        capture_output=True,
        text=True,
        cwd=home.parent,
        env=environment(home),
    )
    return home, started


@pytest.fixture(scope="module")
def waybill(first):
    """A command with the home folder of the first run."""
    home, _ = first
    with WarmCommands(environment(home), home.parent) as commands:
        yield lambda *arguments: commands.run(arguments, environment(home), home.parent)


@pytest.fixture(scope="module")
def months():
    return thinned_months()


@pytest.fixture(scope="module")
def second(first, waybill, months):
    home, _ = first
    for key, lines in months.items():
        (home / "lake" / key).write_bytes(packed(lines))
    result = waybill("demo", "--json")
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


def test_again_gives_the_rows_of_now_in_place_of_the_old_and_one_more_table(second, months):
    home, report = second
    rows_there = {
        item["table"].partition("_2")[0]: item["rows_there"] for item in report["delivered"]
    }
    flights = departed(months)
    routes = {(flight["carrier"], flight["origin"], flight["dest"]) for flight in flights}
    carriers = {flight["carrier"] for flight in flights if flight["arr_delay"] != "NA"}
    assert rows_there == {
        "predicted_delays": len(flights),
        "airline_delays": len(carriers),
        "route_vectors": len(routes),
    }
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        tables = [name for (name,) in warehouse.execute("show tables").fetchall()]
    assert len([name for name in tables if name.startswith("airline_delays_2")]) == 2


def test_the_datasets_are_listed(second, waybill, months):
    listed = json.loads(waybill("dataset", "list", "--json").stdout)
    found = {item["name"]: item for item in listed}
    assert found["flights"]["rows"] == sum(len(lines) - 1 for lines in months.values())
    assert {item["status"] for item in found.values()} == {"ready"}
    assert found["flights"]["origin"] == "datasource"
    assert found["airline_delays"]["origin"] == "pipeline output"
    assert found["predicted_delays"]["origin"] == "pipeline intermediate"


def test_a_step_that_fails_is_the_error(second, waybill):
    home, _ = second
    with (home / "lake" / "weather" / "2013.csv").open("a") as weather:
        weather.write("EWR,2013\n")
    result = waybill("demo")
    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "weather/2013.csv, line 26117" in errors[0]
