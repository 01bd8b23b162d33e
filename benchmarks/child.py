"""A contender's process: prepares, runs the job under the meters, writes what it took.

python -m benchmarks.child TASK.json RESULT.json [PROFILE.txt]
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks import meter
from benchmarks.sampler import Sampler
from benchmarks.task import Task

Job = Callable[[], str]


def main(arguments: list[str]) -> None:
    """Runs the contender that the task names."""
    task_path, result_path, *profile = (Path(argument) for argument in arguments)
    task = Task.from_json(task_path)
    module, _, function = task.entry.partition(":")
    prepare: Callable[[Task], Job] = getattr(import_module(module), function)
    job = prepare(task)
    server_pid = task.metered_pid or (task.server.pid if task.server else None)
    with Sampler(profile[0]) if profile else nullcontext():
        before = meter.Reading.take(server_pid)
        where = job()
        after = meter.Reading.take(server_pid)
    usage = meter.Usage.between(before, after)
    result = {
        **asdict(usage),
        "peak_memory_bytes": meter.peak_memory_bytes(os.getpid()),
        "where": where,
    }
    result_path.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
