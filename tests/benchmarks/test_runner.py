"""The harness: fresh processes, failures as findings, nothing left behind. Ours and the limits only; no peers, no times."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import meter, session
from benchmarks.__main__ import main
from benchmarks.catalog import JOBS
from benchmarks.jobs import Contender
from benchmarks.postgres import running_server
from benchmarks.runner import run_rounds

ROWS = 2_000
J1 = JOBS[0]


def contender(function, *, slug="probe"):
    return Contender(slug, "peer", slug, f"tests.benchmarks.probes:{function}")


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """What all probes stand on: their input is made once."""
    folder = tmp_path_factory.mktemp("bench")
    with session.opened_bench(folder, [(J1, [contender("idle")])], ROWS, 60.0) as bench:
        yield bench


def run_probes(bench, *contenders, repeat=1, timeout=60.0):
    return run_rounds(replace(bench, timeout_seconds=timeout), [(J1, list(contenders))], repeat)


def test_ours_and_the_limit_of_csv_deliver_the_rows(tmp_path):
    figures = tmp_path / "figures.json"
    options = (
        f"--rows {ROWS} --repeat 1 --only J1 --contenders ours,limit --work {tmp_path / 'work'}"
    )
    assert main([*options.split(), "--json", str(figures), "--profile", str(tmp_path / "p")]) == 0
    runs = json.loads(figures.read_text())["runs"]
    assert [(run["contender"], run["rows"], run["checked"]) for run in runs] == [
        ("ours", ROWS, True),
        ("limit", ROWS, True),
    ]
    assert all(run["seconds"] > 0 and run["peak_memory_bytes"] > 10**7 for run in runs)
    assert len(list((tmp_path / "p").iterdir())) == 1
    assert list((tmp_path / "work").glob("run-*")) == []


@pytest.mark.postgres
def test_ours_and_the_limits_of_postgres_deliver_the_rows(tmp_path, capsys):
    options = f"--rows {ROWS} --repeat 1 --only J2,J3 --contenders ours,limit"
    report = tmp_path / "report.md"
    assert main([*options.split(), "--markdown", str(report)]) == 0, capsys.readouterr().err
    assert report.read_text() in capsys.readouterr().out
    assert report.read_text().count("| yes |") == 5
    assert report.read_text().count("| not kept |") == 1  # J2's limit


def test_a_contender_that_fails_does_not_end_the_run(bench):
    failing, working = contender("failing", slug="a"), contender("idle", slug="b")
    runs = run_probes(bench, failing, working, repeat=2)
    assert [(run.contender, bool(run.error)) for run in runs] == [
        ("a", True),
        ("b", False),
        ("b", False),
    ]
    assert "no such thing" in runs[0].error


def test_a_missing_module_is_named(bench):
    lost = Contender("lost", "peer", "lost", "tests.benchmarks.absent:anything")
    assert "tests.benchmarks.absent" in run_probes(bench, lost)[0].error


def test_a_contender_that_hangs_is_ended_with_its_children(bench):
    runs = run_probes(bench, contender("hanging"), timeout=5)
    assert "ended after 5 s" in runs[0].error
    assert not any("3600.25" in _command(pid) for pid in meter.descendants(os.getpid()))


def test_wrong_rows_are_a_finding(bench):
    runs = run_probes(bench, contender("wrong_rows"))
    assert runs[0].error == ""
    assert any(difference.startswith("rows: 3 instead of") for difference in runs[0].differences)


def test_rows_of_another_shape_are_a_finding(bench):
    runs = run_probes(bench, contender("other_columns"))
    assert "cannot be compared" in runs[0].differences[0]


def test_children_count_in_processor_time_and_memory(bench):
    run = run_probes(bench, contender("busy_child"))[0]
    assert run.error == ""
    assert run.cpu_seconds > 0.2
    assert run.peak_memory_bytes > 200_000_000


@pytest.mark.postgres
def test_the_server_is_gone_with_its_files():
    with session.work_folder(None) as folder:
        with running_server(folder) as server:
            assert meter.tree_cpu_seconds(server.pid) > 0
            assert server.password not in _command(server.pid)
        assert not Path(f"/proc/{server.pid}").exists()
        assert list(folder.iterdir()) == []
    assert not folder.exists()


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
