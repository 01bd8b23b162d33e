"""The process of a run, as a tag of the run says: how to see whether it lives, and how to stop it.

The tag names its run. A run that is made from another, by hand or as a retry, inherits the other's tags: what they
say of a process is not true of it, and is seen not to be.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import dagster as dg

from orchestration.services.locks import is_held
from resources.home import waybill_home

PROCESS_TAG = ".dagster/waybill_process"
"""Dagster's UI shows no tag that begins with `.dagster/`."""


@dataclass(frozen=True)
class RunProcess:
    """Where the process of a run can be found.

    Args:
        run_id: whose process it is.
        lock: the file that it holds locked while it lives.
        runner: the socket of the process that it was forked from.
        server: the socket of the code server that started it.
    """

    run_id: str
    lock: str = ""
    runner: str = ""
    server: str = ""

    @classmethod
    def of(cls, run_id: str, tags: Mapping[str, str]) -> Self | None:
        """What the tags of the run `run_id` say of its own process; None when they say nothing of it."""
        try:
            facts = json.loads(tags.get(PROCESS_TAG, "{}"))
            found = cls(**facts)
        except (ValueError, TypeError):  # not written by Waybill
            return None
        return found if found.run_id == run_id else None

    @property
    def own_lock(self) -> Path | None:
        """The lock, where it is the run's own in this home folder: the user who launched the run may have written the tag."""
        own = lock_of(self.run_id)
        return own if self.lock == str(own) else None

    @property
    def is_gone(self) -> bool | None:
        """Whether it has let go of its lock; None: it has none here, so nothing is known."""
        lock = self.own_lock
        return None if lock is None else not is_held(lock)

    @property
    def tags(self) -> dict[str, str]:
        """The tag to write."""
        return {PROCESS_TAG: json.dumps(asdict(self))}


def was_killed(run: dg.DagsterRun) -> bool:
    """Whether a run that counts as started has lost its process, though no server may have been there to see it."""
    process = RunProcess.of(run.run_id, run.tags)
    is_started = run.status == dg.DagsterRunStatus.STARTED
    return is_started and process is not None and process.is_gone is True


def lock_of(run_id: str) -> Path:
    """What the process of a run holds locked while it lives."""
    return waybill_home() / "locks" / f"run-{run_id.replace(os.sep, '_')}.lock"
