"""Whole files for each worker, also after a crash: the test that crashed has failed, all others run, and the run ends.

The scheduler of pytest-xdist 3.8 begins the same test again, or waits for ever (its issues 1189, 1323, 1327, 1371): it gives
files that are done to the worker that comes instead, work to one that does not know the tests yet, and a single
test to one that begins it when it hears of the next.
"""

from __future__ import annotations

from contextlib import suppress

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


class FileScheduling(LoadFileScheduling):
    """`--dist loadfile` that goes on after a crash."""

    def remove_node(self, node: WorkerController) -> str | None:
        """Takes a worker out; says at which test it crashed, if it did, and leaves its other tests to the others."""
        files = self.assigned_work.pop(node)
        waiting = (test for tests in files.values() for test, done in tests.items() if not done)
        crashed = next(waiting, None)
        if crashed is None:
            return None
        files[self._split_scope(crashed)][crashed] = True
        self.workqueue.update(
            (file, tests) for file, tests in files.items() if not all(tests.values())
        )
        for other in self.nodes:
            self._reschedule(other)
        return crashed

    def _reschedule(self, node: WorkerController) -> None:
        if node not in self.registered_collections:
            return
        # One that has crashed, too: what it was given is taken back when that is told.
        with suppress(OSError):
            super()._reschedule(node)
            if self._pending_of(self.assigned_work[node]) == 1:
                super()._reschedule(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileScheduling | None:
    """The scheduler of `--dist loadfile`."""
    return FileScheduling(config, log) if config.getvalue("dist") == "loadfile" else None
