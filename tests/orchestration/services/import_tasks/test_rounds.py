"""The round of the server: what nobody looks at is settled, and uploads of tasks that are gone are removed."""

import os
import time

from orchestration.services.import_tasks.rounds import TaskRounds
from resources.stores.task_uploads import TaskUploads


def test_a_round_settles_tasks_and_sweeps_uploads(bench):
    made = bench.make(bench.uploads(**{"a.txt": b"A."}))
    bench.records.tasks.act(made.id, "start", "ada", run_id="gone")
    bench.records.tasks.begin(made.id, "gone", "ada")
    bench.records.tasks.act(made.id, "delete", "ada")
    with bench.records.database.write() as connection:  # its run is long gone
        connection.exec_driver_sql("UPDATE import_tasks SET changed_at = 0")
    left = TaskUploads.open()._folder / "77"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    with TaskRounds(bench.records.database, bench.place.instance, every_seconds=0.05):
        deadline = time.monotonic() + 60
        while (bench.records.tasks.ids() or left.exists()) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert bench.records.tasks.ids() == set()
    assert [path.name for path in left.parent.iterdir()] == []
