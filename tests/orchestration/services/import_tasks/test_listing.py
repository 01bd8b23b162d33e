"""Lists of tasks: tabs that equal the list, search beside the filter, pages; what became of items, as CSV too."""

import csv
import io

import pytest

from orchestration.services.import_tasks.items import failures, failures_csv, list_failures
from orchestration.services.import_tasks.listing import TaskFilter, list_tasks
from orchestration.services.import_tasks.steering import stop_task
from resources.kernel.errors import InputError


def test_tabs_equal_the_list_and_a_search_holds_beside_the_filter(bench):
    for number in range(5):
        bench.make(f"n{number}/*")
    started = bench.make("n9/*")
    bench.records.tasks.act(started.id, "start", "ada", run_id="r")
    stop_task(bench.records, started.id, "ada")
    whole = list_tasks(bench.records, TaskFilter(limit=4))
    assert (len(whole.items), whole.total, whole.counts["all"]) == (4, 6, 6)
    assert (whole.counts["not_started"], whole.counts["stopping"]) == (5, 1)
    rest = list_tasks(bench.records, TaskFilter(limit=4, cursor=whole.next))
    assert (len(rest.items), rest.next) == (2, None)
    both = list_tasks(bench.records, TaskFilter(("not_started",), q="N3"))
    assert ([task.name for task in both.items], both.total) == (["lake: n3/*"], 1)
    assert both.counts["all"] == 1


@pytest.mark.parametrize(
    "wanted",
    [
        TaskFilter(sort="owner"),
        TaskFilter(("done",)),
        TaskFilter(cursor="x"),
        TaskFilter(cursor="WzFd"),
        TaskFilter(limit=0),
    ],
)
def test_what_is_no_list_is_refused(bench, wanted):
    with pytest.raises(InputError):
        list_tasks(bench.records, wanted)


def test_failures_are_told_one_by_one(bench):
    bench.put("=cmd.txt", "")
    bench.put("b.exe", "x")
    bench.put("c.txt", "Fine.")
    done = bench.run("*")
    assert (done.state, done.percent, done.next_step) == (
        "completed",
        100.0,
        "retry takes the 2 failed items once more",
    )
    page = list_failures(bench.records, done.id, limit=1)
    assert ([line.name for line in page.items], page.total) == (["=cmd.txt"], 2)
    assert [row["rule"] for row in failures(bench.records, done.id)] == [
        "empty",
        "format_not_taken",
    ]
    rows = list(csv.DictReader(io.StringIO("".join(failures_csv(bench.records, done.id)))))
    assert [row["name"] for row in rows] == ["'=cmd.txt", "b.exe"]
    assert rows[1]["message"].startswith("files that end in '.exe' are not taken")
