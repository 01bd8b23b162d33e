"""The report's arithmetic and its place in the documentation."""

import json

import pytest

from benchmarks import report
from benchmarks.catalog import JOBS, select
from benchmarks.runner import Measurement

FACTS = {"machine": "a test"}
J1 = JOBS[0]


def run_of(contender, *, seconds=1.0, rows=1000, **fields):
    return Measurement("J1", contender, rows, seconds=seconds, cpu_seconds=seconds, **fields)


def chosen(*slugs):
    return select(["J1"], slugs)


def cells_of(markdown, title):
    line = next(line for line in markdown.splitlines() if title in line and line.startswith("|"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_median_and_spread_of_the_rounds():
    runs = [run_of("limit", seconds=s) for s in (3.0, 1.0, 2.0)]
    markdown = report.render_markdown(chosen("limit"), runs, FACTS)
    assert cells_of(markdown, "DuckDB")[3] == "2.00 (1.00-3.00)"


def test_contenders_with_fewer_rows_are_compared_per_row():
    runs = [run_of("limit", seconds=1.0, rows=1000), run_of("pandas", seconds=1.0, rows=250)]
    figures = json.loads(report.render_json(chosen("limit", "pandas"), runs, FACTS))
    assert figures["jobs"]["J1"]["pandas"]["wall_ratio"] == pytest.approx(4.0)
    assert figures["jobs"]["J1"]["pandas"]["cpu_ratio"] == pytest.approx(4.0)


def test_a_failure_is_a_line_with_its_reason():
    runs = [run_of("limit"), Measurement("J1", "polars", 1000, error="no such | file")]
    markdown = report.render_markdown(chosen("limit", "polars"), runs, FACTS)
    line = next(line for line in markdown.splitlines() if "polars" in line)
    assert "FAILED" in line
    assert "no such \\| file" in line


def test_a_contender_that_failed_in_a_later_round_is_not_summed_up():
    runs = [run_of("ours"), run_of("limit"), Measurement("J1", "ours", 1000, error="lost")]
    markdown = report.render_markdown(chosen("ours", "limit"), runs, FACTS)
    assert "FAILED" in next(line for line in markdown.splitlines() if "Waybill import" in line)
    assert "at most 1.15x the limit: not measured" in markdown


def test_a_busy_machine_marks_the_wall_clock():
    markdown = report.render_markdown(
        chosen("limit"), [run_of("limit", seconds=2.0, other_cores=0.9)], FACTS
    )
    assert cells_of(markdown, "DuckDB")[3] == "~2.00"


def test_wrong_rows_are_shown():
    run = run_of("limit", checked=True, differences=("empty note: 0 instead of 200",))
    cells = cells_of(report.render_markdown(chosen("limit"), [run], FACTS), "DuckDB")
    assert cells[10:] == ["no", "empty note: 0 instead of 200"]


def test_goals_are_judged_by_the_measured_ratios():
    runs = [
        run_of("ours", seconds=1.1, peak_memory_bytes=1_100_000_000),
        run_of("limit", seconds=1.0),
        run_of("dlt-arrow", seconds=2.2),
    ]
    markdown = report.render_markdown(chosen("ours", "limit", "dlt-arrow"), runs, FACTS)
    assert "at most 1.15x the limit: 1.10x, reached" in markdown
    assert "1.5x ahead of dlt or more: 2.00x, reached" in markdown
    assert "under 1 GB: 1,100.00 MB, MISSED" in markdown


@pytest.mark.parametrize(
    ("contender", "sound"), [("ours", False), ("limit", False), ("polars", True)]
)
def test_only_ours_and_the_limits_decide_whether_the_run_was_sound(contender, sound):
    runs = [run_of("limit"), Measurement("J1", contender, 1000, error="broken")]
    assert report.is_sound(chosen(), runs) is sound


def test_the_documentation_gets_the_new_table_in_the_place_of_the_old(tmp_path):
    page = tmp_path / "benchmarks.md"
    page.write_text(f"head\n{report.BEGIN}\nold\n{report.END}\ntail\n", encoding="utf-8")
    report.write_docs(page, "new\n")
    report.write_docs(page, "newer\n")
    assert page.read_text(encoding="utf-8") == (
        f"head\n{report.BEGIN}\n\nnewer\n\n{report.END}\ntail\n"
    )


def test_a_page_without_markers_is_left_alone(tmp_path):
    page = tmp_path / "benchmarks.md"
    page.write_text("head\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"benchmarks\.md lacks"):
        report.write_docs(page, "new\n")
    assert page.read_text(encoding="utf-8") == "head\n"


@pytest.mark.parametrize("what", ["job", "contender"])
def test_an_unknown_name_lists_the_known_ones(what):
    arguments = (["J9"], []) if what == "job" else ([], ["spark"])
    with pytest.raises(ValueError, match=rf"unknown {what} .*known: .*(J1|limit)"):
        select(*arguments)


def test_the_word_peers_means_every_peer():
    slugs = {c.slug for _, contenders in select(["j1"], ["peers"]) for c in contenders}
    assert slugs == {c.slug for c in J1.contenders if c.family == "peer"}
